"""Websocket clients for tests, and the database beside a running event loop."""

import asyncio

from channels.testing import WebsocketCommunicator
from django.conf import settings
from django.db import connections
from django.test import Client

from algotrade.asgi import application

HOST = "127.0.0.1:8000"


def session_cookie(user):
    """Return the session's key of a user who logs in now."""
    client = Client()
    client.force_login(user)
    return client.cookies[settings.SESSION_COOKIE_NAME].value


def socket(path, *, session="", origin=f"http://{HOST}", host=HOST):
    """Return an unopened websocket, as a browser's page at `origin` makes it (None: no Origin header)."""
    headers = [(b"host", host.encode())]
    if origin is not None:
        headers.append((b"origin", origin.encode()))
    if session:
        headers.append((b"cookie", f"other=1; {settings.SESSION_COOKIE_NAME}={session}".encode()))
    return WebsocketCommunicator(application, path, headers)


async def frames(client, n, timeout=30):
    """Return the next `n` text frames."""
    return [await client.receive_from(timeout) for _ in range(n)]


async def close_code(client, timeout=30):
    """Read whatever comes until the server closes; return its code."""
    while True:
        message = await client.receive_output(timeout)
        if message["type"] == "websocket.close":
            return message["code"]


async def in_database(function, *args, **kwargs):
    """Call what reads or writes the database, in a thread whose connection is closed afterwards."""

    def call():
        try:
            return function(*args, **kwargs)
        finally:
            connections.close_all()

    return await asyncio.to_thread(call)
