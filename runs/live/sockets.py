"""The websockets: who may listen, what a socket is sent, and how it ends.

Plain ASGI applications. A socket only listens: it takes a mailbox from the hub, sends what comes, and beats when
nothing does. Close codes of 4000 and above tell the browser not to come back; any other is an accident.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import structlog
from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.auth.models import User
from django.db import DatabaseError, close_old_connections
from django.http.request import split_domain_port, validate_host

from runs.live.hub import NOT_FOUND, NOT_LOGGED_IN, TRY_AGAIN, hub
from runs.live.mailbox import Mailbox
from runs.models import Run
from runs.server.admission import session_user

log = structlog.get_logger(__name__)

Scope = Mapping[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]

TOO_TALKATIVE = 4008
"""Close code: the client sent more, or larger, messages than a listener has reason to."""

BEAT_SECONDS = 5.0
BEAT = json.dumps({"type": "beat"})
CHECK_SECONDS = 60.0
"""How often a socket asks again whether its session is still good and its run still visible."""
MAX_MESSAGES = 20
"""Messages a client may send in the life of a socket. The pages send none."""
MAX_MESSAGE_CHARACTERS = 1024


class SameOrigin:
    """Refuses websockets that a page of another site opened: browsers send the cookies along with those, too.

    The origin must be the very address (name and port) that the request was sent to, and its name one that we are known
    under. A request without an origin is none of a browser's and has no business with a session's cookie.
    """

    def __init__(self, application: Callable[[Scope, Receive, Send], Awaitable[None]]) -> None:
        self._application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope.get("headers", []))
        origin, host = headers.get(b"origin", b"").decode("latin-1"), headers.get(b"host", b"").decode("latin-1")
        if is_same_origin(origin, host):
            await self._application(scope, receive, send)
            return
        log.warning("websocket refused", origin=origin[:200], host=host[:200])
        await receive()
        await send({"type": "websocket.close", "code": 403})


def is_same_origin(origin: str, host: str) -> bool:
    """Whether a page at `origin` may talk to us at `host` (both as the headers say it)."""
    if origin in settings.CSRF_TRUSTED_ORIGINS:
        return True
    try:
        parts = urlsplit(origin)
        is_web = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.netloc.lower() == host.lower()
    except ValueError:
        return False
    name, _ = split_domain_port(host)
    return is_web and validate_host(name, settings.ALLOWED_HOSTS)


class Socket:
    """One kind of websocket; an instance serves all connections of its address."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection from its handshake to its end."""
        await receive()
        # Accepted before it is refused: a browser is told the code only of a socket that was open.
        await send({"type": "websocket.accept"})
        code = await self._serve(scope, receive, send)
        if code is not None:
            await send({"type": "websocket.close", "code": code})

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> int | None:
        """Send what comes; return the code to close with, or None when the client has gone."""
        try:
            user, mailbox = await self._open(scope)
        except DatabaseError as error:
            log.warning("websocket cannot be opened", error=str(error))
            return TRY_AGAIN
        if mailbox is None:
            return NOT_FOUND if user else NOT_LOGGED_IN
        tasks = {
            asyncio.create_task(_forward(mailbox, send)),
            asyncio.create_task(_listen(receive)),
            asyncio.create_task(self._check(scope)),
        }
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            return next(iter(done)).result()
        finally:
            hub().forget(mailbox)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _open(self, scope: Scope) -> tuple[User | None, Mailbox | None]:
        """Return who asks (None: nobody who is logged in), and their mailbox (None: they may not have one)."""
        user, run = await _read(self._look_up, scope)
        return user, self._mailbox(user, run) if user else None

    async def _check(self, scope: Scope) -> int:
        """Return a close code once the user may no longer listen: logged out, deactivated, or the run is gone."""
        while True:
            await asyncio.sleep(CHECK_SECONDS)
            with suppress(DatabaseError):  # the next check asks again
                user, run = await _read(self._look_up, scope)
                if user is None:
                    return NOT_LOGGED_IN
                if not self._may_listen(run):
                    return NOT_FOUND

    def _look_up(self, scope: Scope) -> tuple[User | None, Run | None]:
        user = session_user(_cookies(scope))
        return user, self._run_of(scope, user) if user else None

    def _run_of(self, _scope: Scope, _user: User) -> Run | None:
        """Return the run that the address names, if the user may see it."""
        return None

    def _may_listen(self, _run: Run | None) -> bool:
        """Whether a user who is logged in may listen, given what `_run_of` found."""
        return True

    def _mailbox(self, user: User, run: Run | None) -> Mailbox | None:
        """Return a mailbox for the user, or None when there is nothing to listen to."""
        raise NotImplementedError


class RunSocket(Socket):
    """`/ws/backtests/<id>`, and likewise of the other kinds: the live parts of one run's page, then its end."""

    def __init__(self, kind: str) -> None:
        self._kind = kind

    def _run_of(self, scope: Scope, user: User) -> Run | None:
        run_id = scope["url_route"]["kwargs"]["run_id"]
        return Run.objects.visible_to(user).filter(id=run_id, kind=self._kind).first()

    def _may_listen(self, run: Run | None) -> bool:
        return run is not None

    def _mailbox(self, _user: User, run: Run | None) -> Mailbox | None:
        return hub().watch_run(run.pk) if run else None


class RunListSocket(Socket):
    """`/ws/runs`: the rows of runs that change."""

    def _mailbox(self, user: User, _run: Run | None) -> Mailbox | None:
        return hub().watch_list(user.pk)


class NowhereSocket(Socket):
    """Any other address: told so, once and for all."""

    def _mailbox(self, _user: User, _run: Run | None) -> Mailbox | None:
        return None


async def _forward(mailbox: Mailbox, send: Send) -> int:
    """Send what comes into the mailbox, and beats when nothing does; return the code that it was closed with."""
    while True:
        try:
            frames, code = await asyncio.wait_for(mailbox.take(), BEAT_SECONDS)
        except TimeoutError:
            frames, code = [BEAT], None
        for frame in frames:
            await send({"type": "websocket.send", "text": frame})
        if code is not None:
            return code


async def _listen(receive: Receive) -> int | None:
    """Wait for the client to go (None), and ignore what it says, up to a limit."""
    for _ in range(MAX_MESSAGES):
        message = await receive()
        if message["type"] == "websocket.disconnect":
            return None
        if len(message.get("text") or message.get("bytes") or "") > MAX_MESSAGE_CHARACTERS:
            break
    return TOO_TALKATIVE


def _cookies(scope: Scope) -> str:
    return "; ".join(value.decode("latin-1") for name, value in scope.get("headers", []) if name == b"cookie")


async def _read(
    function: Callable[[Scope], tuple[User | None, Run | None]], scope: Scope
) -> tuple[User | None, Run | None]:
    """Call a function that reads the database, in a thread that others do not wait for."""

    def call() -> tuple[User | None, Run | None]:
        close_old_connections()
        try:
            return function(scope)
        finally:
            close_old_connections()

    return await sync_to_async(call, thread_sensitive=False)()
