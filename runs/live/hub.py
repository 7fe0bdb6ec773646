"""Live updates: one task per web process reads the rows that somebody watches and hands their states to the sockets.

The row is the truth and `rev` tells whether it has changed, so a round is one query for (number, rev), one more for the
rows that have, and one rendering of each, however many sockets watch it. Nothing here can lose an update for good: what
a round misses, the next one sees.

The list of runs is watched without trusting any clock: a round looks at all running runs, at the newest waiting ones
and at what is newer than the last; a run that has left these sets has ended, and is read once more. Who joins first
gets what may have changed since their page was made.
"""

import asyncio
import json
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

import structlog
from channels.layers import get_channel_layer
from django.conf import settings
from django.contrib.auth.models import User
from django.db import DatabaseError, connections
from django.utils import timezone
from redis.exceptions import RedisError

from runs import fragments
from runs.live.mailbox import Mailbox, State
from runs.models import ACTIVE, Run, RunState
from runs.notify import GROUP

log = structlog.get_logger(__name__)
Result = TypeVar("Result")

OVER = 4000
"""Close code: the run has ended, nothing more will come."""
NOT_LOGGED_IN = 4001
NOT_FOUND = 4004
"""Close code: there is no such run, or none that this user may see."""
TRY_AGAIN = 1013
"""Close code: come back; the page polls meanwhile."""

COALESCE_SECONDS = 0.05
"""Least time between two rounds, whoever calls for them."""
LEAST_SECONDS_BETWEEN_STATES = 0.2
"""A page is sent at most five states a second, however many workers commit trials."""
SAFETY_POLL_SECONDS = 2.0
"""Time between two rounds when a bell calls for them."""
REJOIN_SECONDS = 30.0
"""How often the bell's group is joined again: a Redis that was restarted has forgotten it."""
LONGEST_BACKOFF_SECONDS = 5.0
MAX_WAITING = 1_000
"""Waiting runs whose changes the list is told of: the newest. Later pages of a list hear of a run once it runs."""
SNAPSHOT_ROWS = 50
"""Rows that a list's first page shows, and so the most that who joins is told of."""
SNAPSHOT_AGE = timedelta(seconds=60)
"""How old a page may be when its socket opens; a page that was away for longer asks for its rows itself."""


@dataclass
class _Topic:
    """One run that is watched, and who watches it."""

    state: State | None = None
    read_at: float = float("-inf")
    mailboxes: set[Mailbox] = field(default_factory=set)


@dataclass
class _ListView:
    """What was last known of the list of runs: revisions of those that can still change, and the newest run."""

    revs: dict[int, int]
    newest: int


class Hub:
    """The live updates of one web process. Lives in one event loop; begins and ends with its watchers."""

    def __init__(self) -> None:
        self._topics: dict[int, _Topic] = {}
        self._readers: dict[Mailbox, int] = {}
        self._list: _ListView | None = None
        self._has_joined = False
        self._task: asyncio.Task[None] | None = None
        self._wake = asyncio.Event()
        self._is_rung = False
        self._has_held_back = False
        # A thread of its own, with its own connection: no request of a page can make live updates wait, nor they it.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="hub")

    def watch_run(self, number: int) -> Mailbox:
        """Return a mailbox that gets the run's state now and after each change; it is closed when the run has ended."""
        topic = self._topics.setdefault(number, _Topic())
        mailbox = Mailbox()
        topic.mailboxes.add(mailbox)
        if topic.state is not None:
            mailbox.offer(topic.state)
        self._start()
        return mailbox

    def watch_list(self, user_id: int) -> Mailbox:
        """Return a mailbox that gets the row of each run that changes, or has just changed, if the user may see it."""
        mailbox = Mailbox()
        self._readers[mailbox] = user_id
        self._has_joined = True
        self._start()
        return mailbox

    def forget(self, mailbox: Mailbox) -> None:
        """Stop filling a mailbox."""
        self._readers.pop(mailbox, None)
        if not self._readers:
            self._list = None  # who comes next starts from what its page shows
        for number, topic in list(self._topics.items()):
            topic.mailboxes.discard(mailbox)
            if not topic.mailboxes:
                del self._topics[number]

    def wake(self) -> None:
        """Call for a round now."""
        self._wake.set()

    @property
    def is_watched(self) -> bool:
        """Whether anybody watches anything."""
        return bool(self._topics or self._readers)

    def _start(self) -> None:
        self.wake()
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._run(), name="hub")

    async def _run(self) -> None:
        """Go round while anybody watches."""
        listener = asyncio.create_task(self._listen(), name="hub bell") if settings.REDIS_URL else None
        backoff = 0.0
        try:
            while self.is_watched:
                self._wake.clear()
                try:
                    await self._round()
                    backoff = 0.0
                except (DatabaseError, OSError) as error:
                    if not backoff:
                        log.warning("live updates wait for the database", error=str(error))
                    backoff = min(max(2 * backoff, settings.HUB_POLL_SECONDS), LONGEST_BACKOFF_SECONDS)
                    await self._in_thread(connections.close_all)
                await asyncio.sleep(max(COALESCE_SECONDS, backoff))
                await self._wait_for_call()
        finally:
            if listener is not None:
                listener.cancel()
            self._is_rung = False
            self._thread.submit(connections.close_all)

    async def _wait_for_call(self) -> None:
        """Wait until somebody calls for a round, or it is time."""
        seconds = SAFETY_POLL_SECONDS if self._is_rung else settings.HUB_POLL_SECONDS - COALESCE_SECONDS
        if self._has_held_back:
            seconds = min(seconds, LEAST_SECONDS_BETWEEN_STATES - COALESCE_SECONDS)
        try:
            await asyncio.wait_for(self._wake.wait(), max(seconds, 0.001))
        except TimeoutError:
            return

    async def _listen(self) -> None:
        """Let the bell call for rounds; while it is out of order the hub polls."""
        layer: Any = get_channel_layer()
        while True:
            try:
                channel = await layer.new_channel()
                await layer.group_add(GROUP, channel)
                self._is_rung = True
                self.wake()
                await self._hear(layer, channel)
            except (RedisError, OSError) as error:
                if self._is_rung:
                    log.warning("bell is out of order, polling", error=str(error))
                self._is_rung = False
                self.wake()
                await asyncio.sleep(1.0)

    async def _hear(self, layer: Any, channel: str) -> None:
        while True:
            try:
                await asyncio.wait_for(layer.receive(channel), REJOIN_SECONDS)
                self.wake()
            except TimeoutError:
                await layer.group_add(GROUP, channel)

    async def _round(self) -> None:
        """Look once at everything that is watched."""
        if self._topics:
            await self._round_of_topics()
        if self._readers:
            await self._round_of_list()

    async def _round_of_topics(self) -> None:
        known = {number: topic.state.rev if topic.state else -1 for number, topic in self._topics.items()}
        revs = await self._in_thread(_read_revs, list(known))
        changed = [number for number, rev in revs.items() if rev > known[number]]
        now = time.monotonic()
        due = [
            n for n in changed if n in self._topics and self._topics[n].read_at + LEAST_SECONDS_BETWEEN_STATES <= now
        ]
        self._has_held_back = len(due) < len(changed)
        # One after the other: a hundred reports to render must not hold back the first.
        for number in due:
            if topic := self._topics.get(number):
                topic.read_at = time.monotonic()
            state = await self._in_thread(_read_state, number)
            self._publish(number, state)
        for number in known.keys() - revs.keys():
            self._close(number, NOT_FOUND)

    def _publish(self, number: int, state: State | None) -> None:
        """Hand a state to everybody who watches the run by now; None says that it could not be rendered."""
        topic = self._topics.get(number)
        if topic is None:
            return
        if state is None:
            self._close(number, TRY_AGAIN)
            return
        topic.state = state
        for mailbox in topic.mailboxes:
            mailbox.offer(state)
        if state.is_final:
            self._close(number, OVER)

    def _close(self, number: int, code: int) -> None:
        topic = self._topics.pop(number, None)
        for mailbox in topic.mailboxes if topic else ():
            mailbox.close(code)

    async def _round_of_list(self) -> None:
        has_joined, self._has_joined = self._has_joined, False
        view, changed = await self._in_thread(_read_list, self._list)
        self._list = view
        if has_joined:
            changed = sorted({*changed, *await self._in_thread(_read_snapshot)})
        if not changed:
            return
        users = set(self._readers.values())
        states, visible = await self._in_thread(_read_rows, changed, users)
        for mailbox, user_id in list(self._readers.items()):
            for state in states:
                # A user who joined while the rows were read is not in `visible` yet: the next round is theirs.
                if state.number in visible.get(user_id, ()):
                    mailbox.offer(state)

    async def _in_thread(self, function: Callable[..., Result], *arguments: Any) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._thread, function, *arguments)


_hubs: WeakKeyDictionary[asyncio.AbstractEventLoop, Hub] = WeakKeyDictionary()


def hub() -> Hub:
    """Return the hub of the running event loop; a web server has one."""
    return _hubs.setdefault(asyncio.get_running_loop(), Hub())


def _read_revs(numbers: list[int]) -> dict[int, int]:
    """Return the revisions of these runs; what is missing is gone."""
    return dict(Run.objects.filter(pk__in=numbers).order_by().values_list("pk", "rev"))


def _read_state(number: int) -> State | None:
    """Return what a run's page is sent; None when it cannot be rendered, which is a defect and is logged as one."""
    run = Run.objects.filter(pk=number).first()
    if run is None:
        return None
    return _rendered(run, lambda: (fragments.render_live(run), json.dumps(fragments.live_json(run), allow_nan=False)))


def _read_list(view: _ListView | None) -> tuple[_ListView, list[int]]:
    """Return what can still change in the list, and which runs have changed since `view`."""
    rows = Run.objects.order_by("-number").values_list("pk", "rev")
    revs = dict(rows.filter(state=RunState.RUNNING)) | dict(rows.filter(state=RunState.PENDING)[:MAX_WAITING])
    if view is None:
        newest = rows.values_list("pk", flat=True).first() or 0
        return _ListView(revs, newest), []
    fresh = dict(rows.filter(pk__gt=view.newest)[:MAX_WAITING])
    changed = [number for number, rev in (fresh | revs).items() if rev != view.revs.get(number)]
    ended = [number for number in view.revs if number not in revs]
    return _ListView(revs, max([view.newest, *fresh])), sorted({*changed, *ended})


def _read_snapshot() -> list[int]:
    """Return the runs on the first page of the list that can change or changed a moment ago."""
    since = timezone.now() - SNAPSHOT_AGE
    rows = Run.objects.order_by("-number").values_list("pk", "state", "updated_at")[:SNAPSHOT_ROWS]
    return [number for number, state, updated_at in rows if state in ACTIVE or updated_at > since]


def _read_rows(numbers: Iterable[int], user_ids: Iterable[int]) -> tuple[list[State], dict[int, set[int]]]:
    """Return the rows of these runs, rendered, and which of them each of the users may see."""
    runs = list(Run.objects.for_rows().filter(pk__in=numbers))
    fragments.find_places(runs)
    states = [_rendered(run, partial(_row, run)) for run in runs]
    visible = {
        user.pk: set(Run.objects.visible_to(user).filter(pk__in=[run.pk for run in runs]).values_list("pk", flat=True))
        for user in User.objects.filter(pk__in=user_ids)
    }
    return [state for state in states if state is not None], visible


def _row(run: Run) -> tuple[str, ...]:
    return (fragments.render_row(run),)


def _rendered(run: Run, render: Callable[[], tuple[str, ...]]) -> State | None:
    began = time.monotonic()
    try:
        frames = render()
    except DatabaseError:
        raise
    except Exception:
        log.exception("live update cannot be rendered", run=str(run), run_id=str(run.id), rev=run.rev)
        return None
    seconds = time.monotonic() - began
    if seconds > 1.0:
        log.warning("live update was slow to render", run=str(run), seconds=round(seconds, 3))
    return State(run.pk, run.rev, frames, run.is_terminal)
