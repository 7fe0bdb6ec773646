"""Who may call: a bearer token, or the session of the browser with its CSRF token."""

from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.http import Http404, HttpRequest
from ninja.security import APIKeyCookie, HttpBearer
from ninja.security.session import SessionAuth
from ninja.utils import check_csrf

from runs.access_models import ApiToken
from runs.api.errors import ApiError
from runs.models import Run, RunKind


class Bearer(HttpBearer):
    """`Authorization: Bearer at_...`. Nothing that a browser sends on its own, so no CSRF token is needed."""

    def authenticate(self, request: HttpRequest, token: str) -> User | None:
        """Return the token's user, who is then the request's."""
        user = ApiToken.objects.user_of(token.strip())
        if user is not None:
            request.user = user
        return user


class Session(SessionAuth):
    """The browser's session. A browser sends it with any site's requests, so changes need the CSRF token too."""

    def __call__(self, request: HttpRequest) -> Any:
        """Return the session's user; without one the CSRF token does not matter, the answer is 401."""
        if not request.user.is_authenticated:
            return None
        if check_csrf(request) is not None:
            raise ApiError(403, "The CSRF token is missing or wrong. Send it as the header X-CSRFToken.")
        return request.user


AUTHENTICATION: list[HttpBearer | APIKeyCookie] = [Bearer(), Session()]


def authenticated(request: HttpRequest) -> bool:
    """Whether the request comes from somebody known, by any of the ways."""
    return any(way(request) is not None for way in AUTHENTICATION)


def user_of(request: HttpRequest) -> User:
    """Return who calls, once authentication has passed."""
    if not isinstance(request.user, User):
        raise ApiError(401)
    return request.user


def visible_backtest(request: HttpRequest, run_id: UUID) -> Run:
    """Return a backtest that the caller may see; raises as `_visible`."""
    return _visible(request, run_id, RunKind.BACKTEST)


def visible_optimization(request: HttpRequest, run_id: UUID) -> Run:
    """Return an optimization that the caller may see; raises as `_visible`."""
    return _visible(request, run_id, RunKind.OPTIMIZATION)


def visible_download(request: HttpRequest, run_id: UUID) -> Run:
    """Return a download that the caller may see; raises as `_visible`."""
    return _visible(request, run_id, RunKind.DOWNLOAD)


def manageable_backtest(request: HttpRequest, run_id: UUID) -> Run:
    """Return a backtest that the caller may cancel or delete; raises as `_manageable`."""
    return _manageable(request, visible_backtest(request, run_id))


def manageable_optimization(request: HttpRequest, run_id: UUID) -> Run:
    """Return an optimization that the caller may change or delete; raises as `_manageable`."""
    return _manageable(request, visible_optimization(request, run_id))


def manageable_download(request: HttpRequest, run_id: UUID) -> Run:
    """Return a download that the caller may change or delete; raises as `_manageable`."""
    return _manageable(request, visible_download(request, run_id))


def _visible(request: HttpRequest, run_id: UUID, kind: RunKind) -> Run:
    """Return a run of a kind that the caller may see.

    Raises:
        Http404: there is none of that id, or not for the caller.
    """
    run = Run.objects.visible_to(user_of(request)).filter(id=run_id, kind=kind).first()
    if run is None:
        raise Http404(f"There is no {kind.value} {run_id}.")
    return run


def _manageable(request: HttpRequest, run: Run) -> Run:
    """Return the run.

    Raises:
        ApiError: the caller may see it, but not change it.
    """
    if not run.is_manageable_by(user_of(request)):
        raise ApiError(403, f"{run} belongs to {run.user.get_username()}; only they and staff may change it.")
    return run
