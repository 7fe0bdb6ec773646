"""Page of an optimization: what it shows besides what the page of every run does; running it again."""

import json
import uuid
from binascii import crc32
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from algotrade.errors import SpecError
from algotrade.metrics import METRICS
from algotrade.spec import canonical_json
from runs import artifacts, throttle
from runs.actions import submit
from runs.display.traces import error_report
from runs.models import Run
from runs.optimizations.kind import OPTIMIZATION
from runs.optimizations.live import chips_of
from runs.optimizations.plan import plan_of
from runs.optimizations.prefill import resolve_again
from runs.optimizations.table_page import settings_of, table_of
from runs.optimizations.trials import TrialsPage, failure_groups, trials_page
from runs.views.responses import lead_to, viewer
from runs.views.run_pages import runs_of

TABS = {"trials": "Trials", "parallel": "Parallel coordinates", "slices": "Slices", "settings": "Settings"}
GROUPS_ON_PAGE = 12
"""Distinct errors on the optimization's own page; all of them are on the page of failures."""
MOST_QUERY_CHARACTERS = 500


def extra_context(request: HttpRequest, run: Run) -> dict[str, Any]:
    """Return what the page of an optimization shows besides what every run's does."""
    plan = plan_of(run)
    objective = METRICS[plan.spec.objective]
    tab = request.GET.get("tab", "")
    return {
        "varied": plan.varied,
        "objective": objective,
        "tabs": [(key, label) for key, label in TABS.items() if plan.varied or key in ("trials", "settings")],
        "tab": tab if tab in TABS else "trials",
        "table": table_of(run, asked_page(request, run)),
        "settings": settings_of(run, plan),
        "metrics": list(METRICS.values()),
        "optimization_data": {
            "objective": {"label": objective.label, "unit": objective.unit, "direction": plan.spec.direction},
            "units": {key: metric.unit for key, metric in METRICS.items()},
        },
        "spec_json": json.dumps(json.loads(canonical_json(run.spec)), indent=2),
        **failures_context(run, GROUPS_ON_PAGE),
    }


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
    plan = plan_of(run)
    return {
        "groups": [
            {
                "group": group,
                "error": error_report(group.trial),
                # Named after the error: the trial that stands for it changes when an earlier one fails later.
                "key": f"{crc32(f'{group.error_type} {group.place}'.encode()):08x}",
                "chips": chips_of(plan, group.trial),
            }
            for group in groups[:most]
        ],
        "n_more_groups": max(len(groups) - most, 0),
    }


@require_POST
def optimization_again(request: HttpRequest, run_id: uuid.UUID) -> HttpResponse:
    """Run the same optimization again, on the strategy and the candles as they are now."""
    run = get_object_or_404(runs_of(request, OPTIMIZATION), id=run_id)
    try:
        resolved = resolve_again(plan_of(run).spec, artifacts.catalog(), artifacts.candle_store())
        submitted = submit.submit(resolved, viewer(request), per_minute=throttle.PAGE_SUBMISSIONS)
    except SpecError as error:
        messages.error(request, " ".join(["It can no longer run as it was submitted:", *error.fields.values()]))
        return redirect(run)
    except submit.TooMany as error:
        messages.error(request, str(error))
        return redirect(run)
    return lead_to(request, submitted)
