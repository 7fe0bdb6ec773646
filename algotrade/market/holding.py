"""The locks of a candle store: they end with the process that holds them, however it ends.

There are two, because a download makes its version the newest within a transaction of the database, and a submission
inserts its run while it pins the version: with one lock each could hold what the other waits for.

1. `shared`, `exclusive`: held by all who write versions or pin them, or alone by who takes a dataset away. A file of
   the store.
2. `one_writer`: of a dataset; one at a time makes a version the newest. Taken while the first one is held.
"""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from algotrade.errors import MarketDataError

LOCK = ".lock"
PATIENCE_SECONDS = 10.0
"""How long one waits for others: storing takes a second or two, deleting some milliseconds."""
PAUSE_SECONDS = 0.01


class StoreBusy(MarketDataError):
    """Others hold the store for longer than anybody waits; nothing was changed."""


@contextmanager
def shared(root: Path) -> Iterator[None]:
    """Let nobody take a dataset of the store away meanwhile.

    Raises:
        StoreBusy: somebody is taking one away, and does not come to an end.
    """
    with _held(root, fcntl.LOCK_SH, PATIENCE_SECONDS):
        yield


@contextmanager
def exclusive(root: Path, seconds: float | None = None) -> Iterator[None]:
    """Let nobody write a version into the store, or pin one, meanwhile.

    Args:
        root: of the store.
        seconds: how long to wait for those who do; PATIENCE_SECONDS when it is not said.

    Raises:
        StoreBusy: somebody still does.
    """
    with _held(root, fcntl.LOCK_EX, PATIENCE_SECONDS if seconds is None else seconds):
        yield


@contextmanager
def one_writer(folder: Path) -> Iterator[None]:
    """Let nobody else make another version the newest one of a dataset meanwhile; the store must be held."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def _held(root: Path, how: int, seconds: float) -> Iterator[None]:
    root.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(root / LOCK, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        deadline = time.monotonic() + seconds
        while True:
            try:
                fcntl.flock(descriptor, how | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    raise StoreBusy("Candles are being stored or deleted right now. Try again in a moment.") from None
                time.sleep(PAUSE_SECONDS)
        yield
    finally:
        os.close(descriptor)
