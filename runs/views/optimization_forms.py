"""The pages that start an optimization: the form, and its check while one types."""

import uuid
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_http_methods, require_POST

from algotrade.resolve import ResolvedOptimization
from algotrade.spec import BacktestSpec, OptimizationSpec
from runs import artifacts
from runs.evaluation import evaluate
from runs.forms import SearchForm
from runs.forms.search import MULTIPLE
from runs.models import Run, RunKind
from runs.views.answers import viewer
from runs.views.submitting import form_context, submit_form, twin_of


@require_http_methods(["GET", "POST"])
def optimization_new(request: HttpRequest) -> HttpResponse:
    """Show the form, fresh, prefilled from a run (`?from=`) or for a dataset; a valid POST leads to its run."""
    if request.method == "GET":
        return _page(request, _prefilled(request))
    form = _form(_typed(request.POST))
    if form.has_other_parameters:
        title = form.strategy.title if form.strategy else "the strategy"
        messages.info(request, f"These are the parameters of {title}. Check them, then run.")
        return _page(request, form.without_parameters())
    resolved = form.resolve()
    if resolved is None:
        return _page(request, form, 422)
    return submit_form(request, resolved, form, _page)


@require_POST
def optimization_check(request: HttpRequest) -> HttpResponse:
    """Return the summary, each axis's values and each field's message for what is typed so far; nothing starts."""
    form = _form(_typed(request.POST))
    if form.is_outdated:  # the check overtook the request for the fields
        return _fields(request, form)
    return render(request, "runs/_search_check.html", _context(form, form.resolve()))


@require_POST
def optimization_fields(request: HttpRequest) -> HttpResponse:
    """Return the parameters, the range and the further datasets of what was just chosen."""
    return _fields(request, _form(_typed(request.POST)))


def _fields(request: HttpRequest, form: SearchForm) -> HttpResponse:
    if form.has_other_parameters:
        form = form.without_parameters()
    ranges = {field.name: field.value for field in form.range_fields()}
    offered = {field.name for field in form.also_fields()}
    kept = {name: value for name, value in form.data.items() if not name.startswith("also.") or name in offered}
    form = _form({**kept, **ranges, "range_of": form.range_of})
    return render(request, "runs/_search_fields.html", _context(form, form.resolve()))


def _form(data: dict[str, str]) -> SearchForm:
    return SearchForm(data, artifacts.catalog(), artifacts.candle_store())


def _typed(sent: QueryDict) -> dict[str, str]:
    """Return what a browser sent; several values of a field that may have them become lines."""
    return {name: "\n".join(sent.getlist(name)) if name.startswith(MULTIPLE) else str(sent[name]) for name in sent}


def _prefilled(request: HttpRequest) -> SearchForm:
    source = request.GET.get("from", "")
    if not source:
        chosen = {"dataset": request.GET.get("dataset", ""), "strategy_name": request.GET.get("strategy", "")}
        return _form({name: value for name, value in chosen.items() if value})
    try:
        searchable = Run.objects.visible_to(viewer(request)).exclude(kind=RunKind.DOWNLOAD)
        run = get_object_or_404(searchable, id=uuid.UUID(source))
    except ValueError:
        return _form({})
    catalog, store = artifacts.catalog(), artifacts.candle_store()
    if run.is_optimization:
        return SearchForm.from_spec(OptimizationSpec.from_dict(run.spec), catalog, store)
    return SearchForm.from_backtest(BacktestSpec.from_dict(run.spec), catalog, store)


def _page(request: HttpRequest, form: SearchForm, status: int = 200) -> HttpResponse:
    resolved = form.resolve() if not form.errors else None
    context = {"nav": "search", **_context(form, resolved)}
    return render(request, "runs/optimization_new.html", context, status=status)


def _context(form: SearchForm, resolved: ResolvedOptimization | None) -> dict[str, Any]:
    return {
        **form_context(RunKind.OPTIMIZATION),
        "form": form,
        "resolved": resolved,
        "rows": form.axis_rows(),
        "evaluation": evaluate(resolved) if resolved else None,
        "twin": twin_of(resolved) if resolved else None,
    }
