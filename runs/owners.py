"""Owner tokens: who holds a claim, and which process made it, so that its death can be seen at once.

A token is ``<place>:<pid>:<start ticks>:<random>``. The place is the host and its process-id namespace; start ticks
tell a process from a later one with the same number.

The ticks are read from the kernel and not by psutil, which tells the start as seconds since 1970: these move with the
machine's clock, and a worker that lives would be taken for dead.
"""

import os
import secrets
import socket
from functools import cache
from pathlib import Path


@cache
def place() -> str:
    """Return where process ids of this process mean something: the host's name and the pid namespace."""
    return f"{socket.gethostname()}-{os.stat('/proc/self/ns/pid').st_ino}".replace(":", "_")[:60]


def start_ticks(pid: int) -> int | None:
    """Return when the kernel started a process, in clock ticks since boot; None when it is gone or a zombie."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    fields = stat.rpartition(")")[2].split()  # the name before it may hold blanks and parentheses
    return None if fields[0] in "ZX" else int(fields[19])


def new_owner() -> str:
    """Return a fresh token of this process."""
    pid = os.getpid()
    return f"{place()}:{pid}:{start_ticks(pid)}:{secrets.token_hex(8)}"


def is_known_dead(owner: str) -> bool:
    """Whether the process behind a token surely lives no more. False when that cannot be seen from here."""
    parts = owner.split(":")
    if len(parts) != 4 or parts[0] != place():
        return False
    return start_ticks(int(parts[1])) != int(parts[2])
