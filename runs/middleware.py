"""What holds for every answer of the web server: it can be found in the log, is private, and is JSON below /api/."""

import secrets
import time
from collections.abc import Callable

import structlog
from django.http import HttpRequest, HttpResponseBase, JsonResponse

log = structlog.get_logger(__name__)

Handler = Callable[[HttpRequest], HttpResponseBase]

API_PATH = "/api/"
SLOW_SECONDS = 1.0

REASONS = {
    400: "The request cannot be understood.",
    401: "Log in, or send a bearer token.",
    403: "You may not do that.",
    404: "There is nothing at this address.",
    405: "This address does not take that method.",
    413: "The request is too large.",
    500: "Something went wrong on the server; it is in its log.",
    503: "The server cannot answer now. Try again soon.",
}


class RequestLog:
    """Give each request an id: it is in every line logged meanwhile, and in the answer."""

    def __init__(self, get_response: Handler) -> None:
        """Wrap the next handler."""
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer, and log what was unusual: changes, errors, slowness. The id is ours; one from outside is not trusted."""
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
        """Wrap the next handler."""
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer, privately."""
        response = self._get_response(request)
        response.headers.setdefault("Cache-Control", "private, no-store")
        return response


class ApiErrors:
    """Turn the errors that Django itself gives below /api/ into the API's error body."""

    def __init__(self, get_response: Handler) -> None:
        """Wrap the next handler."""
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
