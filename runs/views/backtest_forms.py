"""The pages that start a backtest: the form, its check while one types, Run again."""

import uuid
from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_http_methods, require_POST

from algotrade.spec import BacktestSpec
from runs import artifacts
from runs.backtests.duration import estimated_seconds
from runs.backtests.form import BacktestForm
from runs.backtests.kind import BACKTEST
from runs.display.form_values import typed_spec
from runs.models import Run
from runs.views.responses import form_context, is_typed, submit_form, twin_of
from runs.views.run_pages import runs_of


def _form(data: Mapping[str, Any] | None = None, initial: Mapping[str, Any] | None = None) -> BacktestForm:
    return BacktestForm(artifacts.catalog(), artifacts.candle_store(), data, initial)


def _form_of(run: Run) -> BacktestForm:
    """Return a form that asks for the same again."""
    return _form(initial=typed_spec(BacktestSpec.from_dict(run.spec), artifacts.candle_store()))


@require_http_methods(["GET", "POST"])
def backtest_new(request: HttpRequest) -> HttpResponse:
    """Show the form: empty, prefilled from a run (`?from=`) or a dataset, or as it was sent; POST leads to its run."""
    if request.method == "GET":
        return _page(request, _form(request.GET) if is_typed(request) else _prefilled(request).as_sent())
    form = _form(request.POST)
    if form.has_other_parameters:
        title = form.strategy.title if form.strategy else "the strategy"
        messages.info(request, f"These are the parameters of {title}. Check them, then run.")
        return _page(request, form.renewed())
    return submit_form(request, form, _page)


def _prefilled(request: HttpRequest) -> BacktestForm:
    source, dataset = request.GET.get("from", ""), request.GET.get("dataset", "")
    if source:
        try:
            return _form_of(get_object_or_404(runs_of(request, BACKTEST), id=uuid.UUID(source)))
        except ValueError:
            return _form()
    chosen = {"dataset": dataset, "strategy_name": request.GET.get("strategy", "")}
    return _form(initial={name: value for name, value in chosen.items() if value})


def _page(request: HttpRequest, form: BacktestForm, status: int = 200) -> HttpResponse:
    return render(request, "backtests/new.html", {"nav": "new", **_context(form)}, status=status)


def _context(form: BacktestForm) -> dict[str, Any]:
    resolved = form.resolved if form.is_valid() else None
    return {
        **form_context(BACKTEST),
        "form": form,
        "resolved": resolved,
        "seconds": estimated_seconds(resolved.strategy, resolved.total_bars) if resolved else None,
        "twin": twin_of(resolved) if resolved else None,
    }


@require_POST
def backtest_check(request: HttpRequest) -> HttpResponse:
    """Return the summary and each field's message for what is typed so far; nothing starts."""
    form = _form(request.POST)
    if form.is_outdated:  # the check overtook the request for the fields
        return backtest_fields(request)
    return render(request, "backtests/form/_check.html", _context(form))


@require_POST
def backtest_fields(request: HttpRequest) -> HttpResponse:
    """Return the parameters and the range of the strategy and dataset that were just chosen."""
    return render(request, "backtests/form/_fields.html", _context(_form(request.POST).renewed()))


@require_POST
def backtest_again(request: HttpRequest, run_id: uuid.UUID) -> HttpResponse:
    """Run the same spec again, on the strategy and the candles as they are now."""
    run = get_object_or_404(runs_of(request, BACKTEST), id=run_id)
    return submit_form(request, _form_of(run).as_sent(), _page)
