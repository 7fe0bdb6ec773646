"""Duration of a backtest to come, from the last one of its strategy."""

from algotrade.strategies.catalog import StrategyInfo
from runs.models import Run, RunState

START_SECONDS = 0.3
"""Claim, loading and metrics of a run whose strategy is warm."""
COLD_SECONDS = 2.0
"""Compiling, at the first run of a strategy."""
COMPILED_BARS_PER_SECOND = 5_000_000
INTERPRETED_BARS_PER_SECOND = 40_000
"""Assumed only while the strategy has no completed run yet."""


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
