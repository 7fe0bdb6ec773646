"""A claim of any kind of run: how the answer of its child ends the run, exactly once.

The worker itself never runs a strategy. It watches the child and the row at once: every beat it writes progress and
learns whether the run is still its own. A worker that lost its run (cancelled, or taken over) ends the child and writes
nothing. What a claim does before that answer belongs to the package of the run's kind.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import structlog
from django.conf import settings

from algotrade.errors import AlgotradeError, error_text
from algotrade.ports import Json
from runs import artifacts
from runs.models import Run, RunState
from runs.worker.conversation import write_surely

log = structlog.get_logger(__name__)

PAUSED = "Paused: its worker is being stopped. It starts again with the next worker."


@dataclass
class Claim:
    """A worker's hold on a run: how the answer of its child ends it."""

    run: Run
    owner: str
    who: ClassVar[str] = "The strategy's process"

    def conclude(self, answer: Json, on_done: Callable[[Json], str]) -> str:
        """Write the one transition that the answer of `follow` means; return what became of the run, for the log."""
        match answer:
            case {"done": result, "log": printed}:
                return on_done({**result, "log": printed})
            case {"failed": error, "log": printed}:
                return self.fail({**error, "detail": {**error["detail"], "log": printed}})
            case {"stopping": True}:
                write_surely(self.run.mark_pending, self.owner, crashed=False, notice=PAUSED)
                return "given back"
            case {"stuck": True, "log": printed}:
                return self.fail(error_of(AlgotradeError(self.stall_message()), kind="Stuck", trace=printed))
            case {"ended": "SIGXCPU", "log": printed}:
                words = f"It used more than {settings.CHILD_CPU_SECONDS:,} s of CPU time."
                return self.fail(error_of(AlgotradeError(words), kind="Stuck", trace=printed))
            case {"ended": reason, "log": printed}:
                return self._crash(reason, printed)
            case _:
                return "lost"

    def fail(self, error: Json) -> str:
        """Fail the run, if it is still held."""
        if not write_surely(self.run.mark_failed, self.owner, error):
            return "lost"
        log.error("run failed", error_type=error["type"], error_message=error["message"], trace=error["trace"])
        return "failed"

    def stall_message(self) -> str:
        """Return what is said when the child does not respond."""
        return stall_message()

    def _crash(self, reason: str, printed: str) -> str:
        """The child died under the run: try again, or give up and name what ended it."""
        log.warning("child ended", reason=reason, crashes=self.run.crashes + 1)
        moved = write_surely(self.run.mark_lost, self.owner, f"{self.who} was ended by {reason}.", printed)
        if moved and self.run.state == RunState.FAILED:
            log.error("run failed", error_type=self.run.error_type, error_message=self.run.error_message)
        return self.run.state if moved else "lost"


def job_of(run: Run, kind: str, **more: Any) -> Json:
    """Return what a child needs for a job of `run`.

    Raises:
        StrategyError: the sources are no longer in the archive.
    """
    return {
        "job": kind,
        "source": str(artifacts.catalog().snapshot(run.inputs["source_hash"])),
        "module": run.strategy_name,
        "spec": run.spec,
        "inputs": run.inputs,
        "store": str(artifacts.candles_folder()),
        "kernels": str(artifacts.kernels_folder()),
        **more,
    }


def stall_message() -> str:
    """Return what is said of a strategy that gives no sign of life."""
    return f"No progress for {settings.STALL_SECONDS:,.0f} s; the strategy may be in an endless loop."


def error_of(error: Exception, kind: str = "", trace: str = "") -> Json:
    """Return an error that is none of a strategy's, as rows keep it."""
    message = error_text(error)
    text = f"{type(error).__name__}: {message}"
    return {"type": kind or type(error).__name__, "message": message, "trace": trace or text, "detail": {}}
