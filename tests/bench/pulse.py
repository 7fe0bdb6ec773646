"""Runs whose rows change as if workers executed them: `python -m tests.bench.pulse SECONDS`, in a home of a product.

Copies of a run that is there are put into the database as running, held by this process. It prints their ids as one
line of JSON and waits for a line; then it writes their progress at the pace of a worker and prints a line of JSON for
each write: id, revision, time; at the end an empty list. When its input ends it cancels the runs.
"""

import json
import os
import sys
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from runs.models import Run

N_RUNS = 10
WRITES_PER_SECOND = 4
TOTAL_BARS = 1_000_000
FIELDS = ("kind", "user_id", "strategy_name", "asset", "exchange", "timeframe", "spec", "inputs")


def main(seconds: float) -> None:
    """Make the runs, and write their progress when told to."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "algotrade.settings")
    import django

    django.setup()
    from runs.owners import new_owner

    owner = new_owner()
    runs = _insert(owner)
    _say([str(run.id) for run in runs])
    sys.stdin.readline()
    ends = time.monotonic() + seconds
    processed, pause = 0, 1.0 / (WRITES_PER_SECOND * len(runs))
    while time.monotonic() < ends:
        processed += 100
        for run in runs:  # one after the other, as workers that know nothing of each other
            live = {"rate": 1000.0, "equity": []}
            run.write_progress(owner, processed=processed, phase="running_backtest", live=live)
            run.rev += 1
            _say([str(run.id), run.rev, time.time()])
            time.sleep(pause)
    _say([])
    sys.stdin.readline()
    for run in runs:
        run.mark_cancelled()


def _insert(owner: str) -> "list[Run]":
    from django.utils import timezone

    from runs.models import Run, RunState

    pattern = Run.objects.latest("number")
    now = timezone.now()
    copied = {name: getattr(pattern, name) for name in FIELDS}
    times = {"started_at": now, "attempt_started_at": now}
    return [
        Run.objects.create(
            **copied,
            **times,
            state=RunState.RUNNING,
            owner=owner,
            attempt=1,
            total=TOTAL_BARS,
            run_key=f"pulse-{number}",
        )
        for number in range(N_RUNS)
    ]


def _say(what: Any) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(float(sys.argv[1]))
