"""The form of a new download. The page of a download is as every kind has it."""

import uuid
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_http_methods, require_POST

from algotrade.errors import MarketDataError
from algotrade.market.vendors.spec import DownloadSpec
from runs import artifacts
from runs.display.figures import moment
from runs.downloads import exchanges
from runs.downloads.form import DownloadForm, typed_download
from runs.downloads.kind import DOWNLOAD
from runs.models import Run
from runs.views.responses import is_typed, submit_form, viewer
from runs.views.run_pages import runs_of

BARS_PER_REQUEST = 1_000
"""What most exchanges give at once, for the estimate."""


@require_http_methods(["GET", "POST"])
def download_new(request: HttpRequest) -> HttpResponse:
    """Show the form: empty, prefilled from a download or a dataset, or as it was sent; a valid POST starts it."""
    try:
        known = exchanges.known()
    except MarketDataError as error:
        context = {"nav": "data", "missing": str(error)}
        return render(request, "downloads/new.html", context, status=200 if request.method == "GET" else 409)
    store = artifacts.candle_store()
    if request.method == "GET":
        if is_typed(request):
            return _page(request, DownloadForm(known, store, request.GET))
        form = DownloadForm(known, store, initial=_prefilled(request), usual=_last_used(request))
        return _page(request, form if form.is_blank else form.as_sent())
    return submit_form(request, DownloadForm(known, store, request.POST), _page)


def _prefilled(request: HttpRequest) -> dict[str, str]:
    """Return what the form begins with."""
    source, dataset = request.GET.get("from", ""), request.GET.get("dataset", "")
    if source:
        try:
            run = get_object_or_404(runs_of(request, DOWNLOAD), id=uuid.UUID(source))
        except ValueError:
            return {}
        return typed_download(DownloadSpec.from_dict(run.spec))
    named = zip(("asset", "exchange", "timeframe"), dataset.split("|"), strict=False)
    return {name: value for name, value in named if value}


def _last_used(request: HttpRequest) -> str:
    """Return the exchange of the viewer's newest download; empty when there is none."""
    own = Run.objects.filter(kind=DOWNLOAD.name, user=viewer(request)).order_by("-number")
    return own.values_list("exchange", flat=True).first() or ""


def _page(request: HttpRequest, form: DownloadForm, status: int = 200) -> HttpResponse:
    return render(request, "downloads/new.html", {"nav": "data", **_context(form)}, status=status)


def _context(form: DownloadForm) -> dict[str, Any]:
    resolved = form.resolved if form.is_valid() else None
    there = form.there
    return {
        "form": form,
        "resolved": resolved,
        "first": moment(resolved.spec.start_ns) if resolved else None,
        "last": moment(resolved.spec.end_ns) if resolved else None,
        "n_requests": -(-resolved.total_bars // BARS_PER_REQUEST) if resolved else None,
        "there": there,
        "there_first": moment(there.first_ns) if there else None,
        "there_last": moment(there.last_ns) if there else None,
        "twin": Run.objects.active().filter(run_key=resolved.run_key).first() if resolved else None,
    }


@require_POST
def download_check(request: HttpRequest) -> HttpResponse:
    """Return the summary and each field's message for what is typed so far; nothing starts."""
    try:
        known = exchanges.known()
    except MarketDataError:
        return HttpResponse(status=204)
    form = DownloadForm(known, artifacts.candle_store(), request.POST)
    if form.is_blank:  # nothing is wrong with what nobody has begun with
        form = DownloadForm(known, artifacts.candle_store(), initial=request.POST.dict())
    return render(request, "downloads/form/_check.html", _context(form))
