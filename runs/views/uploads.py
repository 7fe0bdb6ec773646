"""The pages on which candles come in: choose a file, see what was detected, correct it, import."""

import uuid
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from django_htmx.http import HttpResponseClientRedirect

from algotrade.errors import MarketDataError
from algotrade.market.ticks import step_text
from runs import artifacts
from runs.datasets import files, reading
from runs.datasets.options import guessed
from runs.datasets.upload_form import UploadForm, is_changed
from runs.display.figures import moment
from runs.models import Upload, UploadState
from runs.views.responses import HtmxHttpRequest, viewer


def uploads(request: HttpRequest) -> Any:
    """Return the uploads that the viewer may see."""
    return Upload.objects.visible_to(request.user)


@require_http_methods(["GET", "POST"])
def upload_new(request: HtmxHttpRequest) -> HttpResponse:
    """Show where to choose a file; a POST receives it, looks it through, and leads to what was found."""
    if request.method == "GET":
        return render(
            request, "data/import.html", {"nav": "data", "waiting": uploads(request).waiting(), "then": "upload_new"}
        )
    file = request.FILES.get("file")
    try:
        upload, owner = files.receive(viewer(request), file, guessed(file.name or "") if file else {})
    except files.UploadRefused as error:
        response = _problem(request, [str(error)], 1, error.status)
        for name, value in error.headers.items():
            response[name] = value
        return response
    try:
        reading.begin(upload, owner)
    except reading.Discarded as error:
        return _problem(request, [str(error)], 1, 409)
    if upload.state == UploadState.CHECKED and upload.preview is None:
        # Nothing of it can be shown or mended: the answer is all that is left.
        errors, n_errors = upload.errors, upload.n_errors
        files.discard(upload)
        return _problem(request, errors, n_errors, 422)
    if request.htmx:
        return HttpResponseClientRedirect(upload.get_absolute_url(), status=204)
    return redirect(upload)


def _problem(request: HtmxHttpRequest, errors: list[str], n_errors: int, status: int) -> HttpResponse:
    """Tell why a file is not taken: alone for a script, else with the form."""
    template = "data/_problems.html" if request.htmx else "data/import.html"
    context = {"nav": "data", "errors": errors, "n_more": n_errors - len(errors)}
    return render(request, template, context, status=status)


@require_http_methods(["GET", "POST"])
def upload_page(request: HtmxHttpRequest, upload_id: uuid.UUID) -> HttpResponse:
    """Show what a file holds and how it stands; a POST checks it again, or imports it."""
    upload = get_object_or_404(uploads(request), id=upload_id)
    if upload.state == UploadState.IMPORTED:
        return redirect(_imported_url(upload))
    if request.method == "POST":
        upload.mark_superseded()
    seen = upload.seen
    if request.method == "GET" or upload.is_active or seen is None:
        return _page(request, upload)
    form = UploadForm(upload.options, seen, request.POST)
    is_valid, options = form.is_valid(), form.read
    if options is None:
        return _page(request, upload, is_refused=True)
    # Where names are missing, the preview follows the rest all the same.
    is_seen = not is_changed(options, upload.options, seen)
    if not is_valid and is_seen:
        owner = ""  # nothing to look through again: the answer is the form with what is wrong
    elif form.wants_import and upload.is_importable and is_seen:
        owner = upload.mark_importing(options)
    else:
        owner = upload.mark_checking(options)
    if owner:
        try:
            reading.begin(upload, owner, then_import=form.wants_import and is_valid)
        except reading.Discarded as error:
            messages.info(request, str(error))
            return redirect("data")
    if not is_valid:
        return _page(request, upload, is_refused=True)
    return redirect(upload)


def _page(request: HtmxHttpRequest, upload: Upload, *, is_refused: bool = False) -> HttpResponse:
    """Show what a file holds, with what was typed and is wrong, or with a fresh form."""
    seen = upload.seen
    context: dict[str, Any] = {"nav": "data", "upload": upload, "seen": seen, **_progress(upload)}
    if seen is not None:
        roles = {name: role for role, name in seen.found.items()}
        context |= {
            "form": UploadForm(upload.options, seen, request.POST if is_refused else None),
            "columns": [{"name": name, "role": roles.get(name, "")} for name in seen.shown],
            "n_hidden": seen.n_rows - len(seen.head) - len(seen.tail),
            "first": moment(seen.first_ns),
            "last": moment(seen.last_ns),
            "tick": _tick(upload),
            "is_same": seen.replaces is not None and seen.changes is None,
        }
    context |= {"errors": upload.errors, "n_more": upload.n_errors - len(upload.errors)}
    # A script that follows the corrections shows what came of them, whatever it is.
    return render(request, "data/upload.html", context, status=422 if is_refused and not request.htmx else 200)


def _tick(upload: Upload) -> dict[str, Any]:
    """Return the tick size that the import takes, and whether it is a guess."""
    seen, named = upload.seen, upload.options.get("tick_size")
    size = named or (seen.tick_size if seen else None)
    return {"text": "" if size is None else step_text(size), "is_guess": named is None}


def _progress(upload: Upload) -> dict[str, Any]:
    percent = 100 * upload.done // upload.total if upload.total else None
    return {"percent": percent, "phase": upload.phase or upload.get_state_display()}


@require_GET
def upload_live(request: HttpRequest, upload_id: uuid.UUID) -> HttpResponse:
    """Return how far a file is; once it is done, the word to load the page again."""
    upload = get_object_or_404(uploads(request), id=upload_id)
    if not upload.is_active:
        return HttpResponseClientRedirect(upload.get_absolute_url(), status=204)
    return render(request, "data/_upload_progress.html", {"upload": upload, **_progress(upload)})


@require_POST
def upload_cancel(request: HttpRequest, upload_id: uuid.UUID) -> HttpResponse:
    """Stop looking through a file, or importing it, unless it is being stored already."""
    upload = get_object_or_404(uploads(request), id=upload_id)
    if not upload.mark_cancelled():
        messages.info(request, "Too late to cancel: the candles are being stored.")
    return redirect(upload)


@require_POST
def upload_discard(request: HttpRequest, upload_id: uuid.UUID) -> HttpResponse:
    """Remove a file that is not to be imported."""
    upload = get_object_or_404(uploads(request), id=upload_id)
    try:
        is_unstored = files.discard(upload)
    except files.TooLate as error:
        messages.info(request, str(error))
        return redirect(upload)
    what = "nothing was stored" if is_unstored else "its candles were stored already and are kept"
    messages.info(request, f"{upload} was discarded; {what}.")
    return redirect("upload_new" if request.POST.get("then") == "upload_new" else "data")


def _imported_url(upload: Upload) -> str:
    stored = upload.stored or {}
    try:
        dataset = artifacts.candle_store().by_key(str(stored.get("key")))
    except MarketDataError:  # deleted since
        return reverse("data")
    return f"{reverse('dataset', args=[dataset.key])}?imported={upload.id}"
