"""Bulk actions: one verb for several runs of the list, each judged by its own state and owner; the page that asks."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from runs.actions import verbs
from runs.actions.verbs import delete_run
from runs.display.listing import HANDLE, RunQuery
from runs.models import IllegalTransition, Run, RunQuerySet
from runs.optimizations.verbs import retry_failed
from runs.views.responses import HtmxHttpRequest, viewer

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
            _done(retry_failed),
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


@require_http_methods(["GET", "POST"])
def runs_bulk(request: HtmxHttpRequest) -> HttpResponse:
    """Ask (GET) whether an action is to be done with the chosen runs, or do it (POST) and lead back to the list."""
    sent = request.POST if request.method == "POST" else request.GET
    back = _list_address(sent.get("back", "") or urlsplit(request.headers.get("Referer", "")).query)
    runs = chosen(Run.objects.visible_to(request.user), sent.getlist("r"))
    action = ACTIONS.get(sent.get("action", ""))
    if action is None or not runs:
        messages.info(request, "No run was selected.")
        return redirect(back)
    if request.method == "GET":
        return _question(request, action, runs, back)
    _tell(request, action, perform(action, runs, viewer(request)))
    return redirect(back)


def _question(request: HtmxHttpRequest, action: BulkAction, runs: list[Run], back: str) -> HttpResponse:
    """Show what would happen: a part for the list's dialog, or a page of its own."""
    may = allowed(action, runs, viewer(request))
    context = {
        "nav": "runs",
        "action": action,
        "may": may,
        "names": named([str(run) for run in may.runs]),
        "count_text": _counted(len(may.runs)),
        "back": back,
        "back_query": urlsplit(back).query,
    }
    return render(request, "runs/_bulk_question.html" if request.htmx else "runs/bulk.html", context)


def _tell(request: HttpRequest, action: BulkAction, done: BulkResult) -> None:
    """Say how many it was done for, and which it was refused for, and why."""
    if done.runs:
        messages.success(request, f"{action.past} {_counted(len(done.runs))}.")
    for reason in done.reasons:
        messages.warning(request, f"Not {action.past.lower()}: {reason}")


def _counted(n_runs: int) -> str:
    return f"{n_runs:,} run{'' if n_runs == 1 else 's'}"


def _list_address(query: str) -> str:
    """Return the address of the list that somebody came from, made anew of what it understands."""
    given = QueryDict(query)
    run_query = RunQuery.of(given.dict())
    words = run_query.query(page=run_query.page)
    return reverse("runs") + (f"?{words}" if words else "")
