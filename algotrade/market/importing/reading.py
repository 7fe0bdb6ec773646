"""The process in which files of strangers are read: `python -m algotrade.market.importing.reading`.

It has no database, no secret and no Django, little memory, a limit of time, and dies with its parent. One job comes as
a line of JSON; lines of JSON go back: how far it is, the question whether to store, and one answer at the end.
"""

import json
import os
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from algotrade.lifeline import die_with

SECONDS_BETWEEN_MESSAGES = 0.1


def main() -> None:
    """Bind the process to its parent, and do one job."""
    parent, memory_bytes, cpu_seconds = (int(text) for text in sys.argv[1:4])
    die_with(parent)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds + 5))
    if memory_bytes:
        resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")  # the others reserve more than they use
    job = json.loads(sys.stdin.readline())
    _send(answer(job, _Teller(), _may_store))


def answer(job: dict[str, Any], tell: Callable[[str, int, int], None], may_store: Callable[[], bool]) -> dict[str, Any]:
    """Do a job: `inspect` or `import` the file `path` under `options`, for the store at `root`.

    Args:
        job: the job.
        tell: hears how far it is.
        may_store: asked before anything is stored.

    Returns:
        What the file holds (`preview`), what was stored (`stored`), or why not (`refused`).
    """
    try:
        return _answer(job, tell, may_store)
    except MemoryError:
        return {"refused": {"errors": ["The file needs more memory than reading a file may take."], "total": 1}}


def _answer(
    job: dict[str, Any], tell: Callable[[str, int, int], None], may_store: Callable[[], bool]
) -> dict[str, Any]:
    # Imported below the limits: what importing takes counts, too.
    import pyarrow as pa

    from algotrade.errors import MarketDataError
    from algotrade.market.importing.imports import ImportRefused, import_candles
    from algotrade.market.importing.preview import inspect
    from algotrade.market.store import CandleStore

    pa.set_cpu_count(1)
    path, store = Path(job["path"]), CandleStore(Path(job["root"]))
    try:
        if job["job"] == "inspect":
            return {"preview": inspect(path, store, job["options"], tell).to_dict()}
        report = import_candles(path, store, tell=tell, may_store=may_store, **job["options"])
    except pa.ArrowMemoryError as error:
        raise MemoryError from error
    except ImportRefused as error:
        return {"refused": {"errors": error.errors, "total": error.total}}
    except MarketDataError as error:
        return {"refused": {"errors": [str(error)[:2_000]], "total": 1}}
    except OSError as error:
        return {"refused": {"errors": [f"The candles cannot be stored: {error.strerror}."], "total": 1}}
    return {
        "stored": {
            "key": report.dataset.key,
            "version": report.dataset.version,
            "is_new": report.is_new,
            "changes": asdict(report.changes) if report.changes else None,
            "n_bars": report.dataset.n_bars,
            "n_duplicates": report.n_duplicates,
            "notes": report.notes,
        }
    }


class _Teller:
    """Tells the parent how far the job is, some times a second."""

    def __init__(self) -> None:
        self._next, self._phase = 0.0, ""

    def __call__(self, phase: str, done: int, total: int) -> None:
        now = time.monotonic()
        if now >= self._next or phase != self._phase:
            self._next, self._phase = now + SECONDS_BETWEEN_MESSAGES, phase
            _send({"phase": phase, "done": done, "total": total})


def _may_store() -> bool:
    """Ask the parent, who may have been told to cancel meanwhile."""
    _send({"ask": "store"})
    return bool(json.loads(sys.stdin.readline() or "{}").get("store"))


def _send(message: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(message, allow_nan=False) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
