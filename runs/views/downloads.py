"""The pages of downloads: the form, a download in all its states, what may be done with it."""

import uuid
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from algotrade.errors import MarketDataError
from algotrade.market.vendors.spec import DownloadSpec
from algotrade.resolve import ResolvedDownload
from runs import artifacts, exchanges, fragments, submission, throttle, verbs
from runs.deletion import delete_run
from runs.download_fragments import cancel_text
from runs.figures import moment
from runs.forms import DownloadForm
from runs.models import IllegalTransition, Run, RunKind, RunQuerySet, RunState
from runs.views.answers import cancel_run, viewer

BARS_PER_REQUEST = 1_000
"""What most exchanges give at once, for the estimate."""
DELETE_TEXT = "The dataset stays. What was fetched for a resume is deleted."


def downloads(request: HttpRequest) -> RunQuerySet:
    """Return the downloads that the viewer may see."""
    return Run.objects.visible_to(request.user).filter(kind=RunKind.DOWNLOAD)


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
        return _page(request, _prefilled(request, DownloadForm({}, known, store)))
    form = DownloadForm(request.POST.dict(), known, store)
    resolved = form.resolve()
    if resolved is None:
        return _page(request, form, status=422)
    try:
        run, is_dedup = submission.submit(resolved, viewer(request), per_minute=throttle.PAGE_SUBMISSIONS)
    except submission.TooMany as error:
        form.errors = {"": str(error)}
        response = _page(request, form, status=429)
        response["Retry-After"] = str(error.retry_after)
        return response
    if is_dedup:
        messages.info(request, f"The same download is active already: this is {run}.")
    return redirect(run)


def _prefilled(request: HttpRequest, blank: DownloadForm) -> DownloadForm:
    source, dataset = request.GET.get("from", ""), request.GET.get("dataset", "")
    if source:
        try:
            run = get_object_or_404(downloads(request), id=uuid.UUID(source))
        except ValueError:
            return blank
        return DownloadForm.from_spec(DownloadSpec.from_dict(run.spec), blank.known, blank.store)
    asset, exchange, timeframe = (*dataset.split("|"), "", "", "")[:3]
    return DownloadForm({"asset": asset, "exchange": exchange, "timeframe": timeframe}, blank.known, blank.store)


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
    run = get_object_or_404(downloads(request), id=run_id)
    partials = fragments.live_partials(run)
    context: dict[str, Any] = {}
    for _, part in partials:
        context.update(part)
    context |= {
        "nav": "runs",
        "outcome_template": partials[1][0],
        "may_manage": run.is_manageable_by(request.user),
        "words": run.words,
    }
    return render(request, "runs/download_detail.html", context)


@require_GET
def download_live(request: HttpRequest, run_id: uuid.UUID) -> HttpResponse:
    """Return the live parts when they are newer than the caller's revision: what the page asks for without a socket."""
    run = get_object_or_404(downloads(request), id=run_id)
    known = request.GET.get("rev", "")
    # A waiting run's place in the queue changes without a new revision.
    if known.isdecimal() and int(known) >= run.rev and run.state != RunState.PENDING:
        return HttpResponse(status=204)
    return HttpResponse(fragments.render_live(run))


@require_http_methods(["GET", "POST"])
def download_cancel(request: HttpRequest, run_id: uuid.UUID) -> HttpResponse:
    """Cancel a download. Asking twice is harmless; losing the race to the end is told, not an error page."""
    run = _managed(request, run_id)
    if request.method == "GET":
        return redirect(run) if run.is_terminal else _question(request, run, "cancel", cancel_text(run), "Keep running")
    return cancel_run(request, run)


@require_POST
def download_resume(request: HttpRequest, run_id: uuid.UUID) -> HttpResponse:
    """Go on with a cancelled or failed download."""
    run = _managed(request, run_id)
    try:
        verbs.resume(run)
    except IllegalTransition as error:
        messages.error(request, str(error))
    return redirect(run)


@require_http_methods(["GET", "POST"])
def download_delete(request: HttpRequest, run_id: uuid.UUID) -> HttpResponse:
    """Delete a download that has ended; the dataset stays."""
    run = _managed(request, run_id)
    if request.method == "GET":
        return _question(request, run, "delete", DELETE_TEXT, "Keep it")
    name = str(run)
    if not delete_run(run):
        messages.error(request, f"{name} is active; cancel it first.")
        return redirect(run)
    messages.success(request, f"{name} was deleted.")
    return redirect("runs")


def _managed(request: HttpRequest, run_id: uuid.UUID) -> Run:
    return get_object_or_404(downloads(request) & Run.objects.manageable_by(request.user), id=run_id)


def _question(request: HttpRequest, run: Run, verb: str, text: str, keep: str) -> HttpResponse:
    """Show a page that asks first: what a link leads to without a script."""
    context = {
        "nav": "runs",
        "run": run,
        "title": f"{verb.capitalize()} {run}?",
        "text": text,
        "verb": {"keep": keep, "button": f"{verb.capitalize()} download", "is_dangerous": True},
        "action": reverse(f"download_{verb}", args=[run.id]),
    }
    return render(request, "runs/optimization_confirm.html", context)
