"""One deed for many runs: those that are chosen are cancelled, resumed and so on, each by its own state and owner."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from django.contrib.auth.models import User

from runs import verbs
from runs.deletion import delete_run
from runs.models import IllegalTransition, Run, RunKind, RunQuerySet, RunState
from runs.models.states import TRIALS_PHASE

MOST_CHOSEN = 200
MOST_NAMED = 5
HANDLE = re.compile(r"([a-z])(\d{1,18})")


@dataclass(frozen=True, slots=True)
class Deed:
    """What may be done with many runs at once.

    Attributes:
        verb, past: what the button says, and what the answer says.
        keep: what refuses it.
        text: what is kept and what is lost.
        refusal: why the run's state does not allow it; an empty text when it does.
        do: does it; False when the run's state was changed by somebody else meanwhile. What else forbids it is raised
            as IllegalTransition.
        is_loss: whether something is given up by it.
    """

    verb: str
    past: str
    keep: str
    text: str
    refusal: Callable[[Run], str]
    do: Callable[[Run], bool]
    is_loss: bool = True


def _not_to_finish(run: Run) -> str:
    runs_trials = run.kind == RunKind.OPTIMIZATION and run.state == RunState.RUNNING and run.phase == TRIALS_PHASE
    return "" if runs_trials else "runs no trials now"


def _not_to_resume(run: Run) -> str:
    if run.kind == RunKind.BACKTEST:
        return "a backtest starts again from its first bar; run it again"
    return "" if run.state in (RunState.CANCELLED, RunState.FAILED) else "neither cancelled nor failed"


def _not_to_retry(run: Run) -> str:
    if run.kind != RunKind.OPTIMIZATION or run.state not in (RunState.COMPLETED, RunState.FAILED):
        return "no optimization that has come to its end"
    return "" if run.failed else "no trial of it failed"


def _done(verb: Callable[[Run], None]) -> Callable[[Run], bool]:
    def do(run: Run) -> bool:
        verb(run)
        return True

    return do


DEEDS = {
    "cancel": Deed(
        "Cancel",
        "Cancelled",
        "Keep running",
        "Finished trials of optimizations are kept, and what backtests and downloads have so far.",
        lambda run: "" if run.is_active else "had ended already",
        Run.mark_cancelled,
    ),
    "delete": Deed(
        "Delete",
        "Deleted",
        "Keep them",
        "Results, trials, errors and notes are deleted for good. Candles and strategies stay.",
        lambda run: "" if run.is_terminal else "still active; cancel first",
        delete_run,
    ),
    "finish": Deed(
        "Finish",
        "Finished",
        "Keep running",
        "No further trial begins; what there is is ranked and reported, marked as partial.",
        _not_to_finish,
        _done(verbs.finish),
        is_loss=False,
    ),
    "resume": Deed(
        "Resume",
        "Resumed",
        "Leave them",
        "Only what is missing is done; what is there stays.",
        _not_to_resume,
        _done(verbs.resume),
        is_loss=False,
    ),
    "retry": Deed(
        "Retry the failed trials of",
        "Retried",
        "Leave them",
        "The failed trials run again, with the strategy as it is now; the others stay.",
        _not_to_retry,
        _done(verbs.retry_failed),
        is_loss=False,
    ),
}


@dataclass(frozen=True, slots=True)
class Judged:
    """Which of the chosen runs a deed is allowed, or was done, for; and which not, by reason."""

    runs: list[Run] = field(default_factory=list)
    refused: dict[str, list[str]] = field(default_factory=dict)

    def refuse(self, name: str, reason: str) -> None:
        """Note why a run is left out."""
        self.refused.setdefault(reason, []).append(name)

    @property
    def reasons(self) -> list[str]:
        """Return a sentence for each reason."""
        return [f"{named(names)}: {reason}." for reason, names in self.refused.items()]


def chosen(visible: RunQuerySet, handles: Iterable[str]) -> list[Run]:
    """Return the runs that are named as addresses name them (b1207, o482); what names none is passed over."""
    found = [match for match in map(HANDLE.fullmatch, list(handles)[:MOST_CHOSEN]) if match]
    runs = visible.select_related("user").for_rows().filter(pk__in=[int(match[2]) for match in found])
    return [run for run in runs.order_by("-number") if run.handle in {match[0] for match in found}]


def judge(deed: Deed, runs: Iterable[Run], user: User) -> Judged:
    """Return for which runs `user` may do a deed now."""
    judged = Judged()
    for run in runs:
        if reason := _refusal(deed, run, user):
            judged.refuse(str(run), reason)
        else:
            judged.runs.append(run)
    return judged


def perform(deed: Deed, runs: Iterable[Run], user: User) -> Judged:
    """Do a deed for each run that it may be done for; one that changed meanwhile is left as it is, and told."""
    judged = judge(deed, runs, user)
    done = Judged(refused=judged.refused)
    for run in judged.runs:
        try:
            is_done = deed.do(run)
        except IllegalTransition as error:
            done.refuse(str(run), str(error).rstrip("."))
            continue
        if is_done:
            done.runs.append(run)
            continue
        now = Run.objects.filter(pk=run.pk).first()
        done.refuse(str(run), deed.refusal(now) or "changed meanwhile" if now else "deleted already")
    return done


def _refusal(deed: Deed, run: Run, user: User) -> str:
    if not run.is_manageable_by(user):
        return f"belongs to {run.user.get_username()}"
    return deed.refusal(run)


def named(names: list[str]) -> str:
    """Return names as a sentence has them; only the first ones of many."""
    if len(names) > MOST_NAMED:
        return f"{', '.join(names[:MOST_NAMED])} and {len(names) - MOST_NAMED:,} more"
    return ", ".join(names)
