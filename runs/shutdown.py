"""Shutdown flag of this node: one byte of memory that the node's processes share.

No lock guards it, so a process that is killed can never leave it locked. It must exist before the node forks.
"""

import mmap

_flag = mmap.mmap(-1, 1)


def begin() -> None:
    """Tell every process of this node that it is being stopped: claims refuse, running work is given back."""
    _flag[0] = 1


def has_begun() -> bool:
    """Whether this node is being stopped."""
    return _flag[0] == 1
