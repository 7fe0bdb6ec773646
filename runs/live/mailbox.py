"""Mailbox of one socket: the latest state of each run that is still to be sent, never a queue of old ones.

A reader that is slower than its runs simply sees fewer states. So neither its memory nor its pace concerns others.
"""

import asyncio
from dataclasses import dataclass

MAX_STATES = 500
"""Runs whose states may wait for one socket. Beyond that the oldest is dropped; its next change brings it back."""


@dataclass(frozen=True, slots=True)
class State:
    """How a run looks at one revision, ready to send.

    Attributes:
        number: the run's primary key.
        rev: the row's revision.
        frames: text frames, sent in this order.
        is_final: whether nothing can come after it.
    """

    number: int
    rev: int
    frames: tuple[str, ...]
    is_final: bool


class Mailbox:
    """The states that wait for one socket. Used by one event loop only."""

    def __init__(self) -> None:
        self._states: dict[int, State] = {}
        self._sent: dict[int, int] = {}
        self._close_code: int | None = None
        self._has_news = asyncio.Event()

    def offer(self, state: State) -> None:
        """Leave a state, in place of an older one of the same run; one that is not newer than the last is dropped."""
        if self._close_code is not None or state.rev <= self._newest(state.number):
            return
        self._states.pop(state.number, None)  # the order is that of the changes
        self._states[state.number] = state
        if len(self._states) > MAX_STATES:
            self._states.pop(next(iter(self._states)))
        self._has_news.set()

    def close(self, code: int) -> None:
        """Say that nothing more will come; what waits is sent before the socket closes with `code`."""
        if self._close_code is None:
            self._close_code = code
            self._has_news.set()

    async def take(self) -> tuple[list[str], int | None]:
        """Wait for news; return the frames to send, and the code to close with afterwards, or None to go on."""
        await self._has_news.wait()
        self._has_news.clear()
        states, self._states = self._states, {}
        for state in states.values():
            self._sent[state.number] = state.rev
        return [frame for state in states.values() for frame in state.frames], self._close_code

    def _newest(self, number: int) -> int:
        waiting = self._states.get(number)
        return waiting.rev if waiting else self._sent.get(number, -1)
