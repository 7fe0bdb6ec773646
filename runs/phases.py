"""How far a run is, in words: phases, percent, the estimate, the tab's title. The same for both kinds of run."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from algotrade.ports import PHASES
from runs.models import Run, RunState

SEARCH_PHASES = ("queued", "loading_data", "compiling_strategy", "running_trials", "ranking", "writing_report")
"""Phases of an optimization, in order."""
DOWNLOAD_PHASES = ("queued", "loading_data", "fetching_bars", "filling_gaps", "storing_candles")
"""Phases of a download, in order."""
PHASE_WORDS = {
    "queued": "Queued",
    "loading_data": "Loading data",
    "compiling_strategy": "Compiling strategy",
    "running_backtest": "Running backtest",
    "computing_metrics": "Computing metrics",
    "running_trials": "Running trials",
    "ranking": "Ranking",
    "writing_report": "Writing report",
    "fetching_bars": "Fetching bars",
    "filling_gaps": "Filling gaps",
    "storing_candles": "Storing candles",
}
DOWNLOAD_WORDS = {**PHASE_WORDS, "loading_data": "Reading markets"}
FLEETING = frozenset(("compiling_strategy", "filling_gaps"))
"""Phases that mostly do not happen; they are shown only while they do."""
SECONDS_UNTIL_ESTIMATE = 3.0
FRACTION_UNTIL_ESTIMATE = 0.01
"""A rate is worth an estimate after the first of the two."""
MARKS = {RunState.COMPLETED: "✓ ", RunState.FAILED: "! ", RunState.CANCELLED: "", RunState.PENDING: ""}
"""What stands before the strategy's name in the tab's title; while a run runs it is the percent."""

Partial = tuple[str, dict[str, Any]]
"""Template and context of one part of a page."""


@dataclass(frozen=True, slots=True)
class Step:
    """One phase on the way: done, active or still to come."""

    label: str
    status: str


def steps_of(run: Run) -> list[Step]:
    """Return the phases; those that mostly do not happen are shown only while they do."""
    phases: Sequence[str] = SEARCH_PHASES if run.is_optimization else DOWNLOAD_PHASES if run.is_download else PHASES
    words = DOWNLOAD_WORDS if run.is_download else PHASE_WORDS
    shown = [phase for phase in phases if phase not in FLEETING or run.phase == phase]
    active = shown.index(run.phase) if run.phase in shown else 0
    return [
        Step(words[phase], "done" if index < active else "active" if index == active else "todo")
        for index, phase in enumerate(shown)
    ]


def percent_done(run: Run) -> float:
    """Return the progress in percent with one decimal, rounded down: 100.0 only when the run has ended."""
    if run.is_terminal and (run.processed >= run.total or (run.state == RunState.COMPLETED and not run.is_partial)):
        return 100.0
    # Whole numbers: 999 of 1000 as floats could round up to the next tenth.
    return min(999, run.processed * 1000 // max(run.total, 1)) / 10


def estimate_of(run: Run) -> float | None:
    """Return the seconds that remain, or None while nothing is known that is worth telling."""
    is_known = (run.elapsed_seconds or 0) >= SECONDS_UNTIL_ESTIMATE or run.fraction >= FRACTION_UNTIL_ESTIMATE
    return run.eta_seconds if is_known else None


def tab_title(run: Run, title: str) -> str:
    """Return the title of the browser's tab: `31.8% · SMA Cross`, then `✓ SMA Cross`."""
    state = RunState(run.state)
    return MARKS[state] + title if state in MARKS else f"{percent_done(run):.1f}% · {title}"
