"""Daphne with limits: what is too large, too slow or too much ends here, before Django hears of it.

As it comes, Daphne stores the whole body of any request on disk first, lets a client take hours over its headers, and
buffers without end for a reader that does not read. Import this only in a process that serves: Daphne's import installs
an event loop.
"""

import asyncio
import json
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import daphne.server
from daphne import http_protocol, ws_protocol
from django.conf import settings
from twisted.internet import defer, reactor, threads
from twisted.internet.interfaces import IPushProducer
from twisted.web import http
from zope.interface import implementer

REQUEST_SECONDS = 30.0
"""How long a client may take to send a request, from its first byte to the last of its body."""
UPLOAD_SECONDS = 1_800.0
"""How long a file may take to arrive from somebody who may send one."""
IDLE_SECONDS = 30.0
"""How long a connection may be silent between and within requests."""
ANSWER_SECONDS = 60
"""How long Django may take to begin its answer, and from one part of a file that it sends to the next."""
LINGER_SECONDS = 2.0
"""How long what a refused client still sends is read and thrown away, so that it sees the answer and not a reset."""
SLOW_READER_SECONDS = 30.0
"""How long the reader of a file or a websocket may leave its buffer full before the connection is cut."""
MAX_FRAME_BYTES = 64 * 1024
"""Largest websocket message taken; the pages send none at all."""

MOST_UPLOAD_BYTES = settings.MAX_UPLOAD_BYTES + settings.MAX_BODY_BYTES
"""Largest body with a file in it: the file, and what the form says of it."""

MOST_UPLOADS = 2
"""Large bodies of one user that are taken at the same time."""
RETRY_SECONDS = 10
"""When one that had too many may come back."""
ROOM_LEFT_BYTES = 256 << 20
"""Space that large bodies leave on the disk on which they are stored while they come in."""

REFUSALS = {
    401: "Unauthorized",
    408: "Request Timeout",
    413: "Content Too Large",
    429: "Too Many Requests",
    507: "Insufficient Storage",
}


@dataclass
class UploadSlots:
    """The large bodies that are being taken: how many of each user, and how many bytes they may all become."""

    of_user: "Counter[int]" = field(default_factory=Counter)
    n_bytes: int = 0

    def take(self, user: int, n_bytes: int) -> int:
        """Take a slot for a body of `n_bytes`; return 0, or the status to refuse it with."""
        if self.of_user[user] >= MOST_UPLOADS:
            return 429
        if shutil.disk_usage(tempfile.gettempdir()).free < self.n_bytes + n_bytes + ROOM_LEFT_BYTES:
            return 507
        self.of_user[user] += 1
        self.n_bytes += n_bytes
        return 0

    def give_back(self, user: int, n_bytes: int) -> None:
        """Free the slot of a body that is no longer stored."""
        self.of_user -= Counter({user: 1})  # drops users who have none left
        self.n_bytes -= n_bytes


class LimitedChannel(http.HTTPChannel):
    """One HTTP connection: bounds the size and the time of each request while it comes in."""

    sender_of: Callable[[str, str], int | None] | None = None
    slots = UploadSlots()
    """Of all connections: the reactor has one thread."""
    max_body_bytes = settings.MAX_BODY_BYTES
    _is_refused = False
    _slot: tuple[int, int] | None = None
    _deadline: Any = None

    def dataReceived(self, data: bytes) -> None:  # noqa: N802 - Twisted's name
        """Start the request's clock with its first byte; throw away what a refused client still sends."""
        if self._is_refused:
            return
        if self._deadline is None and not self._handlingRequest:
            self._deadline = reactor.callLater(REQUEST_SECONDS, self.refuse, 408)
        super().dataReceived(data)

    def lineReceived(self, line: bytes) -> None:  # noqa: N802 - Twisted's name
        """Go on with the head of a request, unless it was refused meanwhile."""
        if not self._is_refused:
            super().lineReceived(line)

    def rawDataReceived(self, data: bytes) -> None:  # noqa: N802 - Twisted's name
        """Go on with the body of a request, unless it was refused meanwhile."""
        if not self._is_refused:
            super().rawDataReceived(data)

    def allHeadersReceived(self) -> None:  # noqa: N802 - Twisted's name
        """Refuse a body that says itself that it is too large, before anything of it is stored."""
        self.max_body_bytes = settings.MAX_BODY_BYTES
        if self.length is not None and self.length > settings.MAX_BODY_BYTES and not self._ask_whether_to_admit():
            self.refuse(413)
            return
        super().allHeadersReceived()

    def _ask_whether_to_admit(self) -> bool:
        """Stop reading until it is known whether a large body comes from somebody who may send one; False: it cannot.

        The answer is in the database, so a thread asks. What is read meanwhile is less than any body may have.
        """
        request = self.requests[-1]
        is_upload = self._path.partition(b"?")[0].decode("latin-1") in settings.UPLOAD_PATHS
        if self.sender_of is None or not is_upload or self._command != b"POST":
            return False
        if int(self.length or 0) > MOST_UPLOAD_BYTES:
            self.max_body_bytes = MOST_UPLOAD_BYTES
            return False
        headers = request.requestHeaders
        cookies, authorization = (headers.getRawHeaders(name, [""])[0] for name in ("cookie", "authorization"))
        self.transport.pauseProducing()
        asked = threads.deferToThread(self.sender_of, cookies, authorization)
        asked.addCallbacks(self._admit, lambda _failure: self._admit(None))
        return True

    def _admit(self, user: int | None) -> None:
        """Go on with a large body of `user`, or refuse it."""
        if self._is_refused or not self.transport.connected:
            return
        n_bytes = int(self.length or 0)
        status = 401 if user is None else self.slots.take(user, n_bytes)
        if status:
            self.transport.resumeProducing()
            self.refuse(status)
            return
        self._slot = (user, n_bytes)
        self.max_body_bytes = MOST_UPLOAD_BYTES
        if self._deadline is not None and self._deadline.active():
            self._deadline.reset(UPLOAD_SECONDS)
        self.transport.resumeProducing()

    def allContentReceived(self) -> None:  # noqa: N802 - Twisted's name
        """Hand the request on; from here on the answer's clock counts."""
        if self._is_refused:
            return
        self._stop_clock()
        super().allContentReceived()

    def requestDone(self, request: Any) -> None:  # noqa: N802 - Twisted's name
        """Free the slot of a body that was answered."""
        self._free_slot()
        super().requestDone(request)

    def refuse(self, status: int) -> None:
        """Answer with an error at once and end the connection."""
        self._is_refused = True
        self._stop_clock()
        self._free_slot()
        self.setTimeout(None)
        body = json.dumps({"error": _refusal(status, self.max_body_bytes), "fields": {}}).encode()
        retry = f"Retry-After: {RETRY_SECONDS}\r\n" if status == 429 else ""
        head = (
            f"HTTP/1.1 {status} {REFUSALS[status]}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n{retry}Connection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self._networkProducer.unregisterProducer()
        self.transport.loseWriteConnection()
        self._deadline = reactor.callLater(LINGER_SECONDS, self.transport.abortConnection)

    def connectionLost(self, reason: Any) -> None:  # noqa: N802 - Twisted's name
        """Forget the clock, and the slot of a body that will not come in any more."""
        self._stop_clock()
        self._free_slot()
        super().connectionLost(reason)

    def _free_slot(self) -> None:
        if self._slot is not None:
            self.slots.give_back(*self._slot)
            self._slot = None

    def _stop_clock(self) -> None:
        if self._deadline is not None and self._deadline.active():
            self._deadline.cancel()
        self._deadline = None


def _refusal(status: int, max_body_bytes: int) -> str:
    if status == 413:
        return f"The body is larger than {max_body_bytes:,} bytes."
    if status == 401:
        return "Log in, or send a bearer token."
    if status == 429:
        return f"{MOST_UPLOADS} of your uploads are in progress. Send this file when they have finished."
    if status == 507:
        return "The server's disk is nearly full."
    return f"The request took longer than {REQUEST_SECONDS:.0f} s to arrive."


@implementer(IPushProducer)
class _Flow:
    """Whether a connection's buffer has room, as Twisted tells it."""

    def __init__(self) -> None:
        self.has_room = asyncio.Event()
        self.has_room.set()

    def pauseProducing(self) -> None:  # noqa: N802 - Twisted's name
        self.has_room.clear()

    def resumeProducing(self) -> None:  # noqa: N802 - Twisted's name
        self.has_room.set()

    def stopProducing(self) -> None:  # noqa: N802 - Twisted's name
        self.has_room.set()

    async def wait(self) -> bool:
        """Wait until there is room to write; False when the reader has left the buffer full for too long."""
        if self.has_room.is_set():
            return True
        try:
            await asyncio.wait_for(self.has_room.wait(), SLOW_READER_SECONDS)
        except TimeoutError:
            return False
        return True


class LimitedRequest(http_protocol.WebRequest):
    """One request: bounds a body that does not say its length, and answers errors without a word about the server.

    An answer in parts (a file) may take as long as it flows. Where it stalls, the connection is cut: a file that ended
    as if it were whole would be taken for whole.
    """

    flow: _Flow | None = None
    _n_body_bytes = 0
    _told_at = 0.0

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Leave forms to Django: Twisted would read them too, and answer a malformed one without a body."""
        super().__init__(*args, **{**kwargs, "parsePOSTFormSubmission": False})

    def handleContentChunk(self, data: bytes) -> None:  # noqa: N802 - Twisted's name
        """Store a piece of the body, up to the limit."""
        self._n_body_bytes += len(data)
        if self._n_body_bytes > self.channel.max_body_bytes:
            self.channel.refuse(413)
        else:
            super().handleContentChunk(data)

    def handle_reply(self, message: Any) -> None:
        """Write a part of the answer; between the first and the last one the connection tells whether it has room."""
        self._told_at = time.monotonic()
        if message["type"] == "http.response.body":
            is_last = not message.get("more_body", False)
            if self.flow is None and not is_last and self.channel is not None:
                self.flow = _Flow()
                self.registerProducer(self.flow, True)
            elif self.flow is not None and is_last:
                self._stop_flow()
        super().handle_reply(message)

    def check_timeouts(self) -> None:
        """Refuse what Django does not answer in time, and cut an answer that does not go on."""
        if not self._response_started:
            super().check_timeouts()
        elif not self.finished and time.monotonic() - self._told_at > ANSWER_SECONDS:
            self.cut()

    def cut(self) -> None:
        """End the connection so that the reader sees that the answer is not whole."""
        self._stop_flow()
        if self.channel is not None:
            self.channel.transport.abortConnection()

    def connectionLost(self, reason: Any) -> None:  # noqa: N802 - Twisted's name
        """Let nobody wait for room on a connection that is gone."""
        self._stop_flow()
        super().connectionLost(reason)

    def _stop_flow(self) -> None:
        if self.flow is not None:
            self.flow.stopProducing()
            self.flow = None
            if self.producer is not None and self.channel is not None:
                self.unregisterProducer()

    def basic_error(self, status: int, status_text: bytes, body: str) -> None:  # noqa: ARG002 - Daphne's signature
        """Answer an error that Django never saw."""
        text = json.dumps({"error": body, "fields": {}}).encode()
        headers = [(b"Content-Type", b"application/json"), (b"Cache-Control", b"no-store")]
        self.handle_reply({"type": "http.response.start", "status": status, "headers": headers})
        self.handle_reply({"type": "http.response.body", "body": text})


class LimitedHTTPFactory(http_protocol.HTTPFactory):
    """Makes limited connections."""

    def __init__(self, server: "LimitedServer") -> None:
        super().__init__(server)
        self.timeOut = IDLE_SECONDS
        self._sender_of = server.sender_of

    def buildProtocol(self, addr: Any) -> LimitedChannel:  # noqa: ARG002, N802 - Twisted's signature
        """Return the protocol of a new connection. HTTP/1.1 only: HTTP/2 comes with TLS, which a proxy ends."""
        channel = LimitedChannel()
        channel.requestFactory = LimitedRequest
        channel.factory = self
        channel.callLater = self.reactor.callLater
        channel.timeOut = self.timeOut
        channel.sender_of = self._sender_of
        return channel


class LimitedWebSocket(ws_protocol.WebSocketProtocol):
    """One websocket: whoever sends to it waits while its reader does not read."""

    flow: _Flow | None = None

    def onOpen(self) -> None:  # noqa: N802 - autobahn's name
        """Take over from the HTTP connection that was upgraded; its flow control stops reading, not writing."""
        super().onOpen()
        self.flow = _Flow()
        self.transport.unregisterProducer()
        self.transport.registerProducer(self.flow, True)

    def sendMessage(self, payload: bytes, *arguments: Any, **options: Any) -> None:  # noqa: N802 - autobahn's name
        """Send a message of any size: autobahn knows one limit for both ways, and ours is for what comes in."""
        limit, self.maxMessagePayloadSize = self.maxMessagePayloadSize, 0
        try:
            super().sendMessage(payload, *arguments, **options)
        finally:
            self.maxMessagePayloadSize = limit

    def cut(self) -> None:
        """End the connection."""
        self.transport.abortConnection()


class LimitedServer(daphne.server.Server):
    """The web server of the product."""

    def __init__(self, *, sender_of: Callable[[str, str], int | None] | None = None, **options: Any) -> None:
        """Set every limit.

        Args:
            sender_of: told the Cookie and Authorization headers, the id of the user whose large body is taken; without
                it none is.
            options: the application and the endpoints.
        """
        self.sender_of = sender_of
        super().__init__(
            http_timeout=ANSWER_SECONDS,
            websocket_max_message_size=MAX_FRAME_BYTES,
            websocket_max_frame_size=MAX_FRAME_BYTES,
            server_name="",
            **options,
        )

    def run(self) -> None:
        """Serve until the reactor stops. Daphne names its protocols' classes in its modules: ours take their place."""
        daphne.server.HTTPFactory = LimitedHTTPFactory
        ws_protocol.WebSocketFactory.protocol = LimitedWebSocket
        super().run()

    async def handle_reply(self, protocol: Any, message: Any) -> None:
        """Hand an answer to its connection; who sends a file or to a websocket waits for room first."""
        flow = protocol.flow if message["type"] in ("websocket.send", "http.response.body") else None
        if flow is not None and not await flow.wait():
            protocol.cut()
            return
        await super().handle_reply(protocol, message)

    def kill_all_applications(self) -> Any:
        """End all requests at shutdown. Daphne's own fails on a connection whose request has not come in yet."""
        applications = [details.get("application_instance") for details in self.connections.values()]
        pending = [application for application in applications if application and not application.done()]
        for application in pending:
            application.cancel()
        ended = defer.Deferred.fromFuture(asyncio.gather(*pending, return_exceptions=True))
        ended.addErrback(lambda _failure: None)
        return ended
