"""Processes of the product, as Linux tells of them.

Read from /proc and not by psutil, which takes up to twice as long for the same: what is measured shares the cores with
what looks, and `bench` runs without the packages of the tests.
"""

import os
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


def below(top: int) -> set[int]:
    """Return the ids of all processes that `top` and its children started."""
    parents = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal() and (fields := _stat(int(folder.name))):
            parents[int(folder.name)] = int(fields[1])
    found, fresh = set(), {top}
    while fresh:
        fresh = {pid for pid, parent in parents.items() if parent in fresh}
        found |= fresh
    return found


def command_of(pid: int) -> str:
    """Return a process's command line, words parted by blanks; empty when it is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


def cpu_seconds(pid: int) -> float:
    """Return the CPU time that a process has used, in seconds; 0 when it is gone."""
    fields = _stat(pid)
    return (int(fields[11]) + int(fields[12])) / _TICKS if fields else 0.0


def resident_bytes(pid: int) -> int:
    """Return the memory that a process holds; 0 when it is gone."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE_BYTES
    except OSError:
        return 0


def _stat(pid: int) -> list[str]:
    """Return the fields of a process's stat from its state on; none when it is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []
