"""What views have in common: who asks, whether a script does, and cancelling."""

import json

from django.contrib import messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from runs import fragments
from runs.models import Run, RunState


def is_htmx(request: HttpRequest) -> bool:
    """Whether a script asks for a part of a page."""
    return request.headers.get("HX-Request") == "true"


def viewer(request: HttpRequest) -> User:
    """Return who is logged in; nobody else gets past the middleware."""
    if not isinstance(request.user, User):
        raise PermissionDenied
    return request.user


def cancel_run(request: HttpRequest, run: Run) -> HttpResponse:
    """Cancel a run and answer with what the page needs; losing the race to its end is a 409 with a toast."""
    if not run.mark_cancelled():
        run.refresh_from_db()
    is_refused = run.state != RunState.CANCELLED
    text = f"{run} had already {'completed' if run.state == RunState.COMPLETED else 'failed'}." if is_refused else ""
    if not is_htmx(request):
        if text:
            messages.info(request, text)
        return redirect(run)
    body = fragments.render_row(run) if request.GET.get("as") == "row" else fragments.render_live(run)
    response = HttpResponse(body, status=409 if is_refused else 200)
    if text:
        response["HX-Trigger"] = json.dumps({"toast": text})
    return response
