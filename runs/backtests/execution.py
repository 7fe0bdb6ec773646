"""The worker's part of a backtest: have a child execute it, publish its arrays, complete the run."""

import time
from dataclasses import dataclass
from pathlib import Path

import structlog

from algotrade.errors import AlgotradeError
from algotrade.ports import Json
from runs import artifacts
from runs.worker.children import children
from runs.worker.claim import Claim, error_of, job_of
from runs.worker.conversation import ChildReuse, follow, write_surely
from runs.worker.progress import Progress

log = structlog.get_logger(__name__)


@dataclass
class Execution(Claim):
    """One claim of one backtest, from the claim to its end."""

    def carry_out(self) -> None:
        """Execute the run to its end, or until the claim is lost."""
        began = time.monotonic()
        log.info("run started", strategy=self.run.strategy_name, asset=self.run.asset, total=self.run.total)
        outcome = self._outcome()
        log.info("run ended", outcome=outcome, seconds=round(time.monotonic() - began, 3))

    def _outcome(self) -> str:
        aside = artifacts.new_folder(self.run)
        try:
            try:
                child = children.take(self.run.inputs["source_hash"])
                job = job_of(self.run, "backtest", out=str(aside))
            except (AlgotradeError, OSError) as error:
                return self.fail(error_of(error))
            progress = Progress(self.run, self.owner)
            answer = follow(child, job, progress, ChildReuse(children, self.run.inputs["source_hash"]))
            if "failed" in answer:
                progress.flush()
            return self.conclude(answer, lambda result: self._complete(result, aside, progress.live))
        finally:
            artifacts.discard(aside)

    def _complete(self, result: Json, aside: Path, live: Json) -> str:
        artifact = artifacts.publish(aside)
        is_done = write_surely(
            self.run.mark_completed,
            self.owner,
            result,
            headline=result["metrics"],
            processed=self.run.total,
            phase="computing_metrics",  # the last one; a quick run's beats may have told none
            artifact=artifact,
            live=live,  # the whole curve, which a run quicker than a beat has not told yet
        )
        if is_done:
            return "completed"
        artifacts.discard(artifacts.artifacts_folder() / artifact)
        return "lost"
