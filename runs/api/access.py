"""Access: a bearer token, or the session of the browser with its CSRF token."""

from typing import Any

from django.contrib.auth.models import User
from django.http import HttpRequest
from ninja.security import APIKeyCookie, HttpBearer
from ninja.security.session import SessionAuth
from ninja.utils import check_csrf

from runs.api.errors import ApiError
from runs.models.access import ApiToken


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
