"""The listed runs as a CSV file, a line a run."""

from collections.abc import Iterator
from typing import Any

from runs.models import Run, RunQuerySet
from runs.spreadsheets import cell, lines_of

ROWS_AT_ONCE = 500
HEAD = (
    "number", "kind", "status", "title", "tags", "notes", "strategy_name", "asset", "exchange", "timeframe",
    "created_at", "finished_at", "seconds", "total_return", "sharpe_ratio", "max_drawdown", "trades", "objective",
    "best_value", "error_type", "error_message", "id",
)  # fmt: skip
HEAVY = ("result", "error_stack_trace", "error_detail", "live", "inputs")


def lines(runs: RunQuerySet) -> Iterator[str]:
    """Return the lines of the file, in the order of `runs`; batches, so that no export holds all rows in memory."""
    yield lines_of([HEAD])
    numbers = list(runs.values_list("pk", flat=True))
    for first in range(0, len(numbers), ROWS_AT_ONCE):
        part = numbers[first : first + ROWS_AT_ONCE]
        rows = Run.objects.select_related("note").defer(*HEAVY)
        found = {run.pk: run for run in rows.filter(pk__in=part)}
        rows_there = [found[number] for number in part if number in found]
        yield lines_of(map(cell, _cells(run)) for run in rows_there)


def _cells(run: Run) -> list[Any]:
    note = run.words
    return [
        run.number,
        run.kind,
        run.state,
        note.title if note else "",
        " ".join(note.tag_list) if note else "",
        note.notes if note else "",
        run.strategy_name,
        run.asset,
        run.exchange,
        run.timeframe,
        run.created_at.isoformat(timespec="seconds"),
        run.finished_at.isoformat(timespec="seconds") if run.finished_at else "",
        run.elapsed_seconds if run.finished_at else None,
        run.total_return,
        run.sharpe_ratio,
        run.max_drawdown,
        run.n_trades,
        run.spec.get("objective", ""),
        run.best_value,
        run.error_type,
        run.error_message or "",
        str(run.id),
    ]
