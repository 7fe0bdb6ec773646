"""Middleware: every answer is logged, private, JSON below /api/, and 503 while the database is busy.

And 404 for what was deleted while a request looked at it.
"""

import secrets
import time
from collections.abc import Callable

import structlog
from django.core.exceptions import BadRequest, ObjectDoesNotExist
from django.db import OperationalError
from django.http import HttpRequest, HttpResponseBase, JsonResponse
from django.shortcuts import render

log = structlog.get_logger(__name__)

Handler = Callable[[HttpRequest], HttpResponseBase]

API_PATH = "/api/"
ADMIN_PATH = "/admin/"
SLOW_SECONDS = 1.0
BUSY_SECONDS = 5
"""When to come back while the database does not answer; it has been waited for already."""

REASONS = {
    400: "The request cannot be understood.",
    401: "Log in, or send a bearer token.",
    403: "You may not do that.",
    404: "There is nothing at this address.",
    405: "This address does not accept that method.",
    413: "The request is too large.",
    500: "The server failed to answer; its log says why.",
    503: "The server is unavailable for a moment. Try again soon.",
}


class RequestLog:
    """Give each request an id: it is in every line logged meanwhile, and in the answer."""

    def __init__(self, get_response: Handler) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer, and log what was unusual: changes, errors, slowness. The id is ours: none from outside is trusted."""
        request_id = secrets.token_hex(8)
        began = time.monotonic()
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            response = self._get_response(request)
            seconds = time.monotonic() - began
            is_unusual = request.method not in ("GET", "HEAD") or response.status_code >= 400 or seconds > SLOW_SECONDS
            (log.info if is_unusual else log.debug)(
                "request",
                method=request.method,
                path=request.path[:500],
                status=response.status_code,
                seconds=round(seconds, 3),
            )
        response["X-Request-ID"] = request_id
        return response


class PrivateAnswers:
    """Keep answers out of every cache unless a view says otherwise: nearly all of them are for who is logged in."""

    def __init__(self, get_response: Handler) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self._get_response(request)
        response.headers.setdefault("Cache-Control", "private, no-store")
        return response


class ApiErrors:
    """Turn the errors that Django itself gives below /api/ into the API's error body."""

    def __init__(self, get_response: Handler) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer; an error that is not JSON yet becomes it, with the headers that matter."""
        response = self._get_response(request)
        if response.status_code < 400 or not request.path.startswith(API_PATH):
            return response
        if response.headers.get("Content-Type", "").startswith("application/json"):
            return response
        reason = REASONS.get(response.status_code, response.reason_phrase)
        answer = JsonResponse({"error": reason, "fields": {}}, status=response.status_code)
        for name in ("Allow", "Retry-After", "WWW-Authenticate"):
            if name in response.headers:
                answer[name] = response[name]
        return answer


class BusyDatabase:
    """Answer 503 while the database is locked or away: nothing is wrong with the request, and trying again helps."""

    def __init__(self, get_response: Handler) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self._get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponseBase | None:
        """Turn a database that does not answer into a 503; every other error goes on."""
        if not isinstance(exception, OperationalError):
            return None
        log.warning("database does not answer", path=request.path[:500], error=str(exception))
        answer = render(None, "503.html", status=503)
        answer["Retry-After"] = str(BUSY_SECONDS)
        return answer


class GoneRows:
    """Answer 404 when a row was deleted after the request had found it: somebody else was quicker."""

    def __init__(self, get_response: Handler) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self._get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponseBase | None:
        """Turn a row that is gone into a 404; every other error goes on."""
        if not isinstance(exception, ObjectDoesNotExist):
            return None
        log.info("deleted meanwhile", path=request.path[:500], error=str(exception))
        return render(request, "404.html", status=404)


class NoNul:
    """Keep NUL characters from the database: PostgreSQL takes none, and no cookie or filter of ours has one."""

    def __init__(self, get_response: Handler) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer as if such a cookie had not been sent; refuse such a filter of the administration, which is not ours.

        Raises:
            BadRequest: the administration is asked for a text with a NUL character.
        """
        for name in [name for name, value in request.COOKIES.items() if "\0" in value]:
            del request.COOKIES[name]
        if request.path.startswith(ADMIN_PATH) and "%00" in request.META.get("QUERY_STRING", ""):
            raise BadRequest("The address has a NUL character in it.")
        return self._get_response(request)
