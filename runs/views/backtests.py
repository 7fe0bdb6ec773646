"""The page of a backtest in all its states."""

import json
import uuid

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from algotrade.spec import canonical_json
from runs import report
from runs.backtest_fragments import live_curve
from runs.drawings import series_of, static_chart
from runs.models import RunKind, RunState
from runs.views.run_pages import page_context, runs_of


@require_GET
def backtest(request: HttpRequest, run_id: uuid.UUID) -> HttpResponse:
    """Show a run: its progress while it lives, its report when it is done, at the same address."""
    run = get_object_or_404(runs_of(request, RunKind.BACKTEST), id=run_id)
    context = {
        **page_context(request, run),
        "parameters": report.parameters(run),
        "start_seconds": run.spec["start_ns"] // 10**9,
        "end_seconds": run.spec["end_ns"] // 10**9,
        "spec_json": json.dumps(json.loads(canonical_json(run.spec)), indent=2),
        # A finished report asks for its series at once; the others start from what the row carries.
        "chart_data": None if run.state == RunState.COMPLETED else live_curve(run),
        "static_chart": static_chart(series_of(run, {"px": "400"}), run.spec["start_ns"], run.spec["end_ns"]),
    }
    return render(request, "runs/run_detail.html", context)
