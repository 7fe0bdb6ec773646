"""Execution of an optimization: prepare it, take a chunk, have a child evaluate its trials, store them, go on.

As many workers as are free do this for the same run, on any host; rows alone decide who does what. After each chunk a
worker looks around: it makes way when a run waits, and goes to the optimization that fewest workers are busy with. Who
finds nothing left writes the report.
"""

import time
from datetime import timedelta

import structlog
from django.conf import settings
from django.utils import timezone

from algotrade.errors import AlgotradeError
from algotrade.ports import Json
from runs import queue, shutdown
from runs.models import Chunk, Run, RunState, Trial, Worker
from runs.optimizations import reuse
from runs.optimizations.completion import report
from runs.optimizations.plan import sampler
from runs.optimizations.scoring import TrialScorer
from runs.owners import new_owner
from runs.worker.children import children
from runs.worker.claim import PAUSED, Claim, error_of, job_of, stall_message
from runs.worker.conversation import ChildReuse, follow, write_surely
from runs.worker.heartbeat import working_on
from runs.worker.progress import Progress, ThrottledUpdates

log = structlog.get_logger(__name__)

CHUNK_SECONDS = 1.5
"""How long a chunk should take: a waiting run waits no longer than this for a worker."""
FIRST_CHUNK = 8
LARGEST_CHUNK = 2_000
COMMIT_SECONDS = 0.5
"""How often trials are stored while a chunk is being evaluated: what a killed worker loses, and what pages wait."""


def evaluate_trials(run: Run) -> None:
    """Evaluate trials of `run`, and of the other optimizations, while there are some and no run waits."""
    pace: dict[int, float] = {}
    here: Run | None = run
    while here is not None and not shutdown.has_begun():
        with working_on(here):
            if not _evaluate_some(here, pace) and here.mark_reporting(owner := new_owner()):
                report(here, owner)
        if Run.objects.filter(state=RunState.PENDING).exists():
            _come_back()
            return
        here = _next_optimization()
    if shutdown.has_begun():
        _pause()


def _next_optimization() -> Run | None:
    return Run.objects.with_trials_to_do().first()


def _come_back() -> None:
    """Make way for a run that waits: this worker's next ticket is the last one in the queue."""
    optimization = _next_optimization()
    if optimization is not None:
        queue.enqueue(optimization.id)


def _pause() -> None:
    """Give optimizations back that no worker evaluates any more because the node is being stopped."""
    for optimization in Run.objects.with_trials_to_do():
        if not optimization.chunks.exclude(owner="").exists():
            optimization.mark_pending("", crashed=False, notice=PAUSED)


def _evaluate_some(run: Run, pace: dict[int, float]) -> bool:
    """Take a chunk of trials and evaluate it; False when there was none to take."""
    owner = new_owner()
    claimed = Chunk.objects.claim(run, owner, _size(run, pace.get(run.pk)))
    if claimed is None:
        return False
    chunk, numbers = claimed
    chunk.run = run
    if chunk.is_given_up:
        _give_up(chunk, owner, numbers[0])
        return True
    try:
        child = children.take(run.inputs["source_hash"])
        job = job_of(run, "trials", run_key=run.run_key, numbers=numbers, is_careful=chunk.crashes > 0)
    except (AlgotradeError, OSError) as error:
        chunk.release(owner)
        write_surely(run.mark_failed, "", error_of(error))
        return True
    progress = ChunkProgress(chunk, owner, numbers)
    answer = follow(child, job, progress, ChildReuse(children, run.inputs["source_hash"]))
    progress.finish()
    pace[run.pk] = progress.seconds_per_trial or pace.get(run.pk, 0.0)
    _conclude(chunk, owner, answer, is_begun=progress.is_begun)
    run.refresh_from_db()
    return True


def _size(run: Run, seconds_per_trial: float | None) -> int:
    """Return how many trials to take: about CHUNK_SECONDS of work, and fewer towards the end, so that all end alike."""
    if not seconds_per_trial:
        return FIRST_CHUNK
    fair = (run.total - run.handed_out) // (2 * max(1, run.busy_workers + 1))
    return max(1, min(LARGEST_CHUNK, int(CHUNK_SECONDS / seconds_per_trial), max(fair, FIRST_CHUNK)))


def _conclude(chunk: Chunk, owner: str, answer: Json, *, is_begun: bool) -> None:
    """Free what is left of the chunk, or fail the run when no trial of it can be evaluated.

    Args:
        chunk: what was taken.
        owner: the token of the claim.
        answer: of `follow`.
        is_begun: whether the child was seen to begin a trial.
    """
    match answer:
        case {"failed": error, "log": printed}:
            error = {**error, "detail": {**error["detail"], "log": printed}}
            if write_surely(chunk.is_owned_by, owner) and write_surely(chunk.run.mark_failed, "", error):
                log.error("run failed", error_type=error["type"], error_message=error["message"], trace=error["trace"])
            write_surely(chunk.release, owner)
        case {"ended": reason}:
            log.warning("child ended", reason=reason, first_trial=chunk.first + 1, is_begun=is_begun)
            _lose(chunk, owner, f"The strategy's process was ended by {reason}.", answer["log"], is_begun=is_begun)
        case {"stuck": True}:
            log.warning("child does not respond", first_trial=chunk.first + 1, is_begun=is_begun)
            if is_begun and chunk.crashes:
                write_surely(chunk.suspect, owner, stall_message())
            else:
                _lose(chunk, owner, stall_message(), answer["log"], is_begun=is_begun)
        case _:
            write_surely(chunk.release, owner)  # finds nothing after the last trial


def _lose(chunk: Chunk, owner: str, reason: str, printed: str, *, is_begun: bool) -> None:
    """Free a chunk whose child was lost. What ends it before a trial begins is no trial's fault, but the run's."""
    if not write_surely(chunk.release, owner, reason, is_begun=is_begun) or is_begun:
        return
    if write_surely(chunk.run.mark_start_lost, chunk, reason, printed):
        log.error("run failed", error_type=chunk.run.error_type, error_message=chunk.run.error_message)


def _give_up(chunk: Chunk, owner: str, number: int) -> None:
    """Store the trial that ended every process that tried it as a failed one."""
    combination = int(sampler(chunk.run).combinations(number, 1)[0])
    message = f"{chunk.reason or 'Its worker was lost.'} It is not tried again."
    parameters = sampler(chunk.run).space.parameters(combination)
    error = {"type": "WorkerLost", "message": message, "trace": message, "detail": {"parameters": parameters}}
    trial = TrialScorer(chunk.run).failed(number, combination, error)
    write_surely(chunk.commit, owner, [trial], number + 1)
    write_surely(chunk.release, owner)


class ChunkProgress(ThrottledUpdates):
    """Stores the trials of one chunk as they come in, and knows whether the chunk is still ours."""

    def __init__(self, chunk: Chunk, owner: str, numbers: list[int]) -> None:
        """Follow `chunk`, held by `owner`, of which `numbers` are evaluated."""
        super().__init__()
        self._chunk, self._owner = chunk, owner
        self._score = TrialScorer(chunk.run)
        self._left = list(numbers)
        self._end = chunk.first + chunk.count
        self._trials: list[Trial] = []
        self._n_done, self._busy_ms = 0, 0.0
        self._next_commit = 0.0
        self.is_begun = self._is_begun_told = False

    @property
    def seconds_per_trial(self) -> float | None:
        """What the evaluated trials took on average; None before the first one."""
        return self._busy_ms / 1e3 / self._n_done if self._n_done else None

    def take(self, message: Json) -> None:
        """Take in a batch of trials, or that one begins."""
        if "begins" in message and not self.is_begun:
            self.is_begun = True
            if self._chunk.crashes or self._chunk.run.crashes:
                self._next_beat = 0.0  # told at once: a loss is judged by it
        batch = message.get("trials")
        if not batch or not batch["numbers"]:
            return
        self._trials += self._score.rows(batch)
        self._left = self._left[len(batch["numbers"]) :]
        self._n_done += len(batch["numbers"])
        self._busy_ms += sum(batch["milliseconds"])

    def finish(self) -> None:
        """Store what is not stored yet."""
        if self._trials or not self._left:
            write_surely(self._commit)

    def _has_news(self, now: float) -> bool:
        # A chunk under suspicion stores each trial at once: then the culprit is always its first one.
        return bool(self._trials) and (now >= self._next_commit or self._chunk.crashes > 0)

    def _write_news(self) -> bool:
        self._next_commit = time.monotonic() + COMMIT_SECONDS
        return self._commit() and self._holds()

    def _write_life(self) -> bool:
        return self._chunk.write_beat(self._owner) and self._holds()

    def _holds(self) -> bool:
        if self.is_begun and not self._is_begun_told:
            self._is_begun_told = self._chunk.write_begun(self._owner)
        return self._chunk.is_owned_by(self._owner)

    def _commit(self) -> bool:
        """Store the trials that came in; the chunk shrinks to what is left of it."""
        if not self._chunk.commit(self._owner, self._trials, self._left[0] if self._left else self._end):
            return False
        self._is_begun_told = self._is_begun_told or bool(self._trials)
        self._trials = []
        return True


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
        answer = follow(child, job, progress, ChildReuse(children, self.run.inputs["source_hash"]))
        return self.conclude(answer, self._free)

    def _free(self, _answer: Json) -> str:
        if not reuse.take_over(self.run, self.owner):
            return "lost"
        self.run.refresh_from_db()
        return "prepared" if self.run.mark_prepared(self.owner) else "lost"


def _call_helpers(run: Run) -> None:
    """Ring for the other workers: as many tickets as can help. The reaper rings again for those that come later."""
    since = timezone.now() - timedelta(seconds=settings.ALGOTRADE_LEASE_SECONDS)
    n_alive = Worker.objects.filter(seen_at__gt=since).count()
    for _ in range(min(n_alive - 1, run.total - run.processed - 1)):
        queue.enqueue(run.id)
