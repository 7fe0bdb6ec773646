"""The first step of an optimization: compile and check its strategy once, take over known trials, free the rest."""

from datetime import timedelta

import structlog
from django.conf import settings
from django.utils import timezone

from algotrade.errors import AlgotradeError
from algotrade.ports import Json
from runs import known, queue
from runs.children import children
from runs.execution import Claim, error_of, job_of
from runs.following import Keeper, follow
from runs.models import Run, Worker
from runs.progress import Progress

log = structlog.get_logger(__name__)


def prepare(run: Run, owner: str) -> bool:
    """Prepare a claimed optimization; True when its trials may be evaluated now."""
    log.info("run started", strategy=run.strategy_name, asset=run.asset, total=run.total, done=run.processed)
    outcome = _Preparation(run, owner).carry_out()
    if outcome != "prepared":
        log.info("run ended", outcome=outcome)
        return False
    _call_helpers(run)
    return True


class _Preparation(Claim):
    """One claim of an optimization, up to the moment at which its trials are free."""

    def carry_out(self) -> str:
        try:
            child = children.take(self.run.inputs["source_hash"])
            job = job_of(self.run, "prepare", run_key=self.run.run_key)
        except (AlgotradeError, OSError) as error:
            return self.fail(error_of(error))
        progress = Progress(self.run, self.owner)
        answer = follow(child, job, progress, Keeper(children, self.run.inputs["source_hash"]))
        return self.conclude(answer, self._free)

    def _free(self, _answer: Json) -> str:
        if not known.take_over(self.run, self.owner):
            return "lost"
        self.run.refresh_from_db()
        return "prepared" if self.run.mark_prepared(self.owner) else "lost"


def _call_helpers(run: Run) -> None:
    """Ring for the other workers: as many tickets as can help. The reaper rings again for those that come later."""
    since = timezone.now() - timedelta(seconds=settings.ALGOTRADE_LEASE_SECONDS)
    n_alive = Worker.objects.filter(seen_at__gt=since).count()
    for _ in range(min(n_alive - 1, run.total - run.processed - 1)):
        queue.enqueue(run.id)
