"""The parts of an optimization's page that load on demand, and the page of one trial."""

import uuid
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_GET, require_POST
from django.views.decorators.vary import vary_on_headers
from django_htmx.http import push_url

from algotrade.errors import MarketDataError
from algotrade.metrics import METRICS
from runs import artifacts, fragments, throttle
from runs.backtests import report
from runs.backtests.price import bare_price_of, failing_bar
from runs.display.figures import currency_of, strategy_title, value_text
from runs.display.traces import error_report
from runs.models import IllegalTransition, Run, Trial
from runs.optimizations import verbs
from runs.optimizations.kind import OPTIMIZATION
from runs.optimizations.live import chips_of
from runs.optimizations.plan import metrics_of, pinned_backtest, plan_of
from runs.optimizations.table_page import page_query, table_of
from runs.optimizations.trials import MOST_GROUPS, neighbours_of, rank_of, trials_of_group
from runs.views.optimizations import GROUPS_ON_PAGE, asked_page, failures_context
from runs.views.responses import HtmxHttpRequest, viewer
from runs.views.run_pages import runs_of

MOST_LISTED_TRIALS = 200
"""Trials of one error that its page lists."""


@require_GET
@vary_on_headers("HX-Request")
def optimization_trials(request: HtmxHttpRequest, run_id: uuid.UUID) -> HttpResponse:
    """Show a page of the trials: the table for the optimization's page, whose address follows, or a page of its own."""
    run = get_object_or_404(runs_of(request, OPTIMIZATION), id=run_id)
    page = asked_page(request, run)
    context = {"nav": "runs", "run": run, "table": table_of(run, page)}
    if not request.htmx:
        context |= {**_header(run), "objective": METRICS[run.spec["objective"]]}
        return render(request, "optimizations/trials.html", context)
    query = page_query(page)
    part = render(request, "optimizations/_trials.html", context)
    return push_url(part, run.get_absolute_url() + (f"?{query}" if query else ""))


@require_GET
@vary_on_headers("HX-Request")
def optimization_failures(request: HtmxHttpRequest, run_id: uuid.UUID) -> HttpResponse:
    """Show the failed trials by error; with `?error=&place=` the trials of one."""
    run = get_object_or_404(runs_of(request, OPTIMIZATION), id=run_id)
    if request.htmx:
        return render(request, "optimizations/_failures.html", {"run": run, **failures_context(run, GROUPS_ON_PAGE)})
    context = {"nav": "runs", "run": run, **_header(run)}
    if "error" in request.GET:
        found = trials_of_group(run, request.GET["error"], request.GET.get("place", ""))
        plan = plan_of(run)
        context |= {
            "error_type": request.GET["error"],
            "place": request.GET.get("place", ""),
            "names": list(plan.spec.axes),
            "n_trials": found.count(),
            "trials": [
                (trial, [value_text(value) for value in plan.parameters(trial.combination).values()])
                for trial in found.defer("error_stack_trace", "error_detail")[:MOST_LISTED_TRIALS]
            ],
        }
    else:
        context |= failures_context(run, MOST_GROUPS)
    return render(request, "optimizations/failures.html", context)


@require_GET
def optimization_trial(request: HttpRequest, run_id: uuid.UUID, number: int) -> HttpResponse:
    """Show one trial: its parameters and all its metrics, or why it failed."""
    run = get_object_or_404(runs_of(request, OPTIMIZATION), id=run_id)
    trial = _trial(run, number)
    plan = plan_of(run)
    parameters, values = plan.parameters(trial.combination), metrics_of(trial)
    spec, dataset = plan.spec.backtest(parameters)
    context: dict[str, Any] = {
        "nav": "runs",
        "run": run,
        "trial": trial,
        "is_best": trial.number == run.best_trial,
        "best_number": None if run.best_trial is None else run.best_trial + 1,
        "objective": METRICS[plan.spec.objective],
        "chips": chips_of(plan, trial),
        "parameters": [*report.parameter_rows(spec.parameters), *report.account_rows(spec, currency_of(run))],
        "dataset": plan.spec.datasets[dataset],
        "tick": run.inputs["datasets"][dataset]["instrument"]["tick_size"],
        "strategy_title": strategy_title(run),
        "repetition": run.repetitions.filter(repeated_trial=trial.number).first(),
        "neighbours": neighbours_of(trial),
    }
    if values is None:
        context["error"] = error_report(trial)
    else:
        context |= {
            "tiles": report.tiles_of(values, {}, currency_of(run)),
            "metrics": report.metric_table(values, {}),
            "rank": rank_of(trial),
            "value": report.headline(values, {}, plan.spec.objective),
        }
    return render(request, "optimizations/trial.html", context)


@require_GET
@gzip_page
def optimization_trial_candles(request: HttpRequest, run_id: uuid.UUID, number: int) -> HttpResponse:
    """Return the candles of a trial's range, and the bar at which it failed."""
    run = get_object_or_404(runs_of(request, OPTIMIZATION), id=run_id)
    trial = _trial(run, number)
    pinned = pinned_backtest(trial)
    try:
        bars = artifacts.traded_bars(pinned.spec, pinned.inputs.dataset_hash)
    except MarketDataError as error:
        return JsonResponse({"error": str(error)}, status=404)
    return JsonResponse(bare_price_of(bars, request.GET.dict(), ended_at=failing_bar(trial.error_detail)))


@require_POST
def optimization_repeat(request: HttpRequest, run_id: uuid.UUID, number: int) -> HttpResponse:
    """Run a trial again as a backtest of its own, with everything shown; its page is the answer."""
    run = get_object_or_404(runs_of(request, OPTIMIZATION), id=run_id)
    trial = _trial(run, number)
    user = viewer(request)
    wait = throttle.take(f"submit-{throttle.PAGE_SUBMISSIONS}", user.pk, throttle.PAGE_SUBMISSIONS)
    if wait:
        messages.error(request, f"Too many submissions in a minute. Try again in {wait} s.")
        return redirect("optimization_trial", run.id, trial.number)
    try:
        backtest, _ = verbs.repeat(trial, user)
    except IllegalTransition as error:
        messages.error(request, str(error))
        return redirect("optimization_trial", run.id, trial.number)
    return redirect(backtest)


def _trial(run: Run, number: int) -> Trial:
    trial = run.trials.select_related("run").filter(number=number).first() if number < 2**63 else None
    if trial is None:
        raise Http404(f"{run} has no trial {number + 1:,} yet.")
    return trial


def _header(run: Run) -> dict[str, Any]:
    """Return what a page below an optimization's page shows above its table."""
    return {"header": fragments.live_parts(run)["header"]}
