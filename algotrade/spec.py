"""Specs: what was asked, frozen; its canonical JSON and its run key.

A spec is made by algotrade.resolve only and is complete: every default is filled in, every name resolved. The inputs
are what the spec means on this day: hashes of the strategy's source, the candles, the instrument and the engine. Both
together give the run key, so a changed strategy or changed candles under the same name can never return an old result.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Self

from algotrade.account import ACCOUNT, Account, Sizing, keyed

ParamValue = int | float | bool | str

DIRECTIONS = ("maximize", "minimize")
DATASET_AXES = ("asset", "timeframe")
"""Axes of an optimization that choose the candles instead of a parameter."""


@dataclass(frozen=True, slots=True)
class BacktestSpec(Account):
    """Everything a backtest was asked to do: the account, and the following.

    Attributes:
        strategy_name: file stem of the strategy.
        asset, exchange, timeframe: the dataset, for example SPY, NYSE, 1h.
        start_ns, end_ns: int UTC nanoseconds, both inclusive: bars with start <= open time <= end are traded.
            Indicators may warm up on bars before the start.
        parameters: the strategy's parameters by name, complete.
    """

    strategy_name: str
    asset: str
    exchange: str
    timeframe: str
    start_ns: int
    end_ns: int
    parameters: Mapping[str, ParamValue]

    def to_dict(self) -> dict[str, Any]:
        """Return the spec as JSON types; `from_dict` gives an equal spec back, as of a spec without later fields."""
        own = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in ACCOUNT}
        return {**own, "parameters": dict(self.parameters), **self.account_dict()}

    def to_key(self) -> dict[str, Any]:
        """Return what the run key has of the spec."""
        return keyed(self.to_dict())


@dataclass(frozen=True, slots=True)
class DatasetRange:
    """The candles of one trial: a dataset, and which of its bars are traded.

    Attributes:
        asset, exchange, timeframe: the dataset.
        start_ns, end_ns: int UTC nanoseconds of the first and the last traded bar.
        total_bars: bars from the one to the other.
    """

    asset: str
    exchange: str
    timeframe: str
    start_ns: int
    end_ns: int
    total_bars: int


@dataclass(frozen=True, slots=True)
class OptimizationSpec:
    """Everything an optimization was asked to do.

    A trial is a backtest: `backtest` tells which. Trials are the combinations of all axes for which the rules hold, in
    the order that the method says.

    Attributes:
        strategy_name: file stem of the strategy.
        datasets: what is traded; more than one when asset or timeframe is an axis.
        account: an Account as JSON types.
        axes: values by axis; first asset and timeframe where they are varied, then each parameter of the strategy.
        rules: expressions that must hold: the strategy's own, then the user's.
        objective: key of the metric that ranks trials.
        direction: ``maximize`` or ``minimize``.
        method: how combinations are chosen, one of algotrade.optimize.samplers.METHODS.
        max_trials: at most so many; None: all.
        seed: of the choice, where it is random.
        filters: bounds by key (``min_trades``, ``max_drawdown``) that a trial must keep to be ranked.
    """

    strategy_name: str
    datasets: tuple[DatasetRange, ...]
    account: Mapping[str, Any]
    axes: Mapping[str, tuple[ParamValue, ...]]
    rules: tuple[str, ...]
    objective: str
    direction: str = "maximize"
    method: str = "grid"
    max_trials: int | None = None
    seed: int = 1
    filters: Mapping[str, float] = field(default_factory=dict)

    def backtest(self, combination: Mapping[str, ParamValue]) -> tuple[BacktestSpec, int]:
        """Return the spec of the backtest that one combination of the axes is, and the index of its dataset."""
        wanted = {name: combination[name] for name in DATASET_AXES if name in self.axes}
        index = next(
            n
            for n, one in enumerate(self.datasets)
            if all(getattr(one, name) == value for name, value in wanted.items())
        )
        where = self.datasets[index]
        spec = BacktestSpec(
            strategy_name=self.strategy_name,
            asset=where.asset,
            exchange=where.exchange,
            timeframe=where.timeframe,
            start_ns=where.start_ns,
            end_ns=where.end_ns,
            parameters={name: value for name, value in combination.items() if name not in wanted},
            **{**self.account, "sizing": Sizing(**self.account["sizing"])},
        )
        return spec, index

    def to_dict(self) -> dict[str, Any]:
        """Return the spec as JSON types; `from_dict` gives an equal spec back."""
        out = {f.name: getattr(self, f.name) for f in fields(self)}
        out["datasets"] = [asdict(one) for one in self.datasets]
        out["axes"] = [[name, list(values)] for name, values in self.axes.items()]  # their order counts
        return out | {"account": dict(self.account), "rules": list(self.rules), "filters": dict(self.filters)}

    def to_key(self) -> dict[str, Any]:
        """Return what the run key has of the spec."""
        return {**self.to_dict(), "account": keyed(self.account)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Build a spec from `to_dict`'s output, or from that of a time when an account had fewer fields."""
        values = dict(data)
        values["account"] = Account.from_dict(data["account"]).account_dict()
        values["datasets"] = tuple(DatasetRange(**one) for one in data["datasets"])
        values["axes"] = {name: tuple(axis) for name, axis in data["axes"]}
        values["rules"] = tuple(data["rules"])
        return cls(**values)


@dataclass(frozen=True, slots=True)
class RunInputs:
    """What the names of a spec stood for when it was submitted.

    Attributes:
        source_hash: SHA-256 (hex) of the strategy's file and of every module it imports from the strategies folder.
        dataset_hash: content hash (hex) of the candles' version.
        instrument: tick_size, lot_size, currency of the dataset's instrument.
        engine: version of the execution rules and metrics (algotrade.engine.ENGINE_VERSION).
    """

    source_hash: str
    dataset_hash: str
    instrument: Mapping[str, Any]
    engine: str

    def to_dict(self) -> dict[str, Any]:
        """Return the inputs as JSON types."""
        return {**{f.name: getattr(self, f.name) for f in fields(self)}, "instrument": dict(self.instrument)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Build the inputs from `to_dict`'s output."""
        return cls(**data)


@dataclass(frozen=True, slots=True)
class OptimizationInputs:
    """What the names of an optimization's spec stood for when it was submitted.

    Attributes:
        source_hash: as in RunInputs.
        engine: as in RunInputs.
        datasets: dataset_hash and instrument of each of the spec's datasets.
    """

    source_hash: str
    engine: str
    datasets: tuple[Mapping[str, Any], ...]

    def of_dataset(self, index: int) -> RunInputs:
        """Return the inputs of a trial on one of the datasets: those of the same backtest alone."""
        return RunInputs(source_hash=self.source_hash, engine=self.engine, **self.datasets[index])

    def to_dict(self) -> dict[str, Any]:
        """Return the inputs as JSON types."""
        return {
            "source_hash": self.source_hash,
            "engine": self.engine,
            "datasets": [dict(one) for one in self.datasets],
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Build the inputs from `to_dict`'s output."""
        return cls(data["source_hash"], data["engine"], tuple(data["datasets"]))


def canonical_json(value: object) -> str:
    """Return `value` as JSON that does not depend on the order of keys: sorted, no blanks, no NaN, UTF-8 kept.

    Raises:
        ValueError: a float is NaN or infinite.
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def pins_of(
    spec: BacktestSpec | OptimizationSpec, inputs: RunInputs | OptimizationInputs
) -> list[tuple[str, str, str, str]]:
    """Return asset, exchange, timeframe and version of the candles that a run needs."""
    if isinstance(spec, OptimizationSpec) and isinstance(inputs, OptimizationInputs):
        pinned = zip(spec.datasets, (one["dataset_hash"] for one in inputs.datasets), strict=True)
        return [(where.asset, where.exchange, where.timeframe, version) for where, version in pinned]
    assert isinstance(spec, BacktestSpec)
    assert isinstance(inputs, RunInputs)
    return [(spec.asset, spec.exchange, spec.timeframe, inputs.dataset_hash)]


def run_key(spec: BacktestSpec | OptimizationSpec, inputs: RunInputs | OptimizationInputs) -> str:
    """Return the SHA-256 (64 hex digits) under which identical submissions are one run."""
    kind = type(spec).__name__
    text = canonical_json({"kind": kind, "spec": spec.to_key(), "inputs": inputs.to_dict()})
    return hashlib.sha256(text.encode()).hexdigest()


def family_key(spec: OptimizationSpec, inputs: OptimizationInputs, dataset: int) -> str:
    """Return the SHA-256 (64 hex digits) of all that determines a trial on one of the datasets but its parameters.

    Trials of one family with the same parameters are the same backtest, whatever optimization they belong to.
    """
    determines = {
        "strategy_name": spec.strategy_name,
        "dataset": asdict(spec.datasets[dataset]),
        "account": keyed(spec.account),
        "inputs": inputs.of_dataset(dataset).to_dict(),
    }
    return hashlib.sha256(canonical_json(determines).encode()).hexdigest()
