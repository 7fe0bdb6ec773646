"""Names of strategies: what a strategy's file may be called, and why another name is not taken."""

import keyword
import sys
from functools import cache
from importlib.machinery import PathFinder
from pathlib import Path

LONGEST_NAME = 100
"""Characters; runs keep the name in a column of this length."""


@cache
def name_problem(name: str) -> str:
    """Return why no strategy's file can be called so, a sentence; empty when one can.

    Args:
        name: the file's name without its suffix.
    """
    if len(name) > LONGEST_NAME:
        return f"The name has {len(name)} characters; at most {LONGEST_NAME} are allowed."
    if name[:1].isdecimal():
        return f"The name {name!r} begins with a digit; begin it with a letter, as in my_{name}."
    if not name.isidentifier():
        strange = sorted({character for character in name if not f"_{character}".isidentifier()})
        shown = ", ".join(repr(character) for character in strange[:5])
        return f"The name {name!r} holds {shown}; letters, digits and _ are allowed."
    if keyword.iskeyword(name):
        return f"{name!r} is a keyword of Python; choose another name, such as my_{name}."
    if _is_library(name):
        return f"{name!r} is the name of a library; a file of that name would hide it. Call it my_{name}, say."
    return ""


def _is_library(name: str) -> bool:
    """Whether Python or an installed package has a module of that name."""
    if name in sys.stdlib_module_names or name == "__main__":
        return True
    spec = PathFinder.find_spec(name)  # what is installed, not what this process has loaded
    return spec is not None and spec.origin is not None  # a mere folder has no origin


def name_of(path: Path) -> str:
    """Return a file's name without its suffix, by which everyone calls the strategy; bytes that are no UTF-8 are ?."""
    return path.stem.encode("utf-8", "replace").decode()
