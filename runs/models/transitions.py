"""Every arrow between the states of a run, and the writes of its owner. See the package for the drawing."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, cast

from django.conf import settings
from django.db import models, transaction
from django.db.models import F
from django.db.models.functions import Greatest
from django.utils import timezone

from algotrade.ports import Json
from runs import notify, queue
from runs.models.kind import kind_of
from runs.models.states import ACTIVE, TRIALS_PHASE, RunState

if TYPE_CHECKING:
    from runs.models.optimization import Chunk
    from runs.models.run import Run

HEADLINE = {
    "total_return": "total_return",
    "sharpe_ratio": "sharpe_ratio",
    "max_drawdown": "max_drawdown",
    "n_trades": "trades",
}
"""The metrics that a completed run's row has columns for, which the list shows and sorts, by column."""


class Transitions(models.Model):
    """What may happen to a run, and who may do it."""

    class Meta:
        abstract = True

    @property
    def _run(self) -> "Run":
        return cast("Run", self)

    @classmethod
    def _rows(cls) -> "models.QuerySet[Run]":
        return cast("models.QuerySet[Run]", cls._default_manager.all())

    def announce(self) -> None:
        """Send a ticket to the workers and wake the pages, once what the caller wrote is committed.

        Losing either costs latency only: rows are the truth.
        """
        queue.enqueue_on_commit(self._run.id)
        transaction.on_commit(notify.ring, robust=True)

    def mark_cancelled(self) -> bool:
        """Pending or running -> cancelled. The worker is fenced at once: the owner goes with the state."""
        return self._move(ACTIVE, RunState.CANCELLED, owner_now="", finished_at=timezone.now())

    def mark_pending(self, owner: str, *, crashed: bool, notice: str) -> bool:
        """Running -> pending: its worker was lost (`crashed`: it counts), or its node shuts down (it does not)."""
        return self._move(
            (RunState.RUNNING,),
            RunState.PENDING,
            owner=owner,
            owner_now="",
            phase="queued",
            queued_at=timezone.now(),
            crashes=F("crashes") + int(crashed),
            notice=notice,
        )

    def mark_lost(self, owner: str, reason: str, printed: str = "") -> bool:
        """Running -> pending because its worker or child is gone; at the last attempt running -> failed.

        Args:
            owner: the token of the claim that was lost.
            reason: what ended it, a sentence ("The strategy's process was ended by SIGSEGV.").
            printed: what the child printed, shown with the error.
        """
        run = self._run
        if run.crashes + 1 < settings.MAX_ATTEMPTS:
            notice = (
                f"The worker stopped responding at {timezone.now():%H:%M:%S}. "
                f"Resuming on another worker (attempt {run.crashes + 2} of {settings.MAX_ATTEMPTS})."
            )
            return self.mark_pending(owner, crashed=True, notice=notice)
        return self.mark_failed(
            owner,
            {
                "type": "WorkerLost",
                "message": f"The worker stopped responding {settings.MAX_ATTEMPTS} times. {reason}",
                "trace": printed.strip() or reason,
                "detail": {"parameters": run.spec.get("parameters", {}), "log": printed},
                "crashed": True,
            },
        )

    def mark_start_lost(self, chunk: "Chunk", reason: str, printed: str = "") -> bool:
        """Count a loss before any trial began; running -> failed when it is the last that is allowed in a row.

        In a row means one after the other: a loss counts if neither another one was counted nor a trial stored since
        the chunk was taken. So workers that go down together are one loss, and kills while others proceed are none.
        While another worker is at a trial, the run goes on.

        Args:
            chunk: what the worker had taken.
            reason: what ended the worker or its child, a sentence.
            printed: what the child printed, shown with the error.

        Returns:
            Whether the run failed.
        """
        run = self._run
        seen = {"processed": chunk.processed_before, "crashes": chunk.crashes_before}
        trying = self._rows().filter(pk=self.pk, state=RunState.RUNNING, phase=TRIALS_PHASE, owner="")
        with transaction.atomic():
            if not trying.filter(**seen).update(crashes=F("crashes") + 1):
                return False
            run.refresh_from_db()
            is_hopeful = run.chunks.filter(is_begun=True).exclude(owner="").exists()
            if is_hopeful or run.crashes < settings.MAX_ATTEMPTS:
                return False
            message = (
                f"{reason} No trial had begun by then, {run.crashes} times in a row. "
                "Finished trials are kept; Resume runs the others."
            )
            detail = {"log": printed}
            trace = printed.strip() or reason
            return self.mark_failed("", {"type": "WorkerLost", "message": message, "trace": trace, "detail": detail})

    def mark_completed(
        self,
        owner: str,
        result: Json,
        *,
        headline: Mapping[str, Any] | None = None,
        publish: Callable[[], object] | None = None,
        **columns: Any,
    ) -> bool:
        """Running -> completed.

        Args:
            owner: the token of the claim.
            result: what came of the run, as the package of its kind reads it.
            headline: metrics by name, of which the list shows and sorts the first few.
            publish: makes what the run produced visible, at once or not at all, while the row is held: a cancel that
                comes first finds nothing new, and one that comes later finds the run completed.
            columns: of the row, that change with its state.

        Raises:
            Exception: whatever `publish` raises; the run is still running then.
        """
        with transaction.atomic():
            moved = self._move(
                (RunState.RUNNING,),
                RunState.COMPLETED,
                owner=owner,
                owner_now="",
                finished_at=timezone.now(),
                result=result,
                **{column: (headline or {}).get(name) for column, name in HEADLINE.items()},
                **columns,
            )
            if moved and publish:
                publish()
        return moved

    def mark_failed(self, owner: str, error: Json) -> bool:
        """Running -> failed. `error` has type, message, trace, and detail (a JSON object)."""
        return self._move(
            (RunState.RUNNING,),
            RunState.FAILED,
            owner=owner,
            owner_now="",
            finished_at=timezone.now(),
            crashes=F("crashes") + int(error.get("crashed", False)),
            error_type=error["type"][:200],  # a class may have any name; PostgreSQL refuses a longer one
            error_message=error["message"],
            error_stack_trace=error["trace"],
            error_detail=error["detail"],
        )

    def mark_prepared(self, owner: str) -> bool:
        """Give the trials of a claimed optimization free: from here on its chunks have owners, the run has none."""
        run = self._run
        began = {"began": timezone.now().timestamp(), "processed_before": run.processed}
        return self._step(owner, owner_now="", phase=TRIALS_PHASE, live=began)

    def mark_reporting(self, owner: str) -> bool:
        """Take an optimization whose trials are all done, to write its report; False when another worker did.

        Chunks are handed out under a lock of the run's row, so none can be claimed between the look and the write.
        """
        rows = self._rows().filter(pk=self.pk, state=RunState.RUNNING, phase=TRIALS_PHASE, owner="")
        with transaction.atomic():
            taken = rows.update(owner=owner, phase="ranking", rev=F("rev") + 1, beat=F("beat") + 1)
            if not taken:
                return False
            self._run.refresh_from_db()
            if self._run.has_work_left():
                transaction.set_rollback(True)
                return False
            transaction.on_commit(notify.ring, robust=True)
        return True

    def mark_resumed(self) -> bool:
        """Cancelled or failed -> pending, for an optimization or a download; what was done stays as it is.

        Raises:
            IntegrityError: a run of the same key is active.
        """
        with transaction.atomic():
            notice = kind_of(self._run).resume_note
            moved = self._again((RunState.CANCELLED, RunState.FAILED), notice=notice)
            if moved:
                self._run.chunks.update(owner="", crashes=0)
        return moved

    def mark_retrying(self, *, inputs: Json, run_key: str, sources: list[str], notice: str) -> bool:
        """Completed or failed -> pending, for an optimization: its failed trials are forgotten and run again.

        Args:
            inputs: what the spec's names stand for now, with the strategy as it is now.
            run_key: of spec and inputs.
            sources: the run's sources; the last one is the strategy as it is now.
            notice: what people are told.

        Raises:
            IntegrityError: a run of the same key is active.
        """
        with transaction.atomic():
            n_failed = self._run.failed
            moved = self._again(
                (RunState.COMPLETED, RunState.FAILED),
                notice=notice,
                inputs=inputs,
                run_key=run_key,
                sources=sources,
                failed=0,
                processed=F("processed") - n_failed,
            )
            if moved:
                self._run.forget_failed_trials()
        return moved

    def _again(self, from_states: tuple[RunState, ...], **changes: Any) -> bool:
        """Begin a run that had ended once more."""
        return self._move(
            from_states,
            RunState.PENDING,
            owner_now="",
            phase="queued",
            queued_at=timezone.now(),
            finished_at=None,
            finish_requested=False,
            crashes=0,
            result=None,
            error_type="",
            error_message=None,
            error_stack_trace=None,
            error_detail=None,
            **changes,
        )

    def request_finish(self) -> bool:
        """Ask a running optimization to begin no further trial and to report; False when it does not run."""
        asked = self._rows().filter(pk=self.pk, state=RunState.RUNNING, phase=TRIALS_PHASE)
        changed = asked.update(finish_requested=True, rev=F("rev") + 1, updated_at=timezone.now())
        if changed:
            self._run.refresh_from_db()
            self.announce()
        return bool(changed)

    def write_phase(self, owner: str, phase: str) -> bool:
        """Tell what the owner does now; False when `owner` has lost the run."""
        return self._step(owner, owner_now=owner, phase=phase)

    def write_notice(self, notice: str) -> None:
        """Tell people something about a running run."""
        running = self._rows().filter(pk=self.pk, state=RunState.RUNNING)
        if running.update(notice=notice, rev=F("rev") + 1, updated_at=timezone.now()):
            notify.ring()

    def write_progress(self, owner: str, *, processed: int, phase: str, live: Json, total: int | None = None) -> bool:
        """Store how far the run is; False when `owner` has lost it, and then nothing was written.

        A count never goes backwards within an attempt, whatever order writes arrive in, and never beyond a new total.
        """
        count = Greatest(F("processed"), processed)
        changed = (
            self._rows()
            .filter(pk=self.pk, state=RunState.RUNNING, owner=owner)
            .update(
                processed=count,
                phase=phase,
                live=live,
                beat=F("beat") + 1,
                rev=F("rev") + 1,
                updated_at=timezone.now(),
                **({} if total is None else {"total": Greatest(count, total)}),
            )
        )
        if changed:
            notify.ring()
        return bool(changed)

    def write_beat(self, owner: str) -> bool:
        """Tell that the owner lives, without a visible change; False when `owner` has lost the run."""
        return bool(self._rows().filter(pk=self.pk, state=RunState.RUNNING, owner=owner).update(beat=F("beat") + 1))

    def is_owned_by(self, owner: str) -> bool:
        """Ask the database whether `owner` still holds the run."""
        return self._rows().filter(pk=self.pk, state=RunState.RUNNING, owner=owner).exists()

    def _step(self, owner: str, *, owner_now: str, **changes: Any) -> bool:
        """Write a visible change within the state running; False when `owner` has lost the run."""
        rows = self._rows().filter(pk=self.pk, state=RunState.RUNNING, owner=owner)
        changed = rows.update(
            owner=owner_now, rev=F("rev") + 1, beat=F("beat") + 1, updated_at=timezone.now(), **changes
        )
        if changed:
            self._run.refresh_from_db()
            notify.ring()
        return bool(changed)

    def _move(
        self,
        from_states: tuple[RunState, ...],
        to: RunState,
        *,
        owner: str | None = None,
        owner_now: str,
        **changes: Any,
    ) -> bool:
        """Make one guarded UPDATE; on success this object is read again and the bell rings after the commit."""
        rows = self._rows().filter(pk=self.pk, state__in=from_states)
        if owner is not None:
            rows = rows.filter(owner=owner)
        with transaction.atomic():
            moved = rows.update(state=to, owner=owner_now, rev=F("rev") + 1, updated_at=timezone.now(), **changes)
            if moved and to == RunState.PENDING:
                self.announce()
            elif moved:
                transaction.on_commit(notify.ring, robust=True)
        if moved:
            self._run.refresh_from_db()
        return bool(moved)
