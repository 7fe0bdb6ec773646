"""What a person is asked before something is given up: the words of the dialog, and of the page without a script."""

from dataclasses import dataclass

from django.urls import reverse

from runs.models import Run, RunKind

VERBS: dict[str, tuple[RunKind, ...]] = {
    "cancel": (RunKind.BACKTEST, RunKind.OPTIMIZATION, RunKind.DOWNLOAD),
    "finish": (RunKind.OPTIMIZATION,),
    "retry": (RunKind.OPTIMIZATION,),
    "delete": (RunKind.BACKTEST, RunKind.OPTIMIZATION, RunKind.DOWNLOAD),
}
"""Verbs that a page asks about, and the kinds of runs whose pages do."""
_DELETE = {
    RunKind.BACKTEST: "Its results and notes are deleted for good. Candles and strategies stay.",
    RunKind.OPTIMIZATION: "Its trials and their errors are deleted for good.",
    RunKind.DOWNLOAD: "The dataset stays. What was fetched for a resume is deleted.",
}


@dataclass(frozen=True, slots=True)
class Question:
    """A question about one run.

    Attributes:
        verb: what it is about.
        title: the question itself.
        text: what is kept and what is lost.
        button: what confirms it.
        keep: what refuses it.
        is_dangerous: whether it discards something for good.
        address: where the confirmation goes.
    """

    verb: str
    title: str
    text: str
    button: str
    keep: str
    is_dangerous: bool
    address: str


def questions_of(run: Run) -> dict[str, Question]:
    """Return what the run's page may ask, by verb."""
    return {verb: question_of(run, verb) for verb, kinds in VERBS.items() if run.kind in kinds}


def question_of(run: Run, verb: str) -> Question:
    """Return what is asked before a verb is done with the run.

    Raises:
        KeyError: no page of such a run asks about the verb.
    """
    kind = RunKind(run.kind)
    title, text, button, keep, is_dangerous = {
        "cancel": (f"Cancel {run}?", cancel_text(run), f"Cancel {kind.value}", "Keep running", True),
        "finish": (
            f"Finish {run} now?",
            "No further trial begins. What there is is ranked and reported, marked as partial.",
            "Finish now",
            "Keep running",
            False,
        ),
        "retry": (
            f"Retry the failed trials of {run}?",
            "They run again with the strategy as it is now. Their errors are discarded; all other trials stay.",
            "Retry failed",
            "Keep the errors",
            False,
        ),
        "delete": (f"Delete {run}?", _DELETE[kind], f"Delete {kind.value}", "Keep it", True),
    }[verb]
    return Question(verb, title, text, button, keep, is_dangerous, reverse(f"{run.kind}_{verb}", args=[run.id]))


def cancel_text(run: Run) -> str:
    """Return what a cancel would keep and what it would leave undone; it changes while the run goes on."""
    if run.is_optimization:
        kept = f"{run.processed:,} finished trial{' is' if run.processed == 1 else 's are'} kept."
        return f"{kept} {run.total - run.processed:,} will not run."
    if run.is_download:
        return f"{run.processed:,} bars that were fetched are kept for a resume. The dataset stays as it is."
    return "Partial results are kept but marked incomplete."
