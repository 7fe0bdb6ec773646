"""Estimate of an optimization before it starts: trials, time, memory, warnings."""

import math
import statistics
from dataclasses import dataclass

from django.conf import settings
from django.db.models import F

from algotrade.metrics import METRICS
from algotrade.metrics.vector import METRIC_KEYS
from algotrade.resolve import ResolvedOptimization
from algotrade.spec import DATASET_AXES
from runs.backtests.duration import START_SECONDS
from runs.models import Run, Worker
from runs.optimizations import reuse
from runs.optimizations.speed import seconds_per_bar

WORKER_BYTES = 150 << 20
"""Memory of a process that runs strategies, before the first bar."""
COLUMNS = 16
"""Arrays of the length of the range that a worker holds besides its indicators: candles, equity, position."""
INDICATOR_BYTES = 512 << 20
"""Indicators that a worker keeps for further trials (MAX_CACHE_BYTES of a module that a web process need not load)."""
ROW_BYTES = 400 + 8 * len(METRIC_KEYS)
"""Size of a stored trial."""
FEW_BARS = 100
STORING = 1.2
"""Factor of storing trials upon evaluating them."""
TRIALS_LOOKED_AT = 200


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Size, time and memory of an optimization, and what people should know of it.

    Attributes:
        total: combinations of all axes.
        excluded: combinations that break a rule.
        trials: how many would be evaluated.
        known: how many of them have a result already.
        bars_per_trial: bars of one trial, on average where there are several datasets.
        n_workers: worker processes that would evaluate them: those that are alive, else as many as a node starts.
        seconds: how long it would take; None when nobody knows (yet).
        is_measuring: whether it will be known soon.
        memory_bytes: what workers and rows would take.
        warnings: what people should know, sentences.
    """

    total: int
    excluded: int
    trials: int
    known: int
    bars_per_trial: int
    n_workers: int
    seconds: float | None
    is_measuring: bool
    memory_bytes: int
    warnings: tuple[str, ...]

    @property
    def bars(self) -> int:
        """Bars that would be run through."""
        return self.bars_per_trial * (self.trials - self.known)

    @property
    def not_drawn(self) -> int:
        """Combinations that keep the rules and are not tried."""
        return self.total - self.excluded - self.trials


def evaluate(resolved: ResolvedOptimization, *, wait_seconds: float = 0.0) -> Evaluation:
    """Tell what an optimization would cost.

    Args:
        resolved: what is asked for.
        wait_seconds: how long a measurement may be waited for.
    """
    n_known = min(reuse.n_known(resolved), resolved.n_trials)
    n_alive, n_workers = workers()
    bars = [one.total_bars for one in resolved.spec.datasets]
    seconds = optimization_seconds(
        resolved, n_trials=resolved.n_trials - n_known, n_workers=n_workers, wait_seconds=wait_seconds
    )
    return Evaluation(
        total=resolved.total,
        excluded=resolved.total - resolved.n_valid,
        trials=resolved.n_trials,
        known=n_known,
        bars_per_trial=round(sum(bars) / len(bars)),
        n_workers=n_workers,
        seconds=seconds,
        is_measuring=seconds is None and is_measuring(resolved),
        memory_bytes=n_workers * _worker_bytes(resolved, max(bars)) + ROW_BYTES * resolved.n_trials,
        warnings=_warnings(resolved, bars, n_alive),
    )


def _warnings(resolved: ResolvedOptimization, bars: list[int], n_alive: int) -> tuple[str, ...]:
    found = []
    if min(bars) < FEW_BARS:
        found.append(f"Each trial has only {min(bars):,} bars; its metrics say little.")
    if not resolved.strategy.compiled:
        found.append("The strategy is interpreted, not compiled, so each trial is slow.")
    metric = METRICS[resolved.spec.objective]
    is_undefined = metric.group == "Trades" and metric.unit != "count" and metric.key != "exposure"
    if is_undefined and "min_trades" not in resolved.spec.filters:
        found.append(f"{metric.label} is undefined without trades; such trials are not ranked.")
    elif resolved.n_trials > 1 and "min_trades" not in resolved.spec.filters:
        found.append("Without a minimum number of trades, the best trial may be one lucky trade.")
    if not n_alive:
        found.append("No worker is running; the optimization starts when one does.")
    return tuple(found)


def _worker_bytes(resolved: ResolvedOptimization, n_bars: int) -> int:
    """Return what one worker needs: its process, arrays of the range, and the indicators that trials share."""
    n_indicators = sum(len(values) for name, values in resolved.spec.axes.items() if name not in DATASET_AXES)
    return WORKER_BYTES + 8 * n_bars * COLUMNS + min(INDICATOR_BYTES, 8 * n_bars * n_indicators)


def optimization_seconds(
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
        speed, _ = seconds_per_bar(resolved, wait_seconds)
    if speed is None:
        return None
    bars = [one.total_bars for one in resolved.spec.datasets]
    rounds = math.ceil(todo / (n_workers or workers()[1]))
    return START_SECONDS + rounds * speed * sum(bars) / len(bars) * STORING


def is_measuring(resolved: ResolvedOptimization) -> bool:
    """Whether `optimization_seconds` will soon know."""
    return _trial_speed(resolved) is None and seconds_per_bar(resolved)[1]


def workers() -> tuple[int, int]:
    """Return how many workers are alive, and how many would serve: as many as a node starts when there is none."""
    n_alive = sum(worker.is_alive for worker in Worker.objects.all())
    return n_alive, n_alive or settings.ALGOTRADE_WORKERS


def _trial_speed(resolved: ResolvedOptimization) -> float | None:
    """Return the seconds per bar of the newest trials of the same source; None when there are none."""
    optimizations = Run.objects.filter(
        kind="optimization",
        strategy_name=resolved.strategy.name,
        inputs__source_hash=resolved.inputs.source_hash,
        processed__gt=F("failed") + F("reused"),
    )
    run = optimizations.order_by("-number").first()
    if run is None:
        return None
    own = run.trials.filter(is_failed=False, is_reused=False).order_by("-number")
    milliseconds = list(own.values_list("duration_ms", flat=True)[:TRIALS_LOOKED_AT])
    bars = [int(one["total_bars"]) for one in run.spec["datasets"]]
    if not milliseconds or not sum(milliseconds):
        return None
    return statistics.median(milliseconds) / 1e3 / (sum(bars) / len(bars))
