"""Responses that views share: to who asks, with or without a script; submitting, cancelling."""

from collections.abc import Callable
from typing import TypeVar

from django.contrib import messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django_htmx.http import trigger_client_event
from django_htmx.middleware import HtmxDetails

from algotrade.errors import SpecError
from runs import fragments, throttle
from runs.actions import submit
from runs.actions.submit import Submitted
from runs.backtests.account_form import AccountForm
from runs.downloads.form import DownloadForm
from runs.models import Kind, Run, RunState, Submission


class HtmxHttpRequest(HttpRequest):
    """A request as django-htmx hands it on: `htmx` is true when a script asks for a part of a page."""

    htmx: HtmxDetails


def viewer(request: HttpRequest) -> User:
    """Return who is logged in; nobody else gets past the middleware."""
    if not isinstance(request.user, User):
        raise PermissionDenied
    return request.user


def cancel_run(request: HtmxHttpRequest, run: Run) -> HttpResponse:
    """Cancel a run and answer with what the page needs; losing the race to its end is a 409 with a toast."""
    if not run.mark_cancelled():
        run.refresh_from_db()
    is_refused = run.state != RunState.CANCELLED
    text = f"{run} had already {'completed' if run.state == RunState.COMPLETED else 'failed'}." if is_refused else ""
    if not request.htmx:
        if text:
            messages.info(request, text)
        return redirect(run)
    body = fragments.render_row(run) if request.GET.get("as") == "row" else fragments.render_live(run)
    response = HttpResponse(body, status=409 if is_refused else 200)
    if text:
        trigger_client_event(response, "toast", {"value": text})
    return response


FORM_ROUTES = {"submit": "new", "check": "check"}
Form = TypeVar("Form", bound=AccountForm | DownloadForm)


def twin_of(resolved: Submission) -> Run | None:
    """Return an active or completed run of the very same submission."""
    active = Run.objects.active().filter(run_key=resolved.run_key).first()
    return active or Run.objects.identical_completed(resolved.run_key)


def is_typed(request: HttpRequest) -> bool:
    """Whether an address repeats what was typed into the form that it shows, as the page writes it when it is sent."""
    return "start" in request.GET


def form_context(kind: Kind) -> dict[str, str]:
    """Return what the page of a form says of the kind of run, and where it asks and submits."""
    addresses = {f"{part}_url": reverse(f"{kind.name}_{name}") for part, name in FORM_ROUTES.items()}
    return {"kind": kind.name, **addresses}


def submit_form(
    request: HttpRequest, form: Form, page: Callable[[HttpRequest, Form, int], HttpResponse]
) -> HttpResponse:
    """Submit what a form asks for and lead to its run; the form's page tells why when it is wrong or too much.

    A browser without scripts has not seen what was found while one typed: it is offered the identical run first.
    """
    if not form.is_valid():
        return page(request, form, 422)
    twin = twin_of(form.resolved) if "ask" in request.POST else None
    if twin is not None and not twin.is_active and request.POST.get("known") != str(twin.id):
        messages.info(request, f"{twin} is the same and has completed. Open it, or press again to run it again.")
        return page(request, form, 200)
    try:
        submitted = submit.submit(form.resolved, viewer(request), per_minute=throttle.PAGE_SUBMISSIONS)
    except submit.TooMany as error:
        form.add_error(None, str(error))
        response = page(request, form, 429)
        response["Retry-After"] = str(error.retry_after)
        return response
    except SpecError as error:
        form.add_error(None, str(error))
        return page(request, form, 422)
    return lead_to(request, submitted)


def lead_to(request: HttpRequest, submitted: Submitted) -> HttpResponse:
    """Lead to the run that a submission started, or that was active already."""
    run = submitted.run
    if submitted.is_dedup:
        messages.info(request, f"The same {run.get_kind_display().lower()} is active already: this is {run}.")
    return redirect(run)
