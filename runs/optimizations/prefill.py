"""The spec of an optimization as its form begins with it, so that the form asks for the same again."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

from django.conf import settings

from algotrade.errors import StrategyError
from algotrade.market.store import CandleStore
from algotrade.optimize.space import AxisError, parse_axis
from algotrade.resolve import ResolvedOptimization, resolve_optimization
from algotrade.spec import DATASET_AXES, OptimizationSpec, ParamValue
from algotrade.strategies.base import Param
from algotrade.strategies.catalog import Catalog, StrategyInfo
from runs.backtests.account_form import PERCENT_FIELDS
from runs.display.figures import moment
from runs.display.form_values import as_text, plain, to_percent, typed_spec


def typed_optimization(spec: OptimizationSpec, catalog: Catalog, store: CandleStore) -> dict[str, Any]:
    """Return a spec as the form begins with it.

    Args:
        spec: the optimization's.
        catalog: where its strategy is, as it is now.
        store: where its candles are.
    """
    try:
        strategy: StrategyInfo | None = catalog.get(spec.strategy_name)
    except StrategyError:  # the form says so when it is asked
        strategy = None
    first = {name: values[0] for name, values in spec.axes.items()}
    backtest, _ = spec.backtest(first)
    start, end = min(one.start_ns for one in spec.datasets), max(one.end_ns for one in spec.datasets)
    data = typed_spec(replace(backtest, start_ns=start, end_ns=end, parameters={}), store)
    params = {param.name: param for param in (strategy.params if strategy else ())}
    for name, param in params.items():
        data |= _typed_axis(param, spec.axes.get(name, (param.default,)))
    for name, values in spec.axes.items():
        if name in DATASET_AXES and name not in params:
            data[f"also.{name}"] = [str(value) for value in values[1:]]
    rules = [rule for rule in spec.rules if strategy is None or rule not in strategy.rules]
    data |= {
        "rules": "\n".join(rules),
        "objective": spec.objective,
        "direction": spec.direction,
        "method": spec.method,
        "seed": str(spec.seed),
        "filters.min_trades": "",
        "filters.max_drawdown": "",
    }
    for key, bound in spec.filters.items():
        name = f"filters.{key}"
        data[name] = to_percent(bound) if name in PERCENT_FIELDS else as_text(bound)
    limit = "" if spec.max_trials is None else str(spec.max_trials)
    if spec.method == "random" or limit:
        data["max_trials" if spec.method == "random" else "grid_trials"] = limit
    return data


def _typed_axis(param: Param, values: tuple[ParamValue, ...]) -> dict[str, Any]:
    texts = [as_text(value) for value in values]
    name = param.name
    if param.kind not in ("int", "float"):
        return {f"values.{name}": texts}
    if len(values) == 1:
        return {f"optimize.{name}": False, f"parameters.{name}": texts[0]}
    step = _step(param, values)
    if step is None:
        return {f"optimize.{name}": True, f"as_list.{name}": True, f"list.{name}": ", ".join(texts)}
    return {f"optimize.{name}": True, f"min.{name}": texts[0], f"max.{name}": texts[-1], f"step.{name}": step}


def _step(param: Param, values: tuple[ParamValue, ...]) -> str | None:
    """Return the step that makes just these values from the first to the last one; None when there is none."""
    step = plain(Decimal(as_text(values[1])) - Decimal(as_text(values[0])))
    try:
        axis = parse_axis(param, {"min": values[0], "max": values[-1], "step": step})
    except AxisError:
        return None
    return step if axis.values == values else None


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
    """Return the same optimization on the strategy and the candles as they are now.

    Raises:
        SpecError: it cannot be asked any more; `fields` says why.
    """
    return resolve_optimization(request_of(spec), catalog, store, max_combinations=settings.ALGOTRADE_MAX_COMBINATIONS)
