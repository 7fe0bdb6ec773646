"""The last step of an optimization: rank, repeat the best trial as a backtest of its own, compare, complete."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import structlog
from django.db import DatabaseError, connection
from django.db.models import Count

from algotrade.errors import AlgotradeError
from algotrade.metrics.vector import METRIC_KEYS, to_vector
from algotrade.ports import Json
from runs import shutdown
from runs.backtests.execution import Execution
from runs.models import HEADLINE, Run, RunState, Trial
from runs.optimizations.plan import metrics_of, plan_of
from runs.optimizations.verbs import repeat
from runs.owners import new_owner
from runs.worker.claim import PAUSED, error_of
from runs.worker.conversation import write_surely

log = structlog.get_logger(__name__)

SECONDS_BETWEEN_BEATS = 2.0
SECONDS_FOR_ANOTHER = 120.0
"""How long to wait for the best trial's backtest when another worker has it already."""


def report(run: Run, owner: str) -> None:
    """Complete an optimization whose trials are all done, or fail it when all of them failed."""
    with _kept_alive(run, owner):
        run.refresh_from_db()
        if run.failed and run.failed == run.processed:
            outcome = "failed" if write_surely(run.mark_failed, owner, _common_error(run)) else "lost"
        else:
            outcome = _complete(run, owner)
    seconds = run.elapsed_seconds
    log.info(
        "run ended",
        outcome=outcome,
        trials=run.processed,
        failed=run.failed,
        reused=run.reused,
        seconds=None if seconds is None else round(seconds, 3),
    )


def _complete(run: Run, owner: str) -> str:
    best = run.find_best_trial()
    result: Json = {"summary": _summary(run, best), "parity": None}
    if best is not None:
        if not run.write_phase(owner, "writing_report"):
            return "lost"
        result["parity"] = _parity(run, best)
        if shutdown.has_begun() and (result["parity"] or {}).get("status") == "unverified":
            # The next worker repeats the trial; to wait for it here would keep the node from stopping.
            return "given back" if write_surely(run.mark_pending, owner, crashed=False, notice=PAUSED) else "lost"
    is_done = write_surely(
        run.mark_completed,
        owner,
        result,
        headline=None if best is None else {name: getattr(best, name) for name in HEADLINE.values()},
        publish=run.chunks.all().delete,  # what Finish now left undone
        is_partial=run.processed < run.total,
    )
    return "completed" if is_done else "lost"


def _summary(run: Run, best: Trial | None) -> Json:
    eligible = run.trials.filter(is_eligible=True).order_by()
    objectives = np.array(list(eligible.values_list("objective", flat=True)), dtype=np.float64)
    spread = None
    if len(objectives):
        low, middle, high = (float(value) for value in np.quantile(objectives, (0.0, 0.5, 1.0)))
        spread = {"min": low, "median": middle, "max": high}
    return {
        "trials": run.processed,
        "completed": run.completed_trials,
        "failed": run.failed,
        "reused": run.reused,
        "eligible": len(objectives),
        "is_partial": run.processed < run.total,
        "seconds": run.elapsed_seconds,
        "objective": spread,
        "best": None if best is None else trial_facts(best),
    }


def trial_facts(trial: Trial) -> Json:
    """Return number, parameters, objective and metrics of a trial."""
    return {
        "trial": trial.number,
        "parameters": plan_of(trial.run).parameters(trial.combination),
        "objective": trial.objective,
        "metrics": metrics_of(trial),
    }


def _parity(run: Run, best: Trial) -> Json:
    """Run the best trial as a backtest of its own, and tell whether its metrics are the same to the bit."""
    try:
        backtest, _ = repeat(best, run.user)
        claimed = Run.objects.claim(backtest.id, owner := new_owner()) if backtest.state == RunState.PENDING else None
        if claimed is not None:
            with structlog.contextvars.bound_contextvars(run=str(claimed), run_id=str(claimed.id)):
                Execution(claimed, owner).carry_out()
        backtest = _wait_for(backtest)
    except (AlgotradeError, RuntimeError) as error:
        log.warning("best trial cannot be repeated", error=str(error))
        return {"status": "unverified", "backtest": None, "detail": str(error)}
    return {"backtest": str(backtest.id), **_compare(backtest, best)}


def _wait_for(backtest: Run) -> Run:
    deadline = time.monotonic() + SECONDS_FOR_ANOTHER
    backtest.refresh_from_db()
    while backtest.is_active and time.monotonic() < deadline and not shutdown.has_begun():
        time.sleep(0.1)
        backtest.refresh_from_db()
    return backtest


def _compare(backtest: Run, trial: Trial) -> Json:
    if backtest.state != RunState.COMPLETED:
        return {"status": "unverified", "detail": f"{backtest} is {backtest.state}."}
    alone = (backtest.result or {})["metrics"]
    if to_vector(alone).tobytes() == bytes(trial.metrics or b""):
        return {"status": "equal", "detail": f"{len(METRIC_KEYS)} metrics are the same to the bit."}
    ours = metrics_of(trial) or {}
    other = [key for key in METRIC_KEYS if ours.get(key) != alone[key]]
    log.error("a trial differs from its backtest", trial=trial.number + 1, backtest=str(backtest), metrics=other)
    return {"status": "different", "detail": f"These metrics differ: {', '.join(other)}."}


def _common_error(run: Run) -> Json:
    """Return the error that most trials failed with, as that of the whole optimization."""
    failed = run.trials.filter(is_failed=True)
    kinds = failed.order_by().values("error_type", "error_place").annotate(n=Count("pk")).order_by("-n")
    kind = kinds.first()
    if kind is None:
        return error_of(AlgotradeError("All trials failed."))
    first = failed.filter(error_type=kind["error_type"], error_place=kind["error_place"]).order_by("number").first()
    assert first is not None
    return {
        "type": first.error_type,
        "message": f"All {run.failed:,} trials failed. {first}: {first.error_message}",
        "trace": first.error_stack_trace,
        "detail": first.error_detail or {},
    }


@contextmanager
def _kept_alive(run: Run, owner: str) -> Iterator[None]:
    """Beat for `run` in a thread while the block runs: a backtest of its best trial may take longer than the lease."""
    is_over = threading.Event()

    def beat() -> None:
        try:
            while not is_over.wait(SECONDS_BETWEEN_BEATS):
                try:
                    if not run.write_beat(owner):
                        return
                except DatabaseError as error:
                    log.warning("beat failed", error=str(error))
        finally:
            connection.close()

    thread = threading.Thread(target=beat, name="report-beat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()
