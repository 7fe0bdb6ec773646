"""The page of a backtest in all its states, and its cancelling."""

import json
import uuid
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from algotrade.spec import canonical_json
from runs import fragments, report
from runs.backtest_fragments import live_curve
from runs.changes import Today
from runs.drawings import series_of, static_chart
from runs.models import Run, RunKind, RunQuerySet, RunState
from runs.views.answers import cancel_run


def backtests(request: HttpRequest) -> RunQuerySet:
    """Return the backtests that the viewer may see."""
    return Run.objects.visible_to(request.user).filter(kind=RunKind.BACKTEST)


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
