"""A run's curve: from its arrays once it is completed, before that from what its row carries."""

from collections.abc import Mapping
from typing import Any

from algotrade.charts import equity_series
from algotrade.errors import AlgotradeError
from algotrade.results import BacktestResult
from runs import artifacts
from runs.backtests import live
from runs.models import Run, RunState

SERIES_PIXELS = (100, 4_000)
STATIC_CHART_POINTS = 400


def series_of(run: Run, query: Mapping[str, str]) -> dict[str, Any]:
    """Return a run's curve: from its arrays when they are there, else what the row carries."""
    result = result_or_none(run) if run.state == RunState.COMPLETED else None
    if result is None:
        return live.live_curve(run)
    low, high = SERIES_PIXELS
    px = min(max(integer(query.get("px")) or 1_200, low), high)
    from_seconds, to_seconds = integer(query.get("from")), integer(query.get("to"))
    return equity_series(
        result,
        from_ns=None if from_seconds is None else from_seconds * 10**9,
        to_ns=None if to_seconds is None else to_seconds * 10**9,
        px=px,
    )


def integer(text: Any) -> int | None:
    """Return a whole number of at most ten digits, else None: epoch seconds and pixels fit, nonsense does not."""
    try:
        return int(text) if len(str(text)) <= 11 else None
    except (TypeError, ValueError):
        return None


def result_or_none(run: Run) -> BacktestResult | None:
    """Return a completed run's arrays, or None when they cannot be read."""
    try:
        return artifacts.load_result(run)
    except (AlgotradeError, OSError):
        return None


def static_chart(series: dict[str, Any], start_ns: int, end_ns: int) -> dict[str, str]:
    """Return the points of both curves in a box of 1000 x 300, for pages without a script."""
    time, equity, hold = series["time"], series["equity"], series["hold"]
    if not time:
        return {"equity": "", "hold": ""}
    start, span = start_ns / 1e9, max((end_ns - start_ns) / 1e9, 1.0)
    low, high = min(*equity, *hold), max(*equity, *hold)
    scale = 290 / ((high - low) or 1.0)
    every = max(1, len(time) // STATIC_CHART_POINTS)

    def points(values: list[float]) -> str:
        pairs = zip(time[::every], values[::every], strict=True)
        return " ".join(f"{(at - start) / span * 1000:.1f},{295 - (value - low) * scale:.1f}" for at, value in pairs)

    return {"equity": points(equity), "hold": points(hold)}
