"""What the live parts of every kind of run say: how it stands, what may be done, what a screen reader is told."""

from typing import Any

from django.urls import reverse

from runs import verbs
from runs.models import Run, RunState
from runs.phases import estimate_of, percent_done, steps_of, tab_title
from runs.questions import cancel_text


def header_context(run: Run, *, title: str, completed: str) -> dict[str, Any]:
    """Return what the header tells: to the browser's tab, to screen readers, and about what may be done now.

    Args:
        run: the run.
        title: what the tab calls it.
        completed: what a screen reader is told after "... completed.".
    """
    progress = f"{percent_done(run):.1f}%, {run.processed:,} of {run.total:,} {unit_of(run)}."
    words = {
        RunState.PENDING: f"{run} is queued.",
        RunState.RUNNING: progress,
        RunState.COMPLETED: f"{run} completed. {completed}".strip(),
        RunState.FAILED: f"{run} failed. {run.error_type}: {run.error_message}",
        RunState.CANCELLED: f"{run} was cancelled at {progress}",
    }
    return {
        "tab_title": tab_title(run, title),
        "announce": words[RunState(run.state)],
        # Where there is nothing but failures, trying them again is what the page offers first.
        "verbs": " ".join([*verbs.verbs_of(run), *(["retry_all"] if verbs.is_hopeless(run) else [])]),
        "cancel_text": cancel_text(run),
    }


def progress_context(run: Run) -> dict[str, Any]:
    """Return how far a run is, in all its states."""
    return {
        "percent": percent_done(run),
        "unit": unit_of(run),
        "done_word": "Fetched" if run.is_download else "Processed",
        "steps": steps_of(run),
        "ahead": run.queue_position(),
        "rate": run.rate,
        "eta_seconds": estimate_of(run),
        "wall_seconds": run.elapsed_seconds,
    }


def row_context(run: Run) -> dict[str, Any]:
    """Return what a run's row in the list tells of any kind."""
    return {
        **progress_context(run),
        "verbs": " ".join(verbs.verbs_of(run)),
        "cancel_text": cancel_text(run),
        "cancel_url": reverse(f"{run.kind}_cancel", args=[run.id]),
        "duplicate_url": reverse(f"{run.kind}_new"),
    }


def unit_of(run: Run) -> str:
    """Return what a run counts: bars, or trials."""
    return "trials" if run.is_optimization else "bars"
