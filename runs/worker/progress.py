"""The throttled row update: a child may tell its progress a hundred times a second, the row hears four times."""

import time
from abc import ABC, abstractmethod

import structlog
from django.conf import settings
from django.db import DatabaseError

from algotrade.ports import Json
from runs.models import Run

log = structlog.get_logger(__name__)

SECONDS_BETWEEN_SILENT_BEATS = 2.0
"""How often the row hears from an owner that has nothing new to tell."""


class ThrottledUpdates(ABC):
    """The pulse of a claim: how often the rows hear of it, and whether it still holds."""

    def __init__(self) -> None:
        now = time.monotonic()
        self._next_beat, self._next_silent = now, now + SECONDS_BETWEEN_SILENT_BEATS

    def seconds_to_beat(self) -> float:
        """Return how long to wait for the child before the next beat."""
        return min(settings.BEAT_SECONDS, max(0.0, self._next_beat - time.monotonic()) or settings.BEAT_SECONDS)

    def beat_if_due(self) -> bool:
        """Write what is new, or ask whether the run is still ours; False when it is not.

        A database that does not answer is no loss of the claim: the next beat asks again.
        """
        now = time.monotonic()
        if now < self._next_beat:
            return True
        self._next_beat = now + settings.BEAT_SECONDS
        try:
            return self._beat(now)
        except DatabaseError as error:
            log.warning("beat failed", error=str(error))
            return True

    def flush(self) -> None:
        """Write what is new without waiting for the beat: the run is about to end, and this is how far it came."""
        self._next_beat = 0.0
        self.beat_if_due()

    def _beat(self, now: float) -> bool:
        """Write news, a sign of life when there was none for long, or ask; False when the claim is lost."""
        if self._has_news(now):
            self._next_silent = now + SECONDS_BETWEEN_SILENT_BEATS
            return self._write_news()
        if now >= self._next_silent:
            self._next_silent = now + SECONDS_BETWEEN_SILENT_BEATS
            return self._write_life()
        return self._holds()

    @abstractmethod
    def _has_news(self, now: float) -> bool:
        """Whether there is something to write at `now`, seconds of the monotonic clock."""

    @abstractmethod
    def _write_news(self) -> bool:
        """Write it; False when the claim is lost."""

    @abstractmethod
    def _write_life(self) -> bool:
        """Tell that the owner lives; False when the claim is lost."""

    @abstractmethod
    def _holds(self) -> bool:
        """Whether the claim still holds."""


class Progress(ThrottledUpdates):
    """What is known of a run's progress, and when its row is told."""

    def __init__(self, run: Run, owner: str) -> None:
        super().__init__()
        self._run, self._owner = run, owner
        self._processed, self._phase, self._live = 0, run.phase, dict(run.live)
        self._is_changed = False

    @property
    def live(self) -> Json:
        """What the child told last for the live page; the row may not have heard of it yet."""
        return self._live

    def take(self, message: Json) -> None:
        """Take in a child's message: a phase, or how far it is."""
        self._phase = message.get("phase", self._phase)
        self._processed = message.get("processed", self._processed)
        self._live = message.get("live", self._live)
        self._is_changed = True

    def _has_news(self, now: float) -> bool:  # noqa: ARG002 - what is new is written at each beat
        return self._is_changed

    def _write_news(self) -> bool:
        self._is_changed = False
        return self._run.write_progress(self._owner, processed=self._processed, phase=self._phase, live=self._live)

    def _write_life(self) -> bool:
        return self._run.write_beat(self._owner)

    def _holds(self) -> bool:
        return self._run.is_owned_by(self._owner)
