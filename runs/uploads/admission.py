"""Who may send a large body: asked by the web server before it takes any of it."""

from http.cookies import CookieError, SimpleCookie
from importlib import import_module

from django.conf import settings
from django.contrib.auth import get_user
from django.db import connection
from django.http import HttpRequest

from runs.access_models import ApiToken


def sender_of(cookies: str, authorization: str) -> int | None:
    """Return the id of the user who sends a request; None when it is nobody known.

    Called in a thread of the web server for each request with a large body; Django asks again, with everything.

    Args:
        cookies: the request's Cookie header.
        authorization: its Authorization header.
    """
    try:
        scheme, _, token = authorization.partition(" ")
        user = ApiToken.objects.user_of(token.strip()) if scheme.lower() == "bearer" else None
        return user.pk if user is not None else _session_user(cookies)
    finally:
        connection.close()


def _session_user(cookies: str) -> int | None:
    try:
        cookie = SimpleCookie(cookies).get(settings.SESSION_COOKIE_NAME)
    except CookieError:
        return None
    if cookie is None:
        return None
    request = HttpRequest()
    request.session = import_module(settings.SESSION_ENGINE).SessionStore(cookie.value)
    user = get_user(request)
    return user.pk if user.is_authenticated else None
