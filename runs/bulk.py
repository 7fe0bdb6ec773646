"""One action for many runs: those that are chosen are cancelled, resumed and so on, each by its own state and owner."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from django.contrib.auth.models import User

from runs import verbs
from runs.deletion import delete_run
from runs.models import IllegalTransition, Run, RunQuerySet
from runs.run_list import HANDLE

MOST_CHOSEN = 200
MOST_NAMED = 5


@dataclass(frozen=True, slots=True)
class BulkAction:
    """What may be done with many runs at once.

    Attributes:
        name: of the verb (see `verbs.refusal`).
        verb, past: what the button says, and what the answer says.
        keep: what refuses it.
        text: what is kept and what is lost.
        do: does it; False when the run's state was changed by somebody else meanwhile. What else forbids it is raised
            as IllegalTransition.
        is_loss: whether something is given up by it.
    """

    name: str
    verb: str
    past: str
    keep: str
    text: str
    do: Callable[[Run], bool]
    is_loss: bool = True


def _done(verb: Callable[[Run], None]) -> Callable[[Run], bool]:
    def do(run: Run) -> bool:
        verb(run)
        return True

    return do


ACTIONS = {
    action.name: action
    for action in (
        BulkAction(
            "cancel",
            "Cancel",
            "Cancelled",
            "Keep running",
            "Finished trials of optimizations are kept, and what backtests and downloads have so far.",
            Run.mark_cancelled,
        ),
        BulkAction(
            "delete",
            "Delete",
            "Deleted",
            "Keep them",
            "Results, trials, errors and notes are deleted for good. Candles and strategies stay.",
            delete_run,
        ),
        BulkAction(
            "finish",
            "Finish",
            "Finished",
            "Keep running",
            "No further trial begins; what there is is ranked and reported, marked as partial.",
            _done(verbs.finish),
            is_loss=False,
        ),
        BulkAction(
            "resume",
            "Resume",
            "Resumed",
            "Leave them",
            "Only what is missing is done; what is there stays.",
            _done(verbs.resume),
            is_loss=False,
        ),
        BulkAction(
            "retry",
            "Retry the failed trials of",
            "Retried",
            "Leave them",
            "The failed trials run again, with the strategy as it is now; the others stay.",
            _done(verbs.retry_failed),
            is_loss=False,
        ),
    )
}


@dataclass(frozen=True, slots=True)
class BulkResult:
    """For which of the chosen runs an action is allowed, or was done; and for which not, by reason."""

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


def allowed(action: BulkAction, runs: Iterable[Run], user: User) -> BulkResult:
    """Return for which runs `user` may do an action now."""
    result = BulkResult()
    for run in runs:
        if reason := _refusal(action, run, user):
            result.refuse(str(run), reason)
        else:
            result.runs.append(run)
    return result


def perform(action: BulkAction, runs: Iterable[Run], user: User) -> BulkResult:
    """Do an action for each run that it may be done for; one that changed meanwhile is left as it is, and told."""
    may = allowed(action, runs, user)
    done = BulkResult(refused=may.refused)
    for run in may.runs:
        try:
            is_done = action.do(run)
        except IllegalTransition as error:
            done.refuse(str(run), str(error).rstrip("."))
            continue
        if is_done:
            done.runs.append(run)
            continue
        now = Run.objects.filter(pk=run.pk).first()
        done.refuse(str(run), verbs.refusal(now, action.name) or "changed meanwhile" if now else "deleted already")
    return done


def _refusal(action: BulkAction, run: Run, user: User) -> str:
    if not run.is_manageable_by(user):
        return f"belongs to {run.user.get_username()}"
    return verbs.refusal(run, action.name)


def named(names: list[str]) -> str:
    """Return names as a sentence has them; only the first ones of many."""
    if len(names) > MOST_NAMED:
        return f"{', '.join(names[:MOST_NAMED])} and {len(names) - MOST_NAMED:,} more"
    return ", ".join(names)
