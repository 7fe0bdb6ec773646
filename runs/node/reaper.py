"""The rescuer: gives runs of dead workers back, rings again for runs that wait too long, clears away what was left.

A claim is lost when its process is seen to be dead, or when its count of beats has not moved for a lease **by the
reaper's own monotonic clock**. No clock of another host, and no jump of this one's, can make a healthy run look lost.
Safe to run many at
once: every rescue is a guarded transition.
"""

import time
from collections.abc import Callable
from datetime import timedelta

import structlog
from django.conf import settings
from django.utils import timezone

from runs import artifacts, queue
from runs.datasets import files
from runs.models import Chunk, Run, RunState, Worker, all_kinds
from runs.owners import is_known_dead

log = structlog.get_logger(__name__)

TICKET_SECONDS = 5.0
"""How long a run waits without any ticket in the queue before the bell rings for it again."""
MAX_TICKETS = 50
SECONDS_BETWEEN_CLEANINGS = 600.0
LEFT_OVER_SECONDS = 3_600.0


class Reaper:
    """Watches rows from one round to the next; `tick` about once a second."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        """TrialScorer time by `now`, seconds of a clock that never jumps."""
        self._now = now
        self._beats: dict[tuple[type, int, str], tuple[int, float]] = {}
        self._waiting: dict[int, float] = {}
        self._next_cleaning = 0.0

    def tick(self) -> None:
        self._rescue()
        files.rescue()
        self._ring_again()
        self._call_idle_workers()
        if self._now() >= self._next_cleaning:
            self._next_cleaning = self._now() + SECONDS_BETWEEN_CLEANINGS
            self._clean()

    def look_around(self) -> None:
        """Do for a worker that has just started what it need not wait for: the one before it may have been killed."""
        self._rescue()
        waiting = Run.objects.filter(state=RunState.PENDING).order_by("queued_at", "number").first()
        work = waiting or Run.objects.with_trials_to_do().first()
        if work is not None and queue.is_empty():
            queue.enqueue(work.id)

    def _rescue(self) -> None:
        """Take runs and chunks from owners that are gone."""
        seen: dict[tuple[type, int, str], tuple[int, float]] = {}
        running = Run.objects.filter(state=RunState.RUNNING)
        for claimed in (*running.exclude(owner=""), *Chunk.objects.filter(run__in=running).exclude(owner="")):
            reason = self._reason_to_rescue(claimed, seen)
            if not reason:
                continue
            if isinstance(claimed, Chunk):
                self._free(claimed, reason)
            else:
                self._lose(claimed, reason)
        self._beats = seen

    def _reason_to_rescue(self, claimed: Run | Chunk, seen: dict[tuple[type, int, str], tuple[int, float]]) -> str:
        """Return why a claim is lost; empty while it holds, and then how it was seen is noted in `seen`."""
        now = self._now()
        key = (type(claimed), claimed.pk, claimed.owner)
        beat, since = self._beats.get(key, (claimed.beat, now))
        if beat != claimed.beat:
            beat, since = claimed.beat, now
        if is_known_dead(claimed.owner):
            return "Its process is gone."
        if now - since > settings.ALGOTRADE_LEASE_SECONDS:
            return f"It did not respond for {settings.ALGOTRADE_LEASE_SECONDS} s."
        seen[key] = (beat, since)
        return ""

    def _lose(self, run: Run, reason: str) -> None:
        if run.mark_lost(run.owner, reason):
            log.warning(
                "worker lost", run=str(run), run_id=str(run.id), reason=reason, crashes=run.crashes, state=run.state
            )

    def _free(self, chunk: Chunk, reason: str) -> None:
        run, words = chunk.run, f"Its worker was lost. {reason}"
        if not chunk.release(chunk.owner, words):
            return
        run.write_notice(
            f"A worker stopped responding at {timezone.now():%H:%M:%S}. Its trials run again on another one."
        )
        log.warning("worker lost", run=str(run), run_id=str(run.id), reason=reason, first_trial=chunk.first + 1)
        if chunk.has_surely_not_begun and run.mark_start_lost(chunk, words):
            log.error("run failed", run=str(run), run_id=str(run.id), error_message=run.error_message)

    def _ring_again(self) -> None:
        """Send tickets for runs that wait although the queue is empty: their tickets went down with a process."""
        now = self._now()
        pending = Run.objects.filter(state=RunState.PENDING).order_by("queued_at", "number")
        waiting = {run.pk: self._waiting.get(run.pk, now) for run in pending.only("pk")[:MAX_TICKETS]}
        overdue = [pk for pk, since in waiting.items() if now - since > TICKET_SECONDS]
        if overdue and queue.is_empty():
            for run in Run.objects.filter(pk__in=overdue, state=RunState.PENDING).only("id").order_by("queued_at"):
                queue.enqueue(run.id)
            waiting.update(dict.fromkeys(overdue, now))
        self._waiting = waiting

    def _call_idle_workers(self) -> None:
        """Send tickets for optimizations that idle workers could help with: they joined late, or tickets were lost."""
        optimization = Run.objects.with_trials_to_do().first()
        if optimization is None or not queue.is_empty():
            return
        since = timezone.now() - timedelta(seconds=settings.ALGOTRADE_LEASE_SECONDS)
        n_idle = Worker.objects.filter(seen_at__gt=since, run=None).count()
        for _ in range(min(n_idle, optimization.total - optimization.processed) or int(not optimization.busy_workers)):
            queue.enqueue(optimization.id)

    def _clean(self) -> None:
        """Remove rows of workers that are long gone, what killed processes left aside, and files nobody imported."""
        files.tidy()
        artifacts.candle_store().clear(LEFT_OVER_SECONDS)
        Worker.objects.filter(seen_at__lt=timezone.now() - timedelta(days=1)).delete()
        folder = artifacts.artifacts_folder()
        for path in folder.glob(".new-*") if folder.is_dir() else ():
            artifacts.discard_if_old(path, LEFT_OVER_SECONDS)
        for kind in all_kinds():
            kind.clear_leftovers(LEFT_OVER_SECONDS)
