"""Questions before something is given up: the text of the dialog, and of the page without a script."""

from dataclasses import dataclass

from django.urls import reverse

from runs.models import Run, kind_of

ASKED_ABOUT = ("cancel", "finish", "retry", "delete")
"""Verbs that a page asks about before it does them."""


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
    return {verb: question_of(run, verb) for verb in ASKED_ABOUT if verb in kind_of(run).verbs}


def question_of(run: Run, verb: str) -> Question:
    """Return what is asked before a verb is done with the run.

    Raises:
        KeyError: no page asks about the verb.
    """
    kind = kind_of(run)
    title, text, button, keep, is_dangerous = {
        "cancel": (f"Cancel {run}?", kind.cancel_text(run), f"Cancel {kind.name}", "Keep running", True),
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
        "delete": (f"Delete {run}?", kind.delete_text, f"Delete {kind.name}", "Keep it", True),
    }[verb]
    return Question(verb, title, text, button, keep, is_dangerous, reverse(f"{kind.name}_{verb}", args=[run.id]))
