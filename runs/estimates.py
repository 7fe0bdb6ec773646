"""How long a run will take, from what the last ones of its strategy took."""

import math
import statistics

from django.conf import settings
from django.db.models import F

from algotrade.resolve import ResolvedOptimization
from algotrade.strategies.catalog import StrategyInfo
from runs import speeds
from runs.models import Run, RunKind, RunState, Worker

START_SECONDS = 0.3
"""Claim, loading and metrics of a run whose strategy is warm."""
COLD_SECONDS = 2.0
"""What a first run of a strategy pays for compiling."""
COMPILED_BARS_PER_SECOND = 5_000_000
INTERPRETED_BARS_PER_SECOND = 40_000
"""Assumed only while the strategy has no completed run yet."""
STORING = 1.2
"""What storing trials adds to evaluating them, as a factor."""
TRIALS_LOOKED_AT = 200


def estimated_seconds(strategy: StrategyInfo, n_bars: int) -> float:
    """Return roughly how many seconds `n_bars` bars of the strategy take, without the wait for a worker."""
    completed = Run.objects.filter(state=RunState.COMPLETED, strategy_name=strategy.name)
    last = completed.filter(inputs__source_hash=strategy.source_hash).order_by("-number").first()
    if last is None:
        speed = COMPILED_BARS_PER_SECOND if strategy.compiled else INTERPRETED_BARS_PER_SECOND
        return (COLD_SECONDS if strategy.compiled else START_SECONDS) + n_bars / speed
    taken = last.elapsed_seconds or START_SECONDS
    if last.rate:
        return START_SECONDS + n_bars / last.rate
    return min(taken, START_SECONDS) + taken * n_bars / max(last.total, 1)


def search_seconds(
    resolved: ResolvedOptimization,
    *,
    n_trials: int | None = None,
    n_workers: int | None = None,
    wait_seconds: float = 0.0,
) -> float | None:
    """Return roughly how many seconds an optimization takes; None while nobody knows (see `is_measuring`).

    The speed is that of the newest trials of the same source, else of a sample that is measured in the background.

    Args:
        resolved: what is asked for.
        n_trials: how many trials have to be evaluated; all by default.
        n_workers: how many workers evaluate them; by default those that are alive, else as many as a node starts.
        wait_seconds: how long a measurement may be waited for.
    """
    todo = resolved.n_trials if n_trials is None else n_trials
    speed = _trial_speed(resolved)
    if speed is None:
        speed, _ = speeds.seconds_per_bar(resolved, wait_seconds)
    if speed is None:
        return None
    bars = [one.total_bars for one in resolved.spec.datasets]
    rounds = math.ceil(todo / (n_workers or workers()[1]))
    return START_SECONDS + rounds * speed * sum(bars) / len(bars) * STORING


def is_measuring(resolved: ResolvedOptimization) -> bool:
    """Whether `search_seconds` will soon know."""
    return _trial_speed(resolved) is None and speeds.seconds_per_bar(resolved)[1]


def workers() -> tuple[int, int]:
    """Return how many workers are alive, and how many would serve: as many as a node starts when there is none."""
    n_alive = sum(worker.is_alive for worker in Worker.objects.all())
    return n_alive, n_alive or settings.ALGOTRADE_WORKERS


def _trial_speed(resolved: ResolvedOptimization) -> float | None:
    """Return the seconds per bar of the newest trials of the same source; None when there are none."""
    searches = Run.objects.filter(
        kind=RunKind.OPTIMIZATION,
        strategy_name=resolved.strategy.name,
        inputs__source_hash=resolved.inputs.source_hash,
        processed__gt=F("failed") + F("reused"),
    )
    run = searches.order_by("-number").first()
    if run is None:
        return None
    own = run.trials.filter(is_failed=False, is_reused=False).order_by("-number")
    milliseconds = list(own.values_list("duration_ms", flat=True)[:TRIALS_LOOKED_AT])
    bars = [int(one["total_bars"]) for one in run.spec["datasets"]]
    if not milliseconds or not sum(milliseconds):
        return None
    return statistics.median(milliseconds) / 1e3 / (sum(bars) / len(bars))
