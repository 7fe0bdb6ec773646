"""The pages that start a backtest: the form, its check while one types, Run again."""

import uuid
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_http_methods, require_POST

from algotrade.resolve import Resolved
from algotrade.spec import BacktestSpec
from runs import artifacts
from runs.estimates import estimated_seconds
from runs.forms import BacktestForm
from runs.models import RunKind
from runs.views.run_pages import runs_of
from runs.views.submitting import form_context, submit_form, twin_of


def _form(data: dict[str, str]) -> BacktestForm:
    return BacktestForm(data, artifacts.catalog(), artifacts.candle_store())


@require_http_methods(["GET", "POST"])
def backtest_new(request: HttpRequest) -> HttpResponse:
    """Show the form, empty, prefilled from a run (`?from=`) or for a dataset; a valid POST leads to its run."""
    if request.method == "GET":
        return _page(request, _prefilled(request))
    form = _form(request.POST.dict())
    if form.has_other_parameters:
        title = form.strategy.title if form.strategy else "the strategy"
        messages.info(request, f"These are the parameters of {title}. Check them, then run.")
        form.data = {name: value for name, value in form.data.items() if not name.startswith("parameters.")}
        return _page(request, form)
    resolved = form.resolve()
    if resolved is None:
        return _page(request, form, status=422)
    return submit_form(request, resolved, form, _page)


def _prefilled(request: HttpRequest) -> BacktestForm:
    source, dataset = request.GET.get("from", ""), request.GET.get("dataset", "")
    if source:
        try:
            run = get_object_or_404(runs_of(request, RunKind.BACKTEST), id=uuid.UUID(source))
        except ValueError:
            return _form({})
        return BacktestForm.from_spec(BacktestSpec.from_dict(run.spec), artifacts.catalog(), artifacts.candle_store())
    chosen = {"dataset": dataset, "strategy_name": request.GET.get("strategy", "")}
    return _form({name: value for name, value in chosen.items() if value})


def _page(request: HttpRequest, form: BacktestForm, status: int = 200) -> HttpResponse:
    resolved = form.resolve() if not form.errors else None
    return render(request, "runs/backtest_new.html", {"nav": "new", **_context(form, resolved)}, status=status)


def _context(form: BacktestForm, resolved: Resolved | None) -> dict[str, Any]:
    return {
        **form_context(RunKind.BACKTEST),
        "form": form,
        "resolved": resolved,
        "seconds": estimated_seconds(resolved.strategy, resolved.total_bars) if resolved else None,
        "twin": twin_of(resolved) if resolved else None,
    }


@require_POST
def backtest_check(request: HttpRequest) -> HttpResponse:
    """Return the summary and each field's message for what is typed so far; nothing starts."""
    form = _form(request.POST.dict())
    if form.is_outdated:  # the check overtook the request for the fields
        return _fields(request, form)
    return render(request, "runs/_check.html", _context(form, form.resolve()))


@require_POST
def backtest_fields(request: HttpRequest) -> HttpResponse:
    """Return the parameters and the range of the strategy and dataset that were just chosen."""
    return _fields(request, _form(request.POST.dict()))


def _fields(request: HttpRequest, form: BacktestForm) -> HttpResponse:
    if form.has_other_parameters:
        form.data = {name: value for name, value in form.data.items() if not name.startswith("parameters.")}
    for field in form.range_fields():
        form.data = {**form.data, field.name: field.value}
    resolved = form.resolve()
    return render(request, "runs/_fields.html", _context(form, resolved))


@require_POST
def backtest_again(request: HttpRequest, run_id: uuid.UUID) -> HttpResponse:
    """Run the same spec again, on the strategy and the candles as they are now."""
    run = get_object_or_404(runs_of(request, RunKind.BACKTEST), id=run_id)
    form = BacktestForm.from_spec(BacktestSpec.from_dict(run.spec), artifacts.catalog(), artifacts.candle_store())
    resolved = form.resolve()
    if resolved is None:
        return _page(request, form, status=422)
    return submit_form(request, resolved, form, _page)
