"""Processes that end with their parent, so that nothing is left running when one is killed."""

import ctypes
import os
import signal

_PR_SET_PDEATHSIG = 1


def die_with(parent: int) -> None:
    """Have the kernel kill this process when its parent ends; end at once when process `parent` is gone already.

    The kernel watches the parent's *thread* that made this process: start long-lived children from a main thread.
    """
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)


def bind_future_forks() -> None:
    """Bind every process that this one, or one of those, forks from here on to its parent."""
    parent = 0

    def before() -> None:
        nonlocal parent
        parent = os.getpid()

    os.register_at_fork(before=before, after_in_child=lambda: die_with(parent))
