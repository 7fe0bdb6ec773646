"""Pages of runs of any kind: the live parts, the questions, and doing what was confirmed.

Addresses give the kind; a run of another kind is not found there.
"""

import uuid
from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from runs import fragments
from runs.actions import verbs
from runs.actions.verbs import delete_run
from runs.display.questions import question_of, questions_of
from runs.display.staleness import Staleness, rerun_message
from runs.models import IllegalTransition, Kind, Run, RunQuerySet, RunState
from runs.optimizations.verbs import retry_failed
from runs.views.responses import HtmxHttpRequest, cancel_run

ExtraContext = Callable[[HttpRequest, Run], dict[str, Any]]
"""Returns what the page of a run shows besides what the page of every run does."""


def runs_of(request: HttpRequest, kind: Kind) -> RunQuerySet:
    """Return the runs of a kind that the viewer may see."""
    return Run.objects.visible_to(request.user).filter(kind=kind.name)


def page_context(request: HttpRequest, run: Run) -> dict[str, Any]:
    """Return what the page of a run of any kind shows: its live parts, and what the viewer may do."""
    changes = Staleness().changes(run)
    parts = fragments.live_parts(run)
    standing = parts["header"].standing
    return {
        "nav": "runs",
        "run": run,
        "standing": standing,
        "subject": standing.subject,
        "parts": parts,
        "may_manage": run.is_manageable_by(request.user),
        "questions": questions_of(run),
        "live_url": reverse(f"{run.kind}_live", args=[run.id]),
        "note": run.note_or_none,
        "changes": changes,
        "again": rerun_message(changes),
    }


@require_GET
def run_page(request: HttpRequest, kind: Kind, run_id: uuid.UUID, extra_context: ExtraContext | None) -> HttpResponse:
    """Show a run: its progress while it lives, its outcome when it is done, at the same address."""
    run = get_object_or_404(runs_of(request, kind), id=run_id)
    context = page_context(request, run) | (extra_context(request, run) if extra_context else {})
    return render(request, f"{kind.plural}/detail.html", context)


@require_GET
def run_live(request: HttpRequest, kind: Kind, run_id: uuid.UUID) -> HttpResponse:
    """Return the live parts when they are newer than the caller's revision: what the page asks for without a socket."""
    run = get_object_or_404(runs_of(request, kind), id=run_id)
    known = request.GET.get("rev", "")
    # A waiting run's place in the queue changes without a new revision.
    if known.isdecimal() and int(known) >= run.rev and run.state != RunState.PENDING:
        return HttpResponse(status=204)
    return HttpResponse(fragments.render_live(run))


@require_http_methods(["GET", "POST"])
def run_cancel(request: HtmxHttpRequest, kind: Kind, run_id: uuid.UUID) -> HttpResponse:
    """Cancel a run. Asking twice is harmless; losing the race to the end is told, not an error page."""
    run = _managed(request, kind, run_id)
    if request.method == "GET":
        return redirect(run) if run.is_terminal else _question(request, run, "cancel")
    return cancel_run(request, run)


@require_http_methods(["GET", "POST"])
def run_finish(request: HttpRequest, kind: Kind, run_id: uuid.UUID) -> HttpResponse:
    """Let a run begin no further trial, and report what it has."""
    return _asked(request, _managed(request, kind, run_id), "finish", verbs.finish)


@require_http_methods(["GET", "POST"])
def run_retry(request: HttpRequest, kind: Kind, run_id: uuid.UUID) -> HttpResponse:
    """Run the failed trials again."""
    return _asked(request, _managed(request, kind, run_id), "retry", retry_failed)


@require_POST
def run_resume(request: HttpRequest, kind: Kind, run_id: uuid.UUID) -> HttpResponse:
    """Go on with a cancelled or failed run."""
    return _changed(request, _managed(request, kind, run_id), verbs.resume)


@require_http_methods(["GET", "POST"])
def run_delete(request: HttpRequest, kind: Kind, run_id: uuid.UUID) -> HttpResponse:
    """Delete a run that has ended, with what it stored."""
    run = _managed(request, kind, run_id)
    if request.method == "GET":
        return _question(request, run, "delete")
    name = str(run)
    if not delete_run(run):
        messages.error(request, f"{name} is active; cancel it first.")
        return redirect(run)
    messages.success(request, f"{name} was deleted.")
    return redirect("runs")


def _managed(request: HttpRequest, kind: Kind, run_id: uuid.UUID) -> Run:
    return get_object_or_404(runs_of(request, kind) & Run.objects.manageable_by(request.user), id=run_id)


def _question(request: HttpRequest, run: Run, verb: str) -> HttpResponse:
    """Show a page that asks first: what a verb's link leads to without a script."""
    return render(request, "runs/confirm.html", {"nav": "runs", "run": run, "question": question_of(run, verb)})


def _asked(request: HttpRequest, run: Run, verb: str, change: Callable[[Run], None]) -> HttpResponse:
    return _question(request, run, verb) if request.method == "GET" else _changed(request, run, change)


def _changed(request: HttpRequest, run: Run, change: Callable[[Run], None]) -> HttpResponse:
    """Change a run and show it; a verb that came too late is told, not an error page."""
    try:
        change(run)
    except IllegalTransition as error:
        messages.error(request, str(error))
    return redirect(run)
