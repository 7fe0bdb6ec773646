"""From an optimization's spec back to the request that it was, so that it can be asked again today."""

from typing import Any

from django.conf import settings

from algotrade.market.store import CandleStore
from algotrade.resolve import ResolvedOptimization, resolve_optimization
from algotrade.spec import OptimizationSpec
from algotrade.strategies.catalog import Catalog
from runs.figures import moment


def request_of(spec: OptimizationSpec) -> dict[str, Any]:
    """Return the request that resolves to the spec: every value is named, so no default can have changed meanwhile."""
    where = spec.datasets[0]
    start, end = (moment(bound).isoformat() for bound in range_of(spec))
    return {
        "strategy_name": spec.strategy_name,
        "asset": where.asset,
        "exchange": where.exchange,
        "timeframe": where.timeframe,
        "start": start,
        "end": end,
        **spec.account,
        "axes": {name: {"values": list(values)} for name, values in spec.axes.items()},
        "rules": list(spec.rules),
        "objective": spec.objective,
        "direction": spec.direction,
        "method": spec.method,
        "max_trials": spec.max_trials,
        "seed": spec.seed,
        "filters": dict(spec.filters),
    }


def range_of(spec: OptimizationSpec) -> tuple[int, int]:
    """Return the first and the last moment of all datasets, UTC ns."""
    return min(one.start_ns for one in spec.datasets), max(one.end_ns for one in spec.datasets)


def resolve_again(spec: OptimizationSpec, catalog: Catalog, store: CandleStore) -> ResolvedOptimization:
    """Return the same search on the strategy and the candles as they are now.

    Raises:
        SpecError: it cannot be asked any more; `fields` says why.
    """
    return resolve_optimization(request_of(spec), catalog, store, max_combinations=settings.ALGOTRADE_MAX_COMBINATIONS)
