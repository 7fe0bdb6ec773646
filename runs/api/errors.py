"""One body for every error: what is wrong, and with which fields."""

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ObjectDoesNotExist
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, ValidationError
from pydantic import BaseModel, Field

from algotrade.errors import SpecError
from runs.actions.submit import TooMany
from runs.models import IllegalTransition
from runs.server.middleware import REASONS

MAX_FIELDS = 50
"""Messages in one answer at most: a body of ten thousand wrong names must not be answered with a book."""


class ErrorBody(BaseModel):
    """Any answer of 400 and above."""

    error: str = Field(description="What is wrong, for people.")
    fields: dict[str, str] = Field(description="Message by field; nested fields are dotted (parameters.fast).")


ERRORS: dict[Any, Any] = {frozenset({400, 401, 403, 404, 409, 413, 429, 503}): ErrorBody}
"""What routes may answer besides. The framework makes a model for each status of each route: all of HTTP took 0.3 s."""


class ApiError(Exception):
    """An answer other than success.

    Attributes:
        status: HTTP status.
        message: what is wrong, which value, what was allowed.
        fields: message by field name.
        headers: further headers.
    """

    def __init__(
        self,
        status: int,
        message: str = "",
        fields: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Keep status, message (the usual one for the status when empty), fields and headers."""
        self.status = status
        self.message = message or REASONS.get(status, "")
        self.fields = dict(fields or {})
        self.headers = dict(headers or {})
        super().__init__(self.message)


def error_response(
    status: int, message: str = "", fields: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None
) -> HttpResponse:
    """Return the answer for an error."""
    shown = dict(list((fields or {}).items())[:MAX_FIELDS])
    body = ErrorBody(error=message or REASONS.get(status, ""), fields=shown)
    return JsonResponse(body.model_dump(), status=status, headers=dict(headers or {}))


def unauthorized() -> HttpResponse:
    """Return the answer for somebody unknown."""
    return error_response(401, headers={"WWW-Authenticate": "Bearer"})


def add_handlers(api: NinjaAPI) -> None:
    """Answer everything that goes wrong below the API with its body. The unexpected stays a 500, and is logged."""

    def on(kind: type[Exception], answer: Any) -> None:
        def handler(_request: HttpRequest, error: Any) -> HttpResponse:
            response: HttpResponse = answer(error)
            return response

        api.add_exception_handler(kind, handler)

    on(ApiError, lambda e: error_response(e.status, e.message, e.fields, e.headers))
    on(SpecError, lambda e: error_response(400, _summary(e.fields), e.fields))
    on(TooMany, lambda e: error_response(429, str(e), headers={"Retry-After": str(e.retry_after)}))
    on(IllegalTransition, lambda e: error_response(409, str(e)))
    on(Http404, lambda e: error_response(404, str(e)))
    on(ObjectDoesNotExist, lambda _e: error_response(404, "It was deleted meanwhile."))
    on(AuthenticationError, lambda _e: unauthorized())
    on(HttpError, lambda e: error_response(e.status_code, str(e)))
    on(ValidationError, _invalid_query)


def _invalid_query(error: ValidationError) -> HttpResponse:
    """Name each parameter of the address that does not fit. The value itself is not repeated; it may be megabytes."""
    fields = {str(entry["loc"][-1]): f"{entry['msg']}." for entry in error.errors}
    return error_response(400, _summary(fields), fields)


def _summary(fields: Mapping[str, str]) -> str:
    """Return one sentence for people who do not look at the fields."""
    name, message = next(iter(fields.items()))
    return (
        f"{name}: {message}" if len(fields) == 1 else f"{len(fields)} fields are wrong: {', '.join(list(fields)[:10])}."
    )
