"""Page of a backtest: what it shows besides what the page of every run does."""

import json
from typing import Any

from django.http import HttpRequest

from algotrade.spec import canonical_json
from runs.backtests import report
from runs.backtests.curves import series_of, static_chart
from runs.backtests.live import live_curve
from runs.display.figures import tick_of
from runs.models import Run, RunState


def extra_context(request: HttpRequest, run: Run) -> dict[str, Any]:  # noqa: ARG001 - one signature for all kinds
    """Return what the page of a backtest shows besides what every run's does."""
    return {
        "parameters": report.parameters(run),
        "tick": tick_of(run),
        "initial_cash": run.spec["initial_cash"],
        "start_seconds": run.spec["start_ns"] // 10**9,
        "end_seconds": run.spec["end_ns"] // 10**9,
        "spec_json": json.dumps(json.loads(canonical_json(run.spec)), indent=2),
        # A finished report asks for its series at once; the others start from what the row carries.
        "chart_data": None if run.state == RunState.COMPLETED else live_curve(run),
        "static_chart": static_chart(series_of(run, {"px": "400"}), run.spec["start_ns"], run.spec["end_ns"]),
    }
