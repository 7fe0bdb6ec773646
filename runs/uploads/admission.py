"""Who may send a large body: asked by the web server before it takes any of it."""

from http.cookies import CookieError, SimpleCookie
from importlib import import_module

from django.conf import settings
from django.contrib.auth import get_user
from django.db import connection
from django.http import HttpRequest

from runs.access_models import ApiToken


def may_send_files(cookies: str, authorization: str) -> bool:
    """Whether a request comes from somebody known.

    Called in a thread of the web server for each request with a large body; Django asks again, with everything.

    Args:
        cookies: the request's Cookie header.
        authorization: its Authorization header.
    """
    try:
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() == "bearer" and ApiToken.objects.user_of(token.strip()) is not None:
            return True
        return _has_session(cookies)
    finally:
        connection.close()


def _has_session(cookies: str) -> bool:
    try:
        cookie = SimpleCookie(cookies).get(settings.SESSION_COOKIE_NAME)
    except CookieError:
        return False
    if cookie is None:
        return False
    request = HttpRequest()
    request.session = import_module(settings.SESSION_ENGINE).SessionStore(cookie.value)
    return bool(get_user(request).is_authenticated)
