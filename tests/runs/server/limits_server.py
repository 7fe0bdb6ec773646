"""The web server with small limits before a tiny application, as a process of its own (one reactor a process)."""

import asyncio
import json
import sys
from types import SimpleNamespace

from django.conf import settings

LIMITS = {
    "REQUEST_SECONDS": 0.6,
    "UPLOAD_SECONDS": 5.0,
    "LINGER_SECONDS": 0.3,
    "SLOW_READER_SECONDS": 1.0,
    "ANSWER_SECONDS": 1,
    "MAX_FRAME_BYTES": 2_000,
}
MAX_BODY_BYTES = 200_000
MAX_UPLOAD_BYTES = 1_000_000
FRAME = "x" * 50_000
N_FRAMES = 400
N_SLOW_PARTS = 12
n_sent = 0
n_parts = 0


async def application(scope, receive, send):
    """Answer with the length of the body; on a websocket send 20 MB as fast as the server takes it."""
    if scope["type"] == "websocket":
        await flood(scope, receive, send)
        return
    length, more = 0, True
    while more:
        message = await receive()
        length += len(message["body"])
        more = message["more_body"]
    if scope["path"] in FILES:
        await FILES[scope["path"]](send)
        return
    body = json.dumps({"length": length, "sent": n_sent, "parts": n_parts}).encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"Content-Length", b"%d" % len(body))]})
    await send({"type": "http.response.body", "body": body})


async def slowly(send):
    """Send a file whose every part comes in time, and whose whole takes longer than an answer may take to begin."""
    await start(send)
    for _ in range(N_SLOW_PARTS):
        await part(send, b"part")
        await asyncio.sleep(0.3)
    await send({"type": "http.response.body", "body": b""})


async def stall(send):
    """Begin a file and never go on with it."""
    await start(send)
    await part(send, b"part")
    await asyncio.sleep(60)


async def pour(send):
    """Send 20 MB as fast as the server takes them."""
    global n_parts
    await start(send)
    for _ in range(N_FRAMES):
        await part(send, FRAME.encode())
        n_parts += 1
    await send({"type": "http.response.body", "body": b""})


async def start(send):
    await send({"type": "http.response.start", "status": 200, "headers": []})


async def part(send, data):
    await send({"type": "http.response.body", "body": data, "more_body": True})


FILES = {"/slow": slowly, "/stall": stall, "/pour": pour}


async def flood(scope, receive, send):
    """Accept, then send: everything at /flood, one frame at /large; then listen."""
    global n_sent
    await receive()
    await send({"type": "websocket.accept"})
    for _ in range({"/flood": N_FRAMES, "/large": 1}.get(scope["path"], 0)):
        await send({"type": "websocket.send", "text": FRAME})
        n_sent += scope["path"] == "/flood"
    while (await receive())["type"] != "websocket.disconnect":
        pass


def sender_of(cookies, authorization):
    """Know one user by a cookie and a token, and another one by a cookie."""
    return {"who=known": 1, "who=other": 2}.get(cookies, 1 if authorization == "Bearer known" else None)


def disk_usage(_folder):
    """Have room for three bodies."""
    return SimpleNamespace(free=limits.ROOM_LEFT_BYTES + 3 * MAX_UPLOAD_BYTES)


if __name__ == "__main__":
    settings.configure(MAX_BODY_BYTES=MAX_BODY_BYTES, MAX_UPLOAD_BYTES=MAX_UPLOAD_BYTES, UPLOAD_PATHS=("/data/import",))
    from runs.server import limits

    limits.shutil.disk_usage = disk_usage
    for name, value in LIMITS.items():
        setattr(limits, name, value)
    limits.LimitedServer(
        sender_of=sender_of,
        application=application,
        endpoints=[f"tcp:port={sys.argv[1]}:interface=127.0.0.1"],
        ready_callable=lambda: sys.stdout.write("ready\n") and sys.stdout.flush(),
    ).run()
