"""A worker's conversation with its child: send a job, watch child and rows at once, end the child when they say so."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import structlog
from django.conf import settings
from django.db import DatabaseError, close_old_connections

from algotrade.child import Child, ChildEnded
from algotrade.ports import Json
from runs import shutdown
from runs.worker.children import Children

log = structlog.get_logger(__name__)

STOP_GRACE_SECONDS = 0.5
"""How long a child that was told to stop may take to reach the end of its stride."""
LAST_WORDS = frozenset(("done", "failed", "stopped"))


class Follower(Protocol):
    """Takes in what a child tells, keeps the rows true, and knows whether the claim still holds."""

    def take(self, message: Json) -> None:
        """Take in a message."""

    def seconds_to_beat(self) -> float:
        """Return how long to wait for the child before the next beat."""

    def beat_if_due(self) -> bool:
        """Write what is new, or ask whether the claim still holds; False when it does not."""


@dataclass(frozen=True)
class ChildReuse:
    """What becomes of a worker's children around one job.

    Attributes:
        children: of the worker.
        source_hash: of the sources that the job runs.
    """

    children: Children
    source_hash: str

    def heard(self) -> None:
        """The child is at work: now a spare may be started, whose imports would have slowed this one's down."""
        self.children.warm_up()

    def keep(self, child: Child) -> None:
        """Keep a child that ended its job well for the next job of the same sources."""
        self.children.give_back(child, self.source_hash)


def follow(child: Child, job: Json, follower: Follower, keeper: ChildReuse) -> Json:
    """Send the job and watch child and rows until the child's last word, or until the claim is lost.

    Args:
        child: who does the job.
        job: what to do.
        follower: is told every message, the last one too.
        keeper: hears of the child's first word, and gets it back when it ended its job well.

    Returns:
        The child's last message with what it printed as `log`: done, failed or stopped; or lost, stopping, stuck, or
        ended (with the reason).
    """
    try:
        child.send(job)
        heard, is_first = time.monotonic(), True
        while True:
            message = child.receive(follower.seconds_to_beat())
            if message is not None:
                if is_first:
                    keeper.heard()
                heard, is_first = time.monotonic(), False
                follower.take(message)
                if message.keys() & LAST_WORDS:
                    keeper.keep(child)
                    return {**message, "log": child.log}
            if not follower.beat_if_due():
                return _leave(child, {"lost": True}, follower)
            if shutdown.has_begun():
                return _leave(child, {"stopping": True}, follower)
            if time.monotonic() - heard > settings.STALL_SECONDS:
                child.close()
                return {"stuck": True, "log": child.log}
    except ChildEnded as error:
        child.close()
        return {"ended": error.signal_name, "log": error.log}


def _leave(child: Child, outcome: Json, follower: Follower) -> Json:
    """Tell the child to stop, and end it: at the end of its stride, or after a grace when that does not come.

    It is not kept for another run: threads and processes that the strategy started are to end with the run.
    """
    child.stop()
    deadline = time.monotonic() + STOP_GRACE_SECONDS
    while (left := deadline - time.monotonic()) > 0:
        message = child.receive(left)
        if message is None:
            continue
        follower.take(message)
        if message.keys() & LAST_WORDS:
            break
    child.close()
    return outcome


def write_surely(transition: Callable[..., Any], *args: Any, **kwargs: Any) -> bool:
    """Make a write that must not be lost because the database is away for a while.

    Raises:
        DatabaseError: it is away while the node is being stopped: the lease ends the claim.
    """
    pause = 0.1
    while True:
        try:
            return bool(transition(*args, **kwargs))
        except DatabaseError as error:
            log.warning("terminal write waits for the database", error=str(error), seconds=pause)
            if shutdown.has_begun() and pause > 2:
                raise
            time.sleep(pause)
            pause = min(pause * 2, 5.0)
            close_old_connections()
