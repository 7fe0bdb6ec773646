"""One action for several runs of the list: the question, and doing it."""

from urllib.parse import urlsplit

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from runs import bulk
from runs.bulk import ACTIONS, BulkAction
from runs.models import Run
from runs.run_list import Wanted
from runs.views.answers import is_htmx, viewer


@require_http_methods(["GET", "POST"])
def runs_bulk(request: HttpRequest) -> HttpResponse:
    """Ask (GET) whether an action is to be done with the chosen runs, or do it (POST) and lead back to the list."""
    told = request.POST if request.method == "POST" else request.GET
    back = _list_address(told.get("back", "") or urlsplit(request.headers.get("Referer", "")).query)
    runs = bulk.chosen(Run.objects.visible_to(request.user), told.getlist("r"))
    action = ACTIONS.get(told.get("action", ""))
    if action is None or not runs:
        messages.info(request, "No run was selected.")
        return redirect(back)
    if request.method == "GET":
        return _question(request, action, runs, back)
    _tell(request, action, bulk.perform(action, runs, viewer(request)))
    return redirect(back)


def _question(request: HttpRequest, action: BulkAction, runs: list[Run], back: str) -> HttpResponse:
    """Show what would happen: a part for the list's dialog, or a page of its own."""
    may = bulk.allowed(action, runs, viewer(request))
    context = {
        "nav": "runs",
        "action": action,
        "may": may,
        "names": bulk.named([str(run) for run in may.runs]),
        "count_words": _counted(len(may.runs)),
        "back": back,
        "back_query": urlsplit(back).query,
    }
    return render(request, "runs/_bulk_question.html" if is_htmx(request) else "runs/run_bulk.html", context)


def _tell(request: HttpRequest, action: BulkAction, done: bulk.BulkResult) -> None:
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
    wanted = Wanted.of(given.dict())
    words = wanted.query(page=wanted.page)
    return reverse("runs") + (f"?{words}" if words else "")
