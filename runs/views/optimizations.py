"""The page of an optimization in all its states, and running it again."""

import json
import uuid
from binascii import crc32
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from algotrade.errors import SpecError
from algotrade.metrics import METRICS
from algotrade.spec import canonical_json
from runs import artifacts, submission, throttle
from runs.failures import failure_groups
from runs.models import Run, RunKind
from runs.search_fragments import chips_of
from runs.search_resubmit import resolve_again
from runs.search_settings import settings_of
from runs.search_tables import table_of
from runs.searches import search_of
from runs.traces import error_report
from runs.trial_table import TrialsPage, trials_page
from runs.views.answers import viewer
from runs.views.run_pages import page_context, runs_of
from runs.views.submitting import lead_to

TABS = {"trials": "Trials", "parallel": "Parallel coordinates", "slices": "Slices", "settings": "Settings"}
GROUPS_ON_PAGE = 12
"""Distinct errors on the optimization's own page; all of them are on the page of failures."""
MOST_QUERY_CHARACTERS = 500


@require_GET
def optimization(request: HttpRequest, run_id: uuid.UUID) -> HttpResponse:
    """Show an optimization: its progress while it lives, its report when it is done, at the same address."""
    run = get_object_or_404(runs_of(request, RunKind.OPTIMIZATION), id=run_id)
    context = page_context(request, run)
    search = search_of(run)
    tab = request.GET.get("tab", "")
    context |= {
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


@require_POST
def optimization_again(request: HttpRequest, run_id: uuid.UUID) -> HttpResponse:
    """Run the same search again, on the strategy and the candles as they are now."""
    run = get_object_or_404(runs_of(request, RunKind.OPTIMIZATION), id=run_id)
    try:
        resolved = resolve_again(search_of(run).spec, artifacts.catalog(), artifacts.candle_store())
        submitted = submission.submit(resolved, viewer(request), per_minute=throttle.PAGE_SUBMISSIONS)
    except SpecError as error:
        messages.error(request, " ".join(["It cannot run again as it was asked:", *error.fields.values()]))
        return redirect(run)
    except submission.TooMany as error:
        messages.error(request, str(error))
        return redirect(run)
    return lead_to(request, submitted)
