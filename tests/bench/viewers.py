"""A thousand pages that watch: their websockets, and when each state reached them."""

import asyncio
import re
import time
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import structlog

from tests.bench.page import upgrade_request
from tests.bench.product import Browser

REVISION = re.compile(rb'data-rev="(\d+)"')
log = structlog.get_logger(__name__)

OPEN_SECONDS = 60.0
OPENING_AT_ONCE = 50
TEXT = 0x81


@dataclass
class Viewers:
    """The sockets of many pages.

    Attributes:
        base_url: of the product.
        browser: somebody who is logged in.
        arrivals: run id, revision and time (as time.time) of each state that came.
        n_open: sockets whose first state has come.
        n_lost: sockets that ended before they were closed.
    """

    base_url: str
    browser: Browser
    arrivals: list[tuple[str, int, float]] = field(default_factory=list)
    n_open: int = 0
    n_lost: int = 0
    _tasks: list["asyncio.Task[None]"] = field(default_factory=list)

    async def open(self, run_ids: list[str], n_sockets: int) -> None:
        """Open sockets, in turn for each run, and wait until each has its first state.

        Raises:
            TimeoutError: not all of them had it within a minute.
        """
        gate = asyncio.Semaphore(OPENING_AT_ONCE)
        self._tasks = [
            asyncio.create_task(self._watch(run_ids[number % len(run_ids)], gate)) for number in range(n_sockets)
        ]
        deadline = time.monotonic() + OPEN_SECONDS
        while self.n_open < n_sockets:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self.n_open:,} of {n_sockets:,} sockets had their first state in time.")
            await asyncio.sleep(0.1)
        self.arrivals.clear()

    async def close(self) -> None:
        """Close all sockets."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _watch(self, run_id: str, gate: asyncio.Semaphore) -> None:
        where = urlsplit(self.base_url)
        async with gate:
            reader, writer = await asyncio.open_connection(where.hostname, where.port)
            writer.write(upgrade_request(self.base_url, self.browser, f"/ws/backtests/{run_id}"))
            await reader.readuntil(b"\r\n\r\n")
            await self._state(reader)
        self.n_open += 1
        try:
            while (rev := await self._state(reader)) is not None:
                self.arrivals.append((run_id, rev, time.time()))
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            log.warning("a page was cut off", error=repr(error))
        finally:
            writer.close()
        self.n_lost += 1

    async def _state(self, reader: asyncio.StreamReader) -> int | None:
        """Return the revision that the next frame with one tells; None when the socket is closed."""
        while True:
            head = await reader.readexactly(2)
            length = head[1] & 0x7F
            if length > 125:
                length = int.from_bytes(await reader.readexactly(2 if length == 126 else 8))
            body = await reader.readexactly(length)
            if head[0] != TEXT:
                return None
            if found := REVISION.search(body):
                return int(found[1])
