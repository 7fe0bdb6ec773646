"""Each worker process's row: a sign of life every two seconds, and which run it works on."""

import os
import resource
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version

import structlog
from django.db import DatabaseError, close_old_connections
from django.db.models import F
from django.utils import timezone

from runs.models import Run, Worker
from runs.owners import place, start_ticks

log = structlog.get_logger(__name__)

SECONDS_BETWEEN_BEATS = 2.0
_current: Run | None = None


@contextmanager
def working_on(run: Run) -> Iterator[None]:
    """Show `run` in this worker's row, and in each line of its log, while the block runs."""
    global _current
    _current = run
    try:
        with structlog.contextvars.bound_contextvars(run=str(run), run_id=str(run.id), attempt=run.attempt):
            yield
    finally:
        _current = None


def start() -> None:
    """Begin to beat, in a daemon thread of this worker process."""
    threading.Thread(target=_beat_forever, name="heartbeat", daemon=True).start()


def _beat_forever() -> None:
    pause = threading.Event()
    while True:
        close_old_connections()
        try:
            _beat()
        except DatabaseError as error:
            log.warning("heartbeat failed", error=str(error))
        pause.wait(SECONDS_BETWEEN_BEATS)


def _beat() -> None:
    """Write this process's row."""
    run = _current
    pid = os.getpid()
    fresh = {
        "node_pid": os.getppid(),
        "version": product_version(),
        "run_id": run.pk if run else None,
        "memory_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "seen_at": timezone.now(),
    }
    started = start_ticks(pid) or 0
    rows = Worker.objects.filter(host=place(), pid=pid, started_ticks=started)
    if not rows.update(beat=F("beat") + 1, **fresh):
        Worker.objects.create(host=place(), pid=pid, started_ticks=started, beat=1, **fresh)


def product_version() -> str:
    """Return the version in pyproject.toml's terms; the product itself is not installed, so it stands here."""
    try:
        return version("algotrade")
    except PackageNotFoundError:
        return "0.1.0"
