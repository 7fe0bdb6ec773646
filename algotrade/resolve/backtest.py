"""Resolution of a request to the spec of a backtest."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from algotrade.engine import ENGINE_VERSION
from algotrade.errors import SpecError
from algotrade.market.store import CandleStore, Dataset
from algotrade.resolve.account import SUBMISSION_FIELDS, read_account, read_dataset, read_range, read_strategy
from algotrade.resolve.reader import Reader, shown
from algotrade.spec import BacktestSpec, ParamValue, RunInputs, run_key
from algotrade.strategies.catalog import Catalog, StrategyInfo
from algotrade.strategies.rules import Rule


@dataclass(frozen=True, slots=True)
class Pinned:
    """A backtest whose inputs are known already, such as a trial's: there is nothing left to validate.

    Attributes:
        spec: what was asked, complete.
        inputs: what its names stand for.
        run_key: SHA-256 of both.
        total_bars: bars of the range.
    """

    spec: BacktestSpec
    inputs: RunInputs
    run_key: str
    total_bars: int


@dataclass(frozen=True, slots=True)
class Resolved(Pinned):
    """A submission that can be run.

    Attributes:
        strategy: the strategy's description.
        dataset: the candles' version.
    """

    strategy: StrategyInfo
    dataset: Dataset


def resolve_backtest(request: Mapping[str, Any], catalog: Catalog, store: CandleStore) -> Resolved:
    """Turn a request (API body, form or command line) into a spec.

    Args:
        request: the fields of SUBMISSION_FIELDS and `parameters`; numbers may be texts, as forms send them; an absent,
            empty or null field takes its default.
        catalog: where strategies are known.
        store: where candles are.

    Raises:
        SpecError: at least one field is wrong; `fields` has a message for each.
    """
    reader = Reader(request)
    reader.refuse_unknown((*SUBMISSION_FIELDS, "parameters"))
    strategy = read_strategy(reader, catalog)
    dataset = read_dataset(reader, store)
    account = read_account(reader)
    parameters = _parameters(reader, strategy) if strategy else {}
    start_ns, end_ns, total_bars = read_range(reader, dataset, store) if dataset else (0, 0, 0)
    if reader.errors or strategy is None or dataset is None:
        raise SpecError(reader.errors)
    spec = BacktestSpec(
        strategy_name=strategy.name,
        asset=dataset.asset,
        exchange=dataset.exchange,
        timeframe=dataset.timeframe,
        start_ns=start_ns,
        end_ns=end_ns,
        parameters=parameters,
        **account.account_values(),
    )
    inputs = RunInputs(
        source_hash=strategy.source_hash,
        dataset_hash=dataset.version,
        instrument=dataset.instrument.to_dict(),
        engine=ENGINE_VERSION,
    )
    return Resolved(spec, inputs, run_key(spec, inputs), total_bars, strategy, dataset)


def _parameters(reader: Reader, strategy: StrategyInfo) -> dict[str, ParamValue]:
    given = reader.raw("parameters")
    if given is None:
        given = {}
    if not isinstance(given, Mapping):
        reader.errors["parameters"] = f"Must be an object of names and values; it is {shown(given)}."
        return {}
    known = {param.name: param for param in strategy.params}
    for name in given:
        if name not in known:
            listed = ", ".join(known) or "none"
            reader.errors[f"parameters.{str(name)[:100]}"] = (
                f"{strategy.title} has no parameter {str(name)[:100]!r}. It has: {listed}."
            )
    values: dict[str, ParamValue] = {}
    for name, param in known.items():
        value = given.get(name)
        if value is None or (isinstance(value, str) and not value.strip()):
            values[name] = param.default
            continue
        try:
            values[name] = param.parse(value)
        except ValueError as error:
            reader.errors[f"parameters.{name}"] = str(error)
    if not any(field.startswith("parameters") for field in reader.errors):
        _check_rules(reader, strategy, values)
    return values


def _check_rules(reader: Reader, strategy: StrategyInfo, values: dict[str, ParamValue]) -> None:
    for text in strategy.rules:
        field = "parameters"
        try:
            rule = Rule.parse(text)
            named = [name for name in values if name in rule.names]
            field = f"parameters.{named[0]}" if named else field
            if not rule.holds(values):
                facts = " and ".join(f"{name} is {values[name]}" for name in named)
                reader.errors[field] = f"{text} is required; {facts}."
        except ValueError as error:
            reader.errors[field] = str(error)
