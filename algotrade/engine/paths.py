"""Paths of source files as people see them: never where this machine keeps them."""

import os
import re
import sys
import sysconfig
from functools import cache

FILE_LINE = re.compile(r'(?m)(?<=File ")[^"\n]+(?=", line \d)')
"""A path where a printed traceback names one."""
PRODUCT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def short_path(path: str, folder: str) -> str:
    """Return a path as people see it.

    Args:
        path: of a source file, or a name like <string>.
        folder: the strategy's; its files become strategies/...

    Returns:
        The path within the folder, the product, the package that was installed, or Python; of another file the last
        two parts.
    """
    if is_within(path, folder):
        return "strategies/" + os.path.relpath(path, folder)
    for root in _roots():
        if is_within(path, root):
            return os.path.relpath(path, root)
    return "/".join(path.split(os.sep)[-2:])


def shorten_paths(text: str, folder: str) -> str:
    """Return a printed traceback with short paths; the folder's paths in messages are shortened, too."""
    shortened = FILE_LINE.sub(lambda found: short_path(found[0], folder), text)
    return shortened.replace(folder + os.sep, "strategies" + os.sep)


def is_within(path: str, folder: str) -> bool:
    """Whether a file lies in a folder."""
    return path.startswith(folder.rstrip(os.sep) + os.sep)


@cache
def _roots() -> tuple[str, ...]:
    """Return what paths are relative to, the innermost folder first: packages may lie below the product or Python."""
    installed = {path for path in sys.path if os.path.basename(path) in ("site-packages", "dist-packages")}
    installed |= {sysconfig.get_path(name) for name in ("purelib", "platlib", "stdlib")}
    return tuple(sorted({*installed, PRODUCT}, key=len, reverse=True))
