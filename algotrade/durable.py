"""Files that are written whole or not at all, and are there after a power cut."""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

NEW = ".new-"
"""How the names of files that are being written begin."""


def write_aside(path: Path, write: Callable[[Any], object]) -> None:
    """Write a file beside its place, and put it there once it is whole and on the disk.

    Args:
        path: where the file goes; one that is there is replaced.
        write: is given the open binary file.
    """
    descriptor, name = tempfile.mkstemp(prefix=NEW, dir=path.parent)
    aside = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make what was made, renamed or removed in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
