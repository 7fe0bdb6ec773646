"""What a worker does with a ticket: claim the run, have a child execute it, keep the row true, end it exactly once.

The worker itself never runs a strategy. It watches the child and the row at once: every beat it writes progress and
learns whether the run is still its own. A worker that lost its run (cancelled, or taken over) ends the child and writes
nothing.
"""

import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog
from django.conf import settings
from django.db import DatabaseError, close_old_connections

from algotrade.child import Child, ChildEnded
from algotrade.errors import AlgotradeError
from algotrade.ports import Json
from runs import artifacts, draining, heartbeat
from runs.children import children
from runs.models import Run, RunState
from runs.owners import new_owner
from runs.progress import Progress

log = structlog.get_logger(__name__)

STOP_GRACE_SECONDS = 0.5
"""How long a child that was told to stop may take to reach the end of its stride."""


def execute(run_id: str) -> None:
    """Carry out the run, if it still waits for somebody. The entrance that tickets name."""
    if draining.is_draining():
        return  # the run stays pending; another node, or the next start, takes it
    owner = new_owner()
    run = Run.objects.claim(uuid.UUID(run_id), owner)
    if run is None:
        return
    with (
        heartbeat.working_on(run),
        structlog.contextvars.bound_contextvars(run=str(run), run_id=str(run.id), attempt=run.attempt),
    ):
        _Execution(run, owner).carry_out()


@dataclass
class _Execution:
    """One claim of one backtest, from the claim to its end."""

    run: Run
    owner: str

    def carry_out(self) -> None:
        began = time.monotonic()
        log.info("run started", strategy=self.run.strategy_name, asset=self.run.asset, total=self.run.total)
        outcome = self._outcome()
        log.info("run ended", outcome=outcome, seconds=round(time.monotonic() - began, 3))

    def _outcome(self) -> str:
        """Execute, and write the one terminal transition; return what became of the run, for the log."""
        aside = artifacts.new_folder(self.run)
        try:
            try:
                source = artifacts.catalog().snapshot(self.run.inputs["source_hash"])
                child = children.take(self.run.inputs["source_hash"])
            except (AlgotradeError, OSError) as error:
                return self._fail(_error(error))
            answer = self._follow(child, self._job(source, aside))
            return self._conclude(answer, aside)
        finally:
            artifacts.discard(aside)

    def _job(self, source: Path, aside: Path) -> Json:
        return {
            "job": "backtest",
            "source": str(source),
            "module": self.run.strategy_name,
            "spec": self.run.spec,
            "inputs": self.run.inputs,
            "store": str(artifacts.candles_folder()),
            "kernels": str(artifacts.kernels_folder()),
            "out": str(aside),
        }

    def _follow(self, child: Child, job: Json) -> Json:
        """Send the job and watch child and row until the child's last word, or until the run is no longer ours.

        Returns:
            The child's last message: done, failed or stopped; or lost, draining, stuck, or ended (with the reason).
        """
        progress = Progress(self.run, self.owner)
        try:
            child.send(job)
            heard = time.monotonic()
            while True:
                message = child.receive(progress.seconds_to_beat())
                if message is not None:
                    heard = time.monotonic()
                    if message.keys() & {"done", "failed", "stopped"}:
                        children.give_back(child, self.run.inputs["source_hash"])
                        if "failed" in message:
                            progress.flush()
                        return {**message, "log": child.log, "live": progress.live}
                    progress.take(message)
                if not progress.beat_if_due():
                    return self._leave(child, {"lost": True})
                if draining.is_draining():
                    return self._leave(child, {"draining": True})
                if time.monotonic() - heard > settings.STALL_SECONDS:
                    child.close()
                    return {"stuck": True, "log": child.log}
        except ChildEnded as error:
            child.close()
            return {"ended": error.signal_name, "log": error.log}

    def _leave(self, child: Child, outcome: Json) -> Json:
        """Tell the child to stop, and end it: at the end of its stride, or after a grace when that does not come.

        It is not kept for another run: threads and processes that the strategy started are to end with the run.
        """
        child.stop()
        deadline = time.monotonic() + STOP_GRACE_SECONDS
        while (left := deadline - time.monotonic()) > 0:
            message = child.receive(left)
            if message is not None and message.keys() & {"done", "failed", "stopped"}:
                break
        child.close()
        return outcome

    def _conclude(self, answer: Json, aside: Path) -> str:
        match answer:
            case {"done": result, "log": printed, "live": live}:
                return self._complete({**result, "log": printed}, aside, live)
            case {"failed": error, "log": printed}:
                return self._fail({**error, "detail": {**error["detail"], "log": printed}})
            case {"draining": True}:
                notice = "Paused: its worker is being stopped. It starts again with the next worker."
                self._write(self.run.mark_pending, self.owner, crashed=False, notice=notice)
                return "given back"
            case {"stuck": True, "log": printed}:
                message = f"No stride ended within {settings.STALL_SECONDS:,.0f} s: the strategy may loop for ever."
                return self._fail(_error(AlgotradeError(message), kind="Stuck", trace=printed))
            case {"ended": reason, "log": printed}:
                return self._crash(reason, printed)
            case _:
                return "lost"

    def _complete(self, result: Json, aside: Path, live: Json) -> str:
        artifact = artifacts.publish(aside)
        if self._write(self.run.mark_completed, self.owner, result, artifact, live):
            return "completed"
        artifacts.discard(artifacts.artifacts_folder() / artifact)
        return "lost"

    def _fail(self, error: Json) -> str:
        if not self._write(self.run.mark_failed, self.owner, error):
            return "lost"
        log.error("run failed", error_type=error["type"], error_message=error["message"], trace=error["trace"])
        return "failed"

    def _crash(self, reason: str, printed: str) -> str:
        """The child died under the run: try again, or give up and name what ended it."""
        log.warning("child ended", reason=reason, crashes=self.run.crashes + 1)
        moved = self._write(self.run.mark_lost, self.owner, f"The strategy's process was ended by {reason}.", printed)
        if moved and self.run.state == RunState.FAILED:
            log.error("run failed", error_type=self.run.error_type, error_message=self.run.error_message)
        return self.run.state if moved else "lost"

    def _write(self, transition: Any, *args: Any, **kwargs: Any) -> bool:
        """Make a terminal transition; a database that is away for a while must not swallow it."""
        pause = 0.1
        while True:
            try:
                return bool(transition(*args, **kwargs))
            except DatabaseError as error:
                log.warning("terminal write waits for the database", error=str(error), seconds=pause)
                if draining.is_draining() and pause > 2:
                    raise  # the lease ends it: the run starts again with the next worker
                time.sleep(pause)
                pause = min(pause * 2, 5.0)
                close_old_connections()


def _error(error: Exception, kind: str = "", trace: str = "") -> Json:
    text = f"{type(error).__name__}: {error}"
    return {"type": kind or type(error).__name__, "message": str(error), "trace": trace or text, "detail": {}}
