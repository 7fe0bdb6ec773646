"""Resolution of a request to the spec of an optimization."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

from algotrade.engine import ENGINE_VERSION
from algotrade.errors import SpecError
from algotrade.market.store import CandleStore, Dataset
from algotrade.metrics import METRICS
from algotrade.optimize.samplers import METHODS
from algotrade.optimize.space import MAX_VALUES, Axis, AxisError, Space, parse_axis
from algotrade.resolve.account import SUBMISSION_FIELDS, read_account, read_dataset, read_range, read_strategy
from algotrade.resolve.reader import Reader, shown
from algotrade.spec import (
    DATASET_AXES,
    DIRECTIONS,
    DatasetRange,
    OptimizationInputs,
    OptimizationSpec,
    run_key,
)
from algotrade.strategies.catalog import Catalog, StrategyInfo
from algotrade.strategies.rules import Rule

OPTIMIZATION_FIELDS = ("axes", "rules", "objective", "direction", "method", "max_trials", "seed", "filters")
DEFAULT_OBJECTIVE = "sharpe_ratio"
MAX_RULES = 50
MAX_SPACE = 50_000_000
"""Most combinations that trials may be chosen from, by rules or at random: telling which are valid takes seconds."""
_ANY: tuple[Callable[[float], bool], str] = (lambda _: True, "a number")
_FRACTION: tuple[Callable[[float], bool], str] = (lambda x: 0 <= x <= 1, "a fraction from 0 to 1")


@dataclass(frozen=True, slots=True)
class ResolvedOptimization:
    """An optimization that can be run.

    Attributes:
        spec: what was asked, complete.
        inputs: what its names stand for now.
        run_key: SHA-256 of both.
        total: combinations of all axes, before the rules.
        n_valid: combinations that keep the rules.
        n_trials: trials that will be evaluated.
        strategy: the strategy's description.
        datasets: the candles' versions, in the order of the spec's.
    """

    spec: OptimizationSpec
    inputs: OptimizationInputs
    run_key: str
    total: int
    n_valid: int
    n_trials: int
    strategy: StrategyInfo
    datasets: tuple[Dataset, ...]


def resolve_optimization(
    request: Mapping[str, Any], catalog: Catalog, store: CandleStore, *, max_combinations: int
) -> ResolvedOptimization:
    """Turn a request (API body, form or command line) into a spec.

    Args:
        request: the fields of SUBMISSION_FIELDS and OPTIMIZATION_FIELDS; numbers may be texts, as forms send them; an
            absent, empty or null field takes its default.
        catalog: where strategies are known.
        store: where candles are.
        max_combinations: most trials that may be asked for.

    Raises:
        SpecError: at least one field is wrong; `fields` has a message for each.
    """
    reader = Reader(request)
    reader.refuse_unknown((*SUBMISSION_FIELDS, *OPTIMIZATION_FIELDS))
    strategy = read_strategy(reader, catalog)
    axes = _axes(reader, strategy) if strategy else ()
    datasets = _datasets(reader, store, axes)
    account = read_account(reader)
    rules = _rules(reader, strategy) if strategy else ()
    sampling = _sampling(reader, max_combinations)
    space = Space(axes, rules)
    n_valid, n_trials = (0, 0) if reader.errors else _count(reader, space, sampling, max_combinations)
    if reader.errors or strategy is None:
        raise SpecError(reader.errors)
    spec = OptimizationSpec(
        strategy_name=strategy.name,
        datasets=tuple(where for _, where in datasets),
        account=account.account_dict(),
        axes={axis.name: axis.values for axis in axes},
        rules=tuple(rule.text for rule in rules),
        **sampling,
    )
    inputs = OptimizationInputs(
        source_hash=strategy.source_hash,
        engine=ENGINE_VERSION,
        datasets=tuple(
            {"dataset_hash": dataset.version, "instrument": dataset.instrument.to_dict()} for dataset, _ in datasets
        ),
    )
    return ResolvedOptimization(
        spec,
        inputs,
        run_key(spec, inputs),
        total=space.n_combinations,
        n_valid=n_valid,
        n_trials=n_trials,
        strategy=strategy,
        datasets=tuple(dataset for dataset, _ in datasets),
    )


def _axes(reader: Reader, strategy: StrategyInfo) -> tuple[Axis, ...]:
    """Return the axes of asset and timeframe where they are varied, then one for each parameter."""
    given = reader.raw("axes")
    if given is None:
        given = {}
    if not isinstance(given, Mapping):
        reader.errors["axes"] = f"Must be an object of parameters and their values; it is {shown(given)}."
        return ()
    params = {param.name: param for param in strategy.params}
    for name in given:
        if name not in params and name not in DATASET_AXES:
            known = ", ".join((*params, *DATASET_AXES))
            reader.errors[f"axes.{str(name)[:100]}"] = (
                f"{strategy.title} has no parameter {str(name)[:100]!r}. Axes can be: {known}."
            )
    varied = (name for name in DATASET_AXES if name in given and name not in params)
    axes = [axis for name in varied if (axis := _dataset_axis(reader, name, given[name]))]
    for name, param in params.items():
        try:
            axes.append(parse_axis(param, given.get(name)))
        except AxisError as error:
            reader.errors[f"axes.{name}"] = str(error)
    return tuple(axes)


def _dataset_axis(reader: Reader, name: str, given: object) -> Axis | None:
    values = given.get("values") if isinstance(given, Mapping) and set(given) == {"values"} else None
    if not isinstance(values, list) or not 0 < len(values) <= MAX_VALUES or not all(isinstance(v, str) for v in values):
        reader.errors[f"axes.{name}"] = f'Must be like {{"values": ["SPY", "QQQ"]}}; it is {shown(given)}.'
        return None
    return Axis(name, tuple(dict.fromkeys(values)))


def _datasets(reader: Reader, store: CandleStore, axes: tuple[Axis, ...]) -> list[tuple[Dataset, DatasetRange]]:
    """Return each dataset that the axes ask for, and its range; blame the axis that names one that is not there."""
    varied = [axis for axis in axes if axis.name in DATASET_AXES]
    found = []
    for values in product(*(axis.values for axis in varied)):
        named = dict(zip((axis.name for axis in varied), values, strict=True))
        inner = Reader({**reader.request, **named})
        dataset = read_dataset(inner, store)
        if dataset is not None:
            start, end, total = read_range(inner, dataset, store)
            where = DatasetRange(dataset.asset, dataset.exchange, dataset.timeframe, start, end, total)
            found.append((dataset, where))
        for field, message in inner.errors.items():
            reader.errors[f"axes.{field}" if field in named else field] = message
        if inner.errors:
            break
    return found


def _rules(reader: Reader, strategy: StrategyInfo) -> tuple[Rule, ...]:
    given = reader.raw("rules")
    if given is None:
        given = []
    if isinstance(given, str):
        given = [line for line in given.splitlines() if line.strip()]
    if not isinstance(given, list) or len(given) > MAX_RULES:
        reader.errors["rules"] = f"Must be a list of at most {MAX_RULES} expressions; it is {shown(given)}."
        return ()
    try:
        return tuple(Rule.parse(text) for text in dict.fromkeys((*strategy.rules, *map(str, given))))
    except ValueError as error:
        reader.errors["rules"] = str(error)
        return ()


def _sampling(reader: Reader, max_combinations: int) -> dict[str, Any]:
    """Return the remaining fields of the spec: what is looked for, how, and how often."""
    allowed = f"a whole number from 1 to {max_combinations:,}"
    limit = reader.number("max_trials", 0.0, lambda x: x.is_integer() and 1 <= x <= max_combinations, allowed)
    seed = reader.number("seed", 1.0, lambda x: x.is_integer() and 0 <= x < 2**53, "a whole number of at least 0")
    return {
        "objective": reader.choice("objective", DEFAULT_OBJECTIVE, tuple(METRICS)),
        "direction": reader.choice("direction", "maximize", DIRECTIONS),
        "method": reader.choice("method", "grid", METHODS),
        "max_trials": int(limit) or None,
        "seed": int(seed),
        "filters": _filters(reader),
    }


def _filters(reader: Reader) -> dict[str, float]:
    given = reader.raw("filters")
    if given is None:
        given = {}
    if not isinstance(given, Mapping):
        reader.errors["filters"] = f'Must be like {{"min_trades": 30}}; it is {shown(given)}.'
        return {}
    inner = Reader(given)
    bounds = {}
    for name in given:
        side, _, metric = str(name).partition("_")
        if side not in ("min", "max") or (metric not in METRICS and name != "max_drawdown"):
            reader.errors[f"filters.{str(name)[:100]}"] = (
                "Must be min_ or max_ and the key of a metric, such as min_trades, or max_drawdown."
            )
        elif inner.raw(name) is not None:
            accepts, allowed = _FRACTION if name == "max_drawdown" else _ANY
            bounds[str(name)] = inner.number(name, 0.0, accepts, allowed)
    reader.errors.update({f"filters.{name}": message for name, message in inner.errors.items()})
    return dict(sorted(bounds.items()))


def _count(reader: Reader, space: Space, sampling: Mapping[str, Any], max_combinations: int) -> tuple[int, int]:
    """Return how many combinations keep the rules, and how many of them are tried; none, or too many, are refused."""
    limit = sampling["max_trials"]
    if space.n_connected > MAX_SPACE:
        reader.errors["axes"] = _too_large(space)
        return 0, 0
    try:
        n_valid = space.n_valid
    except ValueError as error:
        reader.errors["rules"] = str(error)
        return 0, 0
    n_trials = n_valid if limit is None else min(n_valid, limit)
    if not n_valid:
        rules = ", ".join(rule.text for rule in space.rules)
        reader.errors["axes"] = f"None of the {space.n_combinations:,} combinations meets the rules ({rules})."
    elif n_trials > max_combinations:
        reader.errors["axes"] = _too_many(space, n_trials, sampling, max_combinations)
    elif space.n_combinations > MAX_SPACE:
        reader.errors["axes"] = _too_large(space)
    return n_valid, n_trials


def _too_large(space: Space) -> str:
    return (
        f"{space.n_combinations:,} combinations exceed the limit of {MAX_SPACE:,}. Increase a step. "
        f"There are {_sizes(space)}."
    )


def _too_many(space: Space, n_trials: int, sampling: Mapping[str, Any], max_combinations: int) -> str:
    instead = "use the method random" if sampling["method"] == "grid" else "set max_trials"
    return (
        f"{n_trials:,} trials exceed the limit of {max_combinations:,}. Increase a step or {instead}. "
        f"There are {_sizes(space)}."
    )


def _sizes(space: Space) -> str:
    """Return how many values the varied axes have: fast 29 x slow 21."""
    return " x ".join(f"{axis.name} {len(axis.values):,}" for axis in space.axes if len(axis.values) > 1)
