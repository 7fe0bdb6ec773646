"""Submitting what a form asks for: the same for every kind of run."""

from collections.abc import Callable
from typing import TypeVar

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from algotrade.errors import SpecError
from algotrade.resolve import Resolved, ResolvedDownload, ResolvedOptimization
from runs import submission, throttle
from runs.forms import AccountForm, DownloadForm
from runs.models import Run, RunKind
from runs.submission import Submitted
from runs.views.answers import viewer

FORM_ROUTES = {"submit": "new", "check": "check", "fields": "fields"}
Form = TypeVar("Form", bound=AccountForm | DownloadForm)


def twin_of(resolved: Resolved | ResolvedOptimization | ResolvedDownload) -> Run | None:
    """Return an active or completed run of the very same submission."""
    active = Run.objects.active().filter(run_key=resolved.run_key).first()
    return active or Run.objects.identical_completed(resolved.run_key)


def form_context(kind: RunKind) -> dict[str, str]:
    """Return what the page of a form says of the kind of run, and where it asks and submits."""
    addresses = {f"{part}_url": reverse(f"{kind.value}_{name}") for part, name in FORM_ROUTES.items()}
    return {"kind": kind.value, **addresses}


def submit_form(
    request: HttpRequest,
    resolved: Resolved | ResolvedOptimization | ResolvedDownload,
    form: Form,
    page: Callable[[HttpRequest, Form, int], HttpResponse],
) -> HttpResponse:
    """Submit what a form asks for and lead to its run; the form's page tells why when it is too much.

    A browser without scripts has not seen what was found while one typed: it is offered the identical run first.
    """
    twin = twin_of(resolved) if "ask" in request.POST else None
    if twin is not None and not twin.is_active and request.POST.get("known") != str(twin.id):
        messages.info(request, f"{twin} is the same and has completed. Open it, or press again to run it again.")
        return page(request, form, 200)
    try:
        submitted = submission.submit(resolved, viewer(request), per_minute=throttle.PAGE_SUBMISSIONS)
    except submission.TooMany as error:
        form.errors = {"": str(error)}
        response = page(request, form, 429)
        response["Retry-After"] = str(error.retry_after)
        return response
    except SpecError as error:
        form.errors = {"": str(error)}
        return page(request, form, 422)
    return lead_to(request, submitted)


def lead_to(request: HttpRequest, submitted: Submitted) -> HttpResponse:
    """Lead to the run that a submission started, or that was active already."""
    run = submitted.run
    if submitted.is_dedup:
        messages.info(request, f"The same {run.get_kind_display().lower()} is active already: this is {run}.")
    return redirect(run)
