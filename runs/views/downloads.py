"""The pages of downloads: the form, and a download in all its states."""

import uuid
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from algotrade.errors import MarketDataError
from algotrade.market.vendors.spec import DownloadSpec
from algotrade.resolve import ResolvedDownload
from runs import artifacts, exchanges
from runs.figures import moment
from runs.forms import DownloadForm
from runs.models import Run, RunKind
from runs.views.answers import viewer
from runs.views.run_pages import page_context, runs_of
from runs.views.submitting import submit_form

BARS_PER_REQUEST = 1_000
"""What most exchanges give at once, for the estimate."""


@require_http_methods(["GET", "POST"])
def download_new(request: HttpRequest) -> HttpResponse:
    """Show the form, empty, prefilled from a download (`?from=`) or to continue a dataset; a valid POST starts it."""
    try:
        known = exchanges.known()
    except MarketDataError as error:
        context = {"nav": "data", "missing": str(error)}
        return render(request, "runs/download_new.html", context, status=200 if request.method == "GET" else 409)
    store = artifacts.candle_store()
    if request.method == "GET":
        return _page(request, _prefilled(request, DownloadForm({}, known, store, _last_used(request))))
    form = DownloadForm(request.POST.dict(), known, store)
    resolved = form.resolve()
    if resolved is None:
        return _page(request, form, 422)
    return submit_form(request, resolved, form, _page)


def _prefilled(request: HttpRequest, blank: DownloadForm) -> DownloadForm:
    source, dataset = request.GET.get("from", ""), request.GET.get("dataset", "")
    if source:
        try:
            run = get_object_or_404(runs_of(request, RunKind.DOWNLOAD), id=uuid.UUID(source))
        except ValueError:
            return blank
        return DownloadForm.from_spec(DownloadSpec.from_dict(run.spec), blank.known, blank.store)
    asset, exchange, timeframe = (*dataset.split("|"), "", "", "")[:3]
    data = {"asset": asset, "exchange": exchange, "timeframe": timeframe}
    return DownloadForm(data, blank.known, blank.store, blank.usual)


def _last_used(request: HttpRequest) -> str:
    """Return the exchange of the viewer's newest download; empty when there is none."""
    own = Run.objects.filter(kind=RunKind.DOWNLOAD, user=viewer(request)).order_by("-number")
    return own.values_list("exchange", flat=True).first() or ""


def _page(request: HttpRequest, form: DownloadForm, status: int = 200) -> HttpResponse:
    resolved = None if form.errors or form.is_blank else form.resolve()
    return render(request, "runs/download_new.html", {"nav": "data", **_context(form, resolved)}, status=status)


def _context(form: DownloadForm, resolved: ResolvedDownload | None) -> dict[str, Any]:
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
        form = DownloadForm(request.POST.dict(), exchanges.known(), artifacts.candle_store())
    except MarketDataError:
        return HttpResponse(status=204)
    resolved = None if form.is_blank else form.resolve()
    return render(request, "runs/_download_check.html", _context(form, resolved))


@require_GET
def download(request: HttpRequest, run_id: uuid.UUID) -> HttpResponse:
    """Show a download: its progress while it lives, its outcome when it is done, at the same address."""
    run = get_object_or_404(runs_of(request, RunKind.DOWNLOAD), id=run_id)
    return render(request, "runs/download_detail.html", page_context(request, run))
