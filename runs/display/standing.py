"""The standing of a run: how far it is, in words and figures that header, card, row, terminal and API share.

It is computed once for each rendering; templates read its fields and ask nothing else. What only one kind of run shows
is the content of a part (`runs/display/parts.py`).
"""

from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse

from runs.actions import verbs
from runs.models import Kind, Run, RunState, kind_of

FLEETING = frozenset(("compiling_strategy", "filling_gaps"))
"""Phases that mostly do not happen; they are shown only while they do."""
SECONDS_UNTIL_ESTIMATE = 3.0
FRACTION_UNTIL_ESTIMATE = 0.01
"""A rate is worth an estimate after the first of the two."""
MARKS = {RunState.COMPLETED: "✓ ", RunState.FAILED: "! ", RunState.CANCELLED: "", RunState.PENDING: ""}
"""What stands before the subject in the tab's title; while a run runs it is the percent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What pages call a run.

    Attributes:
        title: short, for the browser's tab: SMA Cross.
        headline: for the head of its page: SMA Cross on SPY 1h.
        row_title: for its row in the list.
        detail: small print of the row: parameters, or the axes.
        dataset: the candles: SPY 1h.
        start, end: first and last bar that was asked for.
        currency: of the account; empty where there is none.
        completed: what a screen reader is told after "Backtest 7 completed.".
    """

    title: str
    headline: str
    row_title: str
    dataset: str
    start: datetime
    end: datetime
    detail: str = ""
    currency: str = ""
    completed: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """One phase on the way: done, active or todo."""

    label: str
    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a run of any kind stands.

    Attributes:
        run: the run.
        kind: its kind.
        subject: what pages call it.
        percent: progress in percent with one decimal, rounded down: 100.0 only when the run has ended.
        unit: what is counted: bars, trials.
        unit_label: what has become of those counted: Processed, Fetched.
        steps: its phases; those that mostly do not happen only while they do.
        n_ahead: runs that wait before it; None when it does not wait.
        rate: units a second; None before it is known.
        eta_seconds: seconds that remain at that rate; None while nothing is known.
        estimate_seconds: the same, once it is worth telling.
        elapsed_seconds: since this attempt began, or how long it took.
        verbs: what may be done with it now, separated by blanks.
        is_hopeless: whether nothing but failures came of it: its page offers first to try them again.
        cancel_text: what a cancel would keep and leave undone.
        cancel_url, duplicate_url: where these lead; the second is empty for a kind without a form.
        tab_title: of the browser's tab: `31.8% · SMA Cross`, then `✓ SMA Cross`.
        announcement: what a screen reader is told.
    """

    run: Run
    kind: Kind
    subject: Subject
    percent: float
    unit: str
    unit_label: str
    steps: tuple[Step, ...]
    n_ahead: int | None
    rate: float | None
    eta_seconds: float | None
    estimate_seconds: float | None
    elapsed_seconds: float | None
    verbs: str
    is_hopeless: bool
    cancel_text: str
    cancel_url: str
    duplicate_url: str
    tab_title: str
    announcement: str


def standing_of(run: Run) -> Standing:
    """Return how a run stands now."""
    kind = kind_of(run)
    subject = kind.subject(run)
    percent = percent_done(run)
    rate, eta, elapsed = run.rate, run.eta_seconds, run.elapsed_seconds
    is_known = (elapsed or 0) >= SECONDS_UNTIL_ESTIMATE or run.fraction >= FRACTION_UNTIL_ESTIMATE
    return Standing(
        run=run,
        kind=kind,
        subject=subject,
        percent=percent,
        unit=kind.unit,
        unit_label=kind.unit_label,
        steps=_steps(run, kind),
        n_ahead=run.queue_position(),
        rate=rate,
        eta_seconds=eta,
        estimate_seconds=eta if is_known else None,
        elapsed_seconds=elapsed,
        verbs=" ".join(verbs.verbs_of(run)),
        is_hopeless=verbs.is_hopeless(run),
        cancel_text=kind.cancel_text(run),
        cancel_url=reverse(f"{kind.name}_cancel", args=[run.id]),
        duplicate_url=reverse(f"{kind.name}_new") if kind.has_form else "",
        tab_title=_tab_title(run, subject.title, percent),
        announcement=_announcement(run, kind, subject, percent),
    )


def percent_done(run: Run) -> float:
    """Return the progress in percent with one decimal, rounded down: 100.0 only when the run has ended."""
    if run.is_terminal and (run.processed >= run.total or (run.state == RunState.COMPLETED and not run.is_partial)):
        return 100.0
    # Whole numbers: 999 of 1000 as floats could round up to the next tenth.
    return min(999, run.processed * 1000 // max(run.total, 1)) / 10


def _steps(run: Run, kind: Kind) -> tuple[Step, ...]:
    shown = [phase for phase in kind.phases if phase not in FLEETING or run.phase == phase]
    active = shown.index(run.phase) if run.phase in shown else 0
    return tuple(
        Step(kind.phases[phase], "done" if index < active else "active" if index == active else "todo")
        for index, phase in enumerate(shown)
    )


def _tab_title(run: Run, title: str, percent: float) -> str:
    state = RunState(run.state)
    return MARKS[state] + title if state in MARKS else f"{percent:.1f}% · {title}"


def _announcement(run: Run, kind: Kind, subject: Subject, percent: float) -> str:
    progress = f"{percent:.1f}%, {run.processed:,} of {run.total:,} {kind.unit}."
    texts = {
        RunState.PENDING: f"{run} is queued.",
        RunState.RUNNING: progress,
        RunState.COMPLETED: f"{run} completed. {subject.completed}".strip(),
        RunState.FAILED: f"{run} failed. {run.error_type}: {run.error_message}",
        RunState.CANCELLED: f"{run} was cancelled at {progress}",
    }
    return texts[RunState(run.state)]
