"""Lock of SQLite's writers, among the threads of one process."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import OperationalError, connection

PATIENCE_SECONDS = 20.0
"""As long as SQLite itself waits for a lock."""

_turn = threading.Lock()


@contextmanager
def sqlite_write_lock() -> Iterator[None]:
    """Hold the turn to write, in SQLite; around a transaction that many requests make at the same time.

    Within another transaction there is none: who holds the database's lock already must not wait for who waits for it.

    SQLite waits for its lock by sleeping, longer each time, and who comes new overtakes those that sleep: among twenty
    that submit, one waited for five seconds. Other databases let all write at once.

    Raises:
        OperationalError: the others take too long, as SQLite says it of another process.
    """
    if connection.vendor != "sqlite" or connection.in_atomic_block:
        yield
        return
    if not _turn.acquire(timeout=PATIENCE_SECONDS):
        raise OperationalError("database is locked")
    try:
        yield
    finally:
        _turn.release()
