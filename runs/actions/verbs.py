"""Verbs: what people may do with a run that is there, and doing what every kind of run has.

Pages, lists and API all come here. Which verbs a kind has, and when, it says itself (`Kind.verbs`). A verb that the
state does not allow raises IllegalTransition, whose message says why: a 409.
"""

from collections.abc import Callable

from django.db import IntegrityError

from runs import artifacts, notify
from runs.models import TERMINAL, IllegalTransition, Run, RunState, kind_of

VERBS = {
    "cancel": "cannot be cancelled",
    "finish": "cannot be finished early",
    "resume": "cannot be resumed; run it again",
    "retry": "has no trials to retry",
    "delete": "cannot be deleted",
    "again": "cannot be run again",
}
"""Every verb, in the order in which pages offer them, and what is said of a kind of run that does not have it."""


def common_verbs(**others: Callable[[Run], str]) -> dict[str, Callable[[Run], str]]:
    """Return the verbs of a kind of run: those that each has, and `others`; each says why a state does not allow it."""
    return {
        "cancel": lambda run: "" if run.is_active else "already ended",
        "delete": lambda run: "" if run.is_terminal else "still active; cancel first",
        **others,
    }


def why_not_again(run: Run) -> str:
    """Return why a run is not run again yet; empty when it may be."""
    return "" if run.is_terminal else "still active"


def why_not_resume(run: Run) -> str:
    """Return why there is nothing of a run to go on with; empty when it was cancelled or failed."""
    return "" if run.state in (RunState.CANCELLED, RunState.FAILED) else "neither cancelled nor failed"


def is_hopeless(run: Run) -> bool:
    """Tell whether every trial has failed: there is nothing to resume, only to run again with a mended strategy."""
    return run.state == RunState.FAILED and 0 < run.failed == run.processed >= run.total


def refusal(run: Run, verb: str) -> str:
    """Return why a run's kind or state does not allow a verb; empty when it does.

    Args:
        run: the run.
        verb: one of VERBS.
    """
    kind = kind_of(run)
    return kind.verbs[verb](run) if verb in kind.verbs else f"{kind.one} {VERBS[verb]}"


def verbs_of(run: Run) -> list[str]:
    """Return what may be done with the run in its state, whoever asks."""
    return [verb for verb in VERBS if not refusal(run, verb)]


def finish(run: Run) -> None:
    """Let a running optimization begin no further trial, and report what it has.

    Raises:
        IllegalTransition: it evaluates no trials now.
    """
    if not run.request_finish():
        run.refresh_from_db()
        raise IllegalTransition(f"{run} is {run.state}; only one that is running trials can be finished early.")


def resume(run: Run) -> None:
    """Go on with a cancelled or failed optimization or download: only what is missing is done.

    Raises:
        IllegalTransition: it is in another state, or an identical run is active.
    """
    if not begin_again(run, run.mark_resumed):
        run.refresh_from_db()
        raise IllegalTransition(
            f"{run} is {run.state}; only a cancelled or failed {run.get_kind_display().lower()} can be resumed."
        )


def begin_again(run: Run, transition: Callable[[], bool]) -> bool:
    """Make a transition back to pending; tell whether it was made.

    Raises:
        IllegalTransition: an identical run is active.
    """
    try:
        return transition()
    except IntegrityError:
        twin = Run.objects.active().filter(run_key=run.run_key).exclude(pk=run.pk).first()
        raise IllegalTransition(f"{twin or 'Another run'} is identical and active; wait for it.") from None


def delete_run(run: Run) -> bool:
    """Delete a run that has ended, with its files; False when it is active, or gone already."""
    deleted, _ = Run.objects.filter(pk=run.pk, state__in=TERMINAL).delete()
    if not deleted:
        return False
    if run.artifact:
        artifacts.discard(artifacts.folder(run))
    kind_of(run).deleted(run)
    notify.ring()
    return True
