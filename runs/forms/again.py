"""The spec of an optimization as a browser would send it, so that the form asks for the same again."""

from dataclasses import replace
from decimal import Decimal

from algotrade.market.store import CandleStore
from algotrade.optimize.space import AxisError, parse_axis
from algotrade.spec import DATASET_AXES, OptimizationSpec, ParamValue
from algotrade.strategies.base import Param
from algotrade.strategies.catalog import StrategyInfo
from runs.forms.account import PERCENT_FIELDS
from runs.forms.proposals import propose
from runs.typed import as_text, plain, to_percent, typed_spec


def typed_search(spec: OptimizationSpec, strategy: StrategyInfo | None, store: CandleStore) -> dict[str, str]:
    """Return a spec as a browser would send it.

    Args:
        spec: the optimization's.
        strategy: its strategy as it is now; None when there is none of that name any more.
        store: where its candles are.
    """
    first = {name: values[0] for name, values in spec.axes.items()}
    backtest, _ = spec.backtest(first)
    start, end = min(one.start_ns for one in spec.datasets), max(one.end_ns for one in spec.datasets)
    data = typed_spec(replace(backtest, start_ns=start, end_ns=end, parameters={}), store)
    params = {param.name: param for param in (strategy.params if strategy else ())}
    for name, values in spec.axes.items():
        if name in params:
            data |= _typed_axis(params[name], values)
        elif name in DATASET_AXES:
            data[f"also.{name}"] = "\n".join(str(value) for value in values[1:])
    rules = [rule for rule in spec.rules if strategy is None or rule not in strategy.rules]
    data |= {
        "parameters_of": spec.strategy_name,
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


def _typed_axis(param: Param, values: tuple[ParamValue, ...]) -> dict[str, str]:
    texts = [as_text(value) for value in values]
    name = param.name
    if param.kind not in ("int", "float"):
        return {f"values.{name}": "\n".join(texts)}
    if len(values) == 1:
        return {f"parameters.{name}": texts[0]} | _proposed(param, values[0])
    typed = {f"search.{name}": "on", f"parameters.{name}": as_text(param.default)}
    step = _step(param, values)
    if step is None:
        return typed | {f"as_list.{name}": "on", f"list.{name}": ", ".join(texts)} | _proposed(param, param.default)
    return typed | {f"min.{name}": texts[0], f"max.{name}": texts[-1], f"step.{name}": step}


def _proposed(param: Param, value: ParamValue) -> dict[str, str]:
    """Return the range that is offered when a fixed parameter is to be searched after all."""
    parts = zip(("min", "max", "step"), propose(param, value), strict=True)
    return {f"{part}.{param.name}": plain(number) for part, number in parts}


def _step(param: Param, values: tuple[ParamValue, ...]) -> str | None:
    """Return the step that makes just these values from the first to the last one; None when there is none."""
    step = plain(Decimal(as_text(values[1])) - Decimal(as_text(values[0])))
    try:
        axis = parse_axis(param, {"min": values[0], "max": values[-1], "step": step})
    except AxisError:
        return None
    return step if axis.values == values else None
