"""What an optimization would cost, told before anything starts: to the form, and to programs that ask."""

from dataclasses import dataclass

from algotrade.metrics import METRICS
from algotrade.metrics.vector import METRIC_KEYS
from algotrade.resolve import ResolvedOptimization
from algotrade.spec import DATASET_AXES
from runs import estimates, known

WORKER_BYTES = 150 << 20
"""What a process that runs strategies needs before the first bar."""
COLUMNS = 16
"""Arrays of the length of the range that a worker holds besides its indicators: candles, equity, position."""
INDICATOR_BYTES = 512 << 20
"""Indicators that a worker keeps for further trials (MAX_CACHE_BYTES of a module that a web process need not load)."""
ROW_BYTES = 400 + 8 * len(METRIC_KEYS)
"""What a stored trial takes."""
FEW_BARS = 100


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What was found out.

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
    n_known = min(known.n_known(resolved), resolved.n_trials)
    n_alive, n_workers = estimates.workers()
    bars = [one.total_bars for one in resolved.spec.datasets]
    seconds = estimates.search_seconds(
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
        is_measuring=seconds is None and estimates.is_measuring(resolved),
        memory_bytes=n_workers * _worker_bytes(resolved, max(bars)) + ROW_BYTES * resolved.n_trials,
        warnings=_warnings(resolved, bars, n_alive),
    )


def _warnings(resolved: ResolvedOptimization, bars: list[int], n_alive: int) -> tuple[str, ...]:
    found = []
    if min(bars) < FEW_BARS:
        found.append(f"A trial has {min(bars):,} bars only: its metrics say little.")
    if not resolved.strategy.compiled:
        found.append("The strategy is interpreted, not compiled: each trial takes long.")
    metric = METRICS[resolved.spec.objective]
    is_undefined = metric.group == "Trades" and metric.unit != "count" and metric.key != "exposure"
    if is_undefined and "min_trades" not in resolved.spec.filters:
        found.append(f"{metric.label} is undefined without trades; such trials are not ranked.")
    elif resolved.n_trials > 1 and "min_trades" not in resolved.spec.filters:
        found.append("Without a least number of trades the best trial may be one lucky trade.")
    if not n_alive:
        found.append("No worker is running: it begins when one starts.")
    return tuple(found)


def _worker_bytes(resolved: ResolvedOptimization, n_bars: int) -> int:
    """Return what one worker needs: its process, arrays of the range, and the indicators that trials share."""
    n_indicators = sum(len(values) for name, values in resolved.spec.axes.items() if name not in DATASET_AXES)
    return WORKER_BYTES + 8 * n_bars * COLUMNS + min(INDICATOR_BYTES, 8 * n_bars * n_indicators)
