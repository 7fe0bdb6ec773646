"""What an optimization would cost, told before anything starts: to the form, and to programs that ask."""

import math
from dataclasses import dataclass

from django.conf import settings

from algotrade.metrics.vector import METRIC_KEYS
from algotrade.resolve import ResolvedOptimization
from runs import estimates, known
from runs.models import Worker

WORKER_BYTES = 150 << 20
"""What a process that runs strategies needs before the first bar."""
COLUMNS = 24
"""Arrays of the length of the range that a trial holds at once: candles, indicators, equity and orders."""
ROW_BYTES = 400 + 8 * len(METRIC_KEYS)
"""What a stored trial takes."""
FEW_BARS = 100
MUCH_MEMORY_FRACTION = 0.8


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
        seconds: how long it would take; None while that is being measured.
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
    alive = sum(worker.is_alive for worker in Worker.objects.all())
    n_workers = alive or settings.ALGOTRADE_WORKERS
    bars = [one.total_bars for one in resolved.spec.datasets]
    memory = n_workers * (WORKER_BYTES + COLUMNS * 8 * max(bars)) + ROW_BYTES * resolved.n_trials
    return Evaluation(
        total=resolved.total,
        excluded=resolved.total - resolved.n_valid,
        trials=resolved.n_trials,
        known=n_known,
        bars_per_trial=round(sum(bars) / len(bars)),
        n_workers=n_workers,
        seconds=estimates.search_seconds(
            resolved, n_trials=resolved.n_trials - n_known, n_workers=n_workers, wait_seconds=wait_seconds
        ),
        memory_bytes=memory,
        warnings=_warnings(resolved, bars, alive),
    )


def _warnings(resolved: ResolvedOptimization, bars: list[int], n_alive: int) -> tuple[str, ...]:
    found = []
    if min(bars) < FEW_BARS:
        found.append(f"A trial has {min(bars):,} bars only: its metrics say little.")
    if not resolved.strategy.compiled:
        found.append("The strategy is interpreted, not compiled: each trial takes long.")
    if resolved.n_trials > 1 and "min_trades" not in resolved.spec.filters:
        found.append("Without a least number of trades the best trial may be one lucky trade.")
    if not n_alive:
        found.append("No worker is running: it begins when one starts.")
    return tuple(found)


def rounded_up(seconds: float) -> float:
    """Return an estimate without false precision: tenths below ten seconds, whole ones above."""
    return math.ceil(seconds * 10) / 10 if seconds < 10 else math.ceil(seconds)
