"""The bell that wakes the hubs of all web processes after a row has changed.

On one machine there is nothing to ring: the hub polls its rows every 150 ms. With Redis one message goes to one group.
A lost message costs at most the hub's safety poll, so ringing never waits and never fails: the caller sets a flag, and
a thread of its own sends. Rings that come while one is on its way are one ring.
"""

import asyncio
import os
import threading
import time

import structlog
from django.conf import settings
from redis.exceptions import RedisError

log = structlog.get_logger(__name__)

GROUP = "runs"
MESSAGE_TYPE = "runs.changed"
SEND_SECONDS = 2.0
"""How long one message may take before it is given up."""
PAUSE_SECONDS = 0.02
"""Rings within this time are one message."""
SECONDS_BETWEEN_COMPLAINTS = 60.0


def ring() -> None:
    """Tell all hubs that rows have changed, soon. Returns at once and raises nothing."""
    if settings.REDIS_URL:
        _bell.ring()


class _Bell:
    """The sending thread of this process, started by the first ring."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._flag = threading.Event()
        self._thread: threading.Thread | None = None

    def ring(self) -> None:
        self._flag.set()
        if self._thread is None:
            with self._lock:
                if self._thread is None:
                    self._thread = threading.Thread(target=self._send_forever, name="bell", daemon=True)
                    self._thread.start()

    def _send_forever(self) -> None:
        last_complaint = -SECONDS_BETWEEN_COMPLAINTS
        # One loop for the thread's whole life: the layer keeps one connection per loop.
        with asyncio.Runner() as runner:
            while True:
                self._flag.wait()
                self._flag.clear()
                try:
                    runner.run(_send())
                except (RedisError, OSError, TimeoutError) as error:
                    if time.monotonic() - last_complaint >= SECONDS_BETWEEN_COMPLAINTS:
                        last_complaint = time.monotonic()
                        log.warning("bell does not ring, hubs poll meanwhile", error=str(error) or repr(error))
                time.sleep(PAUSE_SECONDS)


async def _send() -> None:
    from channels.layers import get_channel_layer  # not on one machine, where nothing is sent

    layer = get_channel_layer()
    if layer is not None:
        await asyncio.wait_for(layer.group_send(GROUP, {"type": MESSAGE_TYPE}), SEND_SECONDS)


_bell = _Bell()


def _forget_after_fork() -> None:
    """Threads do not survive a fork, and a lock may be copied while it is held: a child has its own bell."""
    global _bell
    _bell = _Bell()


os.register_at_fork(after_in_child=_forget_after_fork)
