"""The pages of a backtest in all its states, and its cancelling; data and about.

A view decides and the template shows. Every page works without a script; what scripts ask for are parts of it.
"""

import json
import uuid
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from algotrade.spec import canonical_json
from runs import fragments, report
from runs.backtest_fragments import live_curve
from runs.changes import Today
from runs.drawings import series_of, static_chart
from runs.models import Run, RunKind, RunQuerySet, RunState


def is_htmx(request: HttpRequest) -> bool:
    """Whether a script asks for a part of a page."""
    return request.headers.get("HX-Request") == "true"


def backtests(request: HttpRequest) -> RunQuerySet:
    """Return the backtests that the viewer may see."""
    return Run.objects.visible_to(request.user).filter(kind=RunKind.BACKTEST)


def viewer(request: HttpRequest) -> User:
    """Return who is logged in; nobody else gets past the middleware."""
    if not isinstance(request.user, User):
        raise PermissionDenied
    return request.user


@require_GET
def backtest(request: HttpRequest, run_id: uuid.UUID) -> HttpResponse:
    """Show a run: its progress while it lives, its report when it is done, at the same address."""
    run = get_object_or_404(backtests(request), id=run_id)
    partials = fragments.live_partials(run)
    context: dict[str, Any] = {}
    for _, part in partials:
        context.update(part)
    curve = live_curve(run)
    context |= {
        "nav": "runs",
        "outcome_template": partials[1][0],
        "parameters": report.parameters(run),
        "may_manage": run.is_manageable_by(request.user),
        "words": run.words,
        "changes": Today().changes(run),
        "start_seconds": run.spec["start_ns"] // 10**9,
        "end_seconds": run.spec["end_ns"] // 10**9,
        "spec_json": json.dumps(json.loads(canonical_json(run.spec)), indent=2),
        # A finished report asks for its series at once; the others start from what the row carries.
        "chart_data": None if run.state == RunState.COMPLETED else curve,
        "static_chart": static_chart(series_of(run, {"px": "400"}), run.spec["start_ns"], run.spec["end_ns"]),
    }
    return render(request, "runs/run_detail.html", context)


@require_GET
def backtest_live(request: HttpRequest, run_id: uuid.UUID) -> HttpResponse:
    """Return the live parts when they are newer than the caller's revision: what the page asks for without a socket."""
    run = get_object_or_404(backtests(request), id=run_id)
    known = request.GET.get("rev", "")
    # A waiting run's place in the queue changes without a new revision.
    if known.isdecimal() and int(known) >= run.rev and run.state != RunState.PENDING:
        return HttpResponse(status=204)
    return HttpResponse(fragments.render_live(run))


@require_http_methods(["GET", "POST"])
def backtest_cancel(request: HttpRequest, run_id: uuid.UUID) -> HttpResponse:
    """Cancel a run. Asking twice is harmless; losing the race to the end is told, not an error page."""
    run = get_object_or_404(backtests(request) & Run.objects.manageable_by(request.user), id=run_id)
    if request.method == "GET":
        if run.is_terminal:
            return redirect(run)
        return render(request, "runs/run_cancel.html", {"nav": "runs", "run": run})
    return cancel_run(request, run)


def cancel_run(request: HttpRequest, run: Run) -> HttpResponse:
    """Cancel a run and answer with what the page needs; losing the race to its end is a 409 with a toast."""
    if not run.mark_cancelled():
        run.refresh_from_db()
    is_refused = run.state != RunState.CANCELLED
    text = f"{run} had already {'completed' if run.state == RunState.COMPLETED else 'failed'}." if is_refused else ""
    if not is_htmx(request):
        if text:
            messages.info(request, text)
        return redirect(run)
    body = fragments.render_row(run) if request.GET.get("as") == "row" else fragments.render_live(run)
    response = HttpResponse(body, status=409 if is_refused else 200)
    if text:
        response["HX-Trigger"] = json.dumps({"toast": text})
    return response


@require_GET
def about(request: HttpRequest) -> HttpResponse:
    """Tell the version, and the licences of what the pages contain."""
    return render(request, "about.html", {"version": _version(), "libraries": _libraries()})


@cache
def _libraries() -> list[dict[str, str]]:
    """Return name, version, licence and its text of each vendored library, once."""
    entries: list[dict[str, str]] = json.loads((Path(settings.BASE_DIR) / "static/vendor/vendor.json").read_text())
    return list({entry["name"]: entry for entry in entries}.values())


@cache
def _version() -> str:
    try:
        return metadata.version("algotrade")
    except metadata.PackageNotFoundError:
        return "of the source tree"  # run from a checkout: nothing is installed
