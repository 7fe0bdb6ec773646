"""The page of an optimization in all its states, and what may be done with the whole of it."""

import json
import uuid
from binascii import crc32
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from algotrade.errors import SpecError
from algotrade.metrics import METRICS
from algotrade.spec import canonical_json
from runs import artifacts, fragments, submission, throttle, verbs
from runs.changes import Today
from runs.deletion import delete_run
from runs.failures import failure_groups
from runs.models import IllegalTransition, Run, RunKind, RunQuerySet, RunState
from runs.search_fragments import cancel_text, chips_of
from runs.search_resubmit import resolve_again
from runs.search_settings import settings_of
from runs.search_tables import table_of
from runs.searches import search_of
from runs.traces import error_report
from runs.trial_table import TrialsPage, trials_page
from runs.views.answers import cancel_run, viewer

TABS = {"trials": "Trials", "parallel": "Parallel coordinates", "slices": "Slices", "settings": "Settings"}
GROUPS_ON_PAGE = 12
"""Distinct errors on the optimization's own page; all of them are on the page of failures."""
MOST_QUERY_CHARACTERS = 500


def optimizations(request: HttpRequest) -> RunQuerySet:
    """Return the optimizations that the viewer may see."""
    return Run.objects.visible_to(request.user).filter(kind=RunKind.OPTIMIZATION)


@require_GET
def optimization(request: HttpRequest, run_id: uuid.UUID) -> HttpResponse:
    """Show an optimization: its progress while it lives, its report when it is done, at the same address."""
    run = get_object_or_404(optimizations(request), id=run_id)
    partials = fragments.live_partials(run)
    context: dict[str, Any] = {}
    for _, part in partials:
        context.update(part)
    search = search_of(run)
    tab = request.GET.get("tab", "")
    context |= {
        "nav": "runs",
        "outcome_template": partials[1][0],
        "may_manage": run.is_manageable_by(request.user),
        "words": run.words,
        "changes": Today().changes(run),
        "searched": search.searched,
        "tabs": [(key, label) for key, label in TABS.items() if search.searched or key in ("trials", "settings")],
        "tab": tab if tab in TABS else "trials",
        "table": table_of(run, asked_page(request, run)),
        "settings": settings_of(run, search),
        "metrics": list(METRICS.values()),
        "search_data": {
            "objective": {
                "label": context["objective"].label,
                "unit": context["objective"].unit,
                "direction": search.spec.direction,
            },
            "units": {key: metric.unit for key, metric in METRICS.items()},
        },
        "spec_json": json.dumps(json.loads(canonical_json(run.spec)), indent=2),
        **failures_context(run, GROUPS_ON_PAGE),
    }
    return render(request, "runs/optimization_detail.html", context)


def asked_page(request: HttpRequest, run: Run) -> TrialsPage:
    """Return the page of the table of trials that a request asks for."""
    number, as_of = request.GET.get("page", ""), request.GET.get("asof", "")
    return trials_page(
        run,
        sort=request.GET.get("sort", "")[:MOST_QUERY_CHARACTERS],
        query=request.GET.get("q", "")[:MOST_QUERY_CHARACTERS],
        page=int(number) if number.isdecimal() and len(number) < 10 else 1,
        as_of=int(as_of) if as_of.isdecimal() and len(as_of) < 19 else None,
    )


def failures_context(run: Run, most: int) -> dict[str, Any]:
    """Return the groups of failed trials, the most frequent ones, each with the error of one of them."""
    groups = failure_groups(run) if run.failed else []
    search = search_of(run)
    return {
        "groups": [
            {
                "group": group,
                "error": error_report(group.trial),
                # Named after the error: the trial that stands for it changes when an earlier one fails later.
                "key": f"{crc32(f'{group.error_type} {group.place}'.encode()):08x}",
                "chips": chips_of(search, group.trial),
            }
            for group in groups[:most]
        ],
        "n_more_groups": max(len(groups) - most, 0),
    }


@require_GET
def optimization_live(request: HttpRequest, run_id: uuid.UUID) -> HttpResponse:
    """Return the live parts when they are newer than the caller's revision: what the page asks for without a socket."""
    run = get_object_or_404(optimizations(request), id=run_id)
    known = request.GET.get("rev", "")
    # A waiting run's place in the queue changes without a new revision.
    if known.isdecimal() and int(known) >= run.rev and run.state != RunState.PENDING:
        return HttpResponse(status=204)
    return HttpResponse(fragments.render_live(run))


@dataclass(frozen=True, slots=True)
class Verb:
    """Something that may be done with an optimization, and how a person is asked first.

    Attributes:
        title: the question; `{run}` stands for the run.
        text: what it keeps and what it discards.
        button: what confirms it.
        keep: what refuses it.
        is_dangerous: whether it discards something for good.
    """

    title: str
    text: Callable[[Run], str]
    button: str
    keep: str
    is_dangerous: bool


VERBS = {
    "cancel": Verb("Cancel {run}?", cancel_text, "Cancel optimization", "Keep running", is_dangerous=True),
    "finish": Verb(
        "Finish {run} now?",
        lambda run: f"No further trial begins. {run.total - run.processed:,} trials will be missing from the report.",
        "Finish now",
        "Keep running",
        is_dangerous=False,
    ),
    "retry": Verb(
        "Retry the failed trials of {run}?",
        lambda run: (
            f"{run.failed:,} failed trial{' runs' if run.failed == 1 else 's run'} again, "
            "with the strategy as it is now. Their errors are discarded; all other trials stay."
        ),
        "Retry failed",
        "Keep the errors",
        is_dangerous=False,
    ),
    "delete": Verb(
        "Delete {run}?",
        lambda run: f"Its {run.processed:,} trials and their errors are deleted for good.",
        "Delete optimization",
        "Keep it",
        is_dangerous=True,
    ),
}


def _managed(request: HttpRequest, run_id: uuid.UUID) -> Run:
    return get_object_or_404(optimizations(request) & Run.objects.manageable_by(request.user), id=run_id)


def _question(request: HttpRequest, run: Run, name: str) -> HttpResponse:
    """Show a page that asks first: what a verb's link leads to without a script."""
    verb = VERBS[name]
    context = {
        "nav": "runs",
        "run": run,
        "verb": verb,
        "title": verb.title.format(run=run),
        "text": verb.text(run),
        "action": reverse(f"optimization_{name}", args=[run.id]),
    }
    return render(request, "runs/optimization_confirm.html", context)


@require_http_methods(["GET", "POST"])
def optimization_cancel(request: HttpRequest, run_id: uuid.UUID) -> HttpResponse:
    """Cancel a run. Asking twice is harmless; losing the race to the end is told, not an error page."""
    run = _managed(request, run_id)
    if request.method == "GET":
        return redirect(run) if run.is_terminal else _question(request, run, "cancel")
    return cancel_run(request, run)


@require_http_methods(["GET", "POST"])
def optimization_finish(request: HttpRequest, run_id: uuid.UUID) -> HttpResponse:
    """Let a run begin no further trial, and report what it has."""
    return _change(request, _managed(request, run_id), "finish", verbs.finish)


@require_http_methods(["GET", "POST"])
def optimization_retry(request: HttpRequest, run_id: uuid.UUID) -> HttpResponse:
    """Run the failed trials again."""
    return _change(request, _managed(request, run_id), "retry", verbs.retry_failed)


@require_POST
def optimization_resume(request: HttpRequest, run_id: uuid.UUID) -> HttpResponse:
    """Go on with a cancelled or failed run."""
    return _change(request, _managed(request, run_id), "resume", verbs.resume)


def _change(request: HttpRequest, run: Run, name: str, change: Callable[[Run], None]) -> HttpResponse:
    """Ask first (GET), or do it and show the run; a verb that came too late is told, not an error page."""
    if request.method == "GET":
        return _question(request, run, name)
    try:
        change(run)
    except IllegalTransition as error:
        messages.error(request, str(error))
    return redirect(run)


@require_http_methods(["GET", "POST"])
def optimization_delete(request: HttpRequest, run_id: uuid.UUID) -> HttpResponse:
    """Delete a run that has ended, with its trials."""
    run = _managed(request, run_id)
    if request.method == "GET":
        return _question(request, run, "delete")
    name = str(run)
    if not delete_run(run):
        messages.error(request, f"{name} is active; cancel it first.")
        return redirect(run)
    messages.success(request, f"{name} was deleted.")
    return redirect("runs")


@require_POST
def optimization_again(request: HttpRequest, run_id: uuid.UUID) -> HttpResponse:
    """Run the same search again, on the strategy and the candles as they are now."""
    run = get_object_or_404(optimizations(request), id=run_id)
    try:
        resolved = resolve_again(search_of(run).spec, artifacts.catalog(), artifacts.candle_store())
        again, is_dedup = submission.submit(resolved, viewer(request), per_minute=throttle.PAGE_SUBMISSIONS)
    except SpecError as error:
        messages.error(request, " ".join(["It cannot run again as it was asked:", *error.fields.values()]))
        return redirect(run)
    except submission.TooMany as error:
        messages.error(request, str(error))
        return redirect(run)
    if is_dedup:
        messages.info(request, f"The same optimization is active already: this is {again}.")
    return redirect(again)
