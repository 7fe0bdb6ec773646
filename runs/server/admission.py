"""Admission: who stands behind a request that no middleware has seen: one with a large body, or a websocket's.

Channels' own authentication answers that only once for each connection, in the one thread that all of them share.
"""

from importlib import import_module
from types import SimpleNamespace

from django.conf import settings
from django.contrib.auth import get_user
from django.contrib.auth.models import User
from django.db import connection
from django.http import parse_cookie

from runs.models.access import ApiToken


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
        user = user or session_user(cookies)
        return user.pk if user is not None else None
    finally:
        connection.close()


def session_user(cookies: str) -> User | None:
    """Return the active user whose session a Cookie header names, as the database says now.

    Django's own check of the session is used, so a changed password or a logout ends it here, too.
    """
    key = parse_cookie(cookies).get(settings.SESSION_COOKIE_NAME, "")
    if not key or "\0" in key:  # which PostgreSQL takes in no text
        return None
    session = import_module(settings.SESSION_ENGINE).SessionStore(key)
    user = get_user(SimpleNamespace(session=session))  # type: ignore[arg-type]  # it reads nothing else of a request
    return user if isinstance(user, User) and user.is_active else None
