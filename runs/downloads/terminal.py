"""A download's outcome for a terminal."""

from algotrade.ports import Json
from runs.display.figures import moment
from runs.models import Run, RunState

RANGES_SHOWN = 10


def standing(run: Run) -> str:
    """Return when an exchange that does not answer is asked again."""
    waiting: Json | None = (run.live or {}).get("waiting")
    return f"next try in {waiting['seconds']:.0f} s" if waiting else ""


def headline(run: Run) -> str:
    """Return one line about how it stands."""
    how = "failed" if run.state == RunState.FAILED else "was cancelled" if run.is_terminal else run.state
    return f"{run} {how}. {run.processed:,} of {run.total:,} bars were fetched and are kept."


def lines(run: Run) -> list[str]:
    """Return what came of it."""
    if run.state != RunState.COMPLETED or run.result is None:
        return [headline(run)]
    result, dataset = run.result, run.result["dataset"]
    ranges = [f"  from {_time(part['first_ns'])}: {part['n_bars']:,}" for part in result["missing"][:RANGES_SHOWN]]
    n_more = len(result["missing"]) - RANGES_SHOWN
    return [
        f"{run.asset} {run.timeframe} on {run.exchange}: {dataset['n_bars']:,} bars, {_time(dataset['first_ns'])} "
        f"to {_time(dataset['last_ns'])} UTC, version {dataset['version'][:12]}",
        f"Fetched: {result['n_fetched']:,}, new: {result['n_added']:,}, corrected: {result['n_changed']:,}",
        f"Missing at the exchange: {result['n_missing']:,}",
        *ranges,
        *([f"  \N{HORIZONTAL ELLIPSIS} and {n_more:,} more ranges"] if n_more > 0 else []),
        *result["notes"],
    ]


def problems(run: Run) -> list[str]:
    """Return the error of a failed download."""
    return [f"{run.error_type}: {run.error_message}"] if run.state == RunState.FAILED else []


def _time(nanoseconds: int) -> str:
    return moment(nanoseconds).strftime("%Y-%m-%d %H:%M")
