"""The pages that start an optimization: the form, and its check while one types."""

import uuid
from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_http_methods, require_POST

from algotrade.spec import BacktestSpec, OptimizationSpec
from runs import artifacts
from runs.backtests.kind import BACKTEST
from runs.display.form_values import typed_spec
from runs.models import Run
from runs.optimizations.estimate import evaluate
from runs.optimizations.form import OptimizationForm
from runs.optimizations.kind import OPTIMIZATION
from runs.optimizations.prefill import typed_optimization
from runs.views.responses import form_context, is_typed, submit_form, twin_of, viewer


def _form(data: Mapping[str, Any] | None = None, initial: Mapping[str, Any] | None = None) -> OptimizationForm:
    return OptimizationForm(artifacts.catalog(), artifacts.candle_store(), data, initial)


@require_http_methods(["GET", "POST"])
def optimization_new(request: HttpRequest) -> HttpResponse:
    """Show the form: fresh, prefilled from a run (`?from=`) or a dataset, or as it was sent; POST leads to its run."""
    if request.method == "GET":
        return _page(request, _form(request.GET) if is_typed(request) else _form(initial=_prefilled(request)).as_sent())
    form = _form(request.POST)
    if form.has_other_parameters:
        title = form.strategy.title if form.strategy else "the strategy"
        messages.info(request, f"These are the parameters of {title}. Check them, then run.")
        return _page(request, form.renewed())
    return submit_form(request, form, _page)


@require_POST
def optimization_check(request: HttpRequest) -> HttpResponse:
    """Return the summary, each axis's values and each field's message for what is typed so far; nothing starts."""
    form = _form(request.POST)
    if form.is_outdated:  # the check overtook the request for the fields
        return optimization_fields(request)
    return render(request, "optimizations/form/_check.html", _context(form))


@require_POST
def optimization_fields(request: HttpRequest) -> HttpResponse:
    """Return the parameters, the range and the further datasets of what was just chosen."""
    return render(request, "optimizations/form/_fields.html", _context(_form(request.POST).renewed()))


def _prefilled(request: HttpRequest) -> dict[str, Any]:
    """Return what the form begins with: a backtest gives strategy, dataset and costs, and the middle of the ranges."""
    source = request.GET.get("from", "")
    if not source:
        chosen = {"dataset": request.GET.get("dataset", ""), "strategy_name": request.GET.get("strategy", "")}
        return {name: value for name, value in chosen.items() if value}
    try:
        optimizable = Run.objects.visible_to(viewer(request)).filter(kind__in=(BACKTEST.name, OPTIMIZATION.name))
        run = get_object_or_404(optimizable, id=uuid.UUID(source))
    except ValueError:
        return {}
    if run.kind == OPTIMIZATION.name:
        spec = OptimizationSpec.from_dict(run.spec)
        return typed_optimization(spec, artifacts.catalog(), artifacts.candle_store())
    return typed_spec(BacktestSpec.from_dict(run.spec), artifacts.candle_store())


def _page(request: HttpRequest, form: OptimizationForm, status: int = 200) -> HttpResponse:
    return render(request, "optimizations/new.html", {"nav": "optimization", **_context(form)}, status=status)


def _context(form: OptimizationForm) -> dict[str, Any]:
    resolved = form.resolved if form.is_valid() else None
    return {
        **form_context(OPTIMIZATION),
        "form": form,
        "resolved": resolved,
        "evaluation": evaluate(resolved) if resolved else None,
        "twin": twin_of(resolved) if resolved else None,
    }
