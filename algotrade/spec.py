"""What was asked, frozen: the spec of a run, its canonical JSON and its run key.

A spec is made by resolve.py only and is complete: every default is filled in, every name resolved. The inputs are what
the spec means on this day: hashes of the strategy's source, the candles, the instrument and the engine. Both together
give the run key, so a changed strategy or changed candles under the same name can never return an old result.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Self

ParamValue = int | float | bool | str

FILL_MODES = ("next_open", "this_close")
SIZING_KINDS = ("equity_fraction", "quantity", "quote")


@dataclass(frozen=True, slots=True)
class Sizing:
    """How large an order is when the strategy does not say.

    Attributes:
        kind: ``equity_fraction`` (value is a fraction of free equity, 0 < value <= 1), ``quantity`` (value in units of
            the asset) or ``quote`` (value in account currency).
        value: size in the unit of `kind`.
    """

    kind: str = "equity_fraction"
    value: float = 1.0


@dataclass(frozen=True, slots=True)
class BacktestSpec:
    """Everything a backtest was asked to do.

    Attributes:
        strategy_name: file stem of the strategy.
        asset, exchange, timeframe: the dataset, for example SPY, NYSE, 1h.
        start_ns, end_ns: int UTC nanoseconds, both inclusive: bars with start <= open time <= end are traded.
            Indicators may warm up on bars before the start.
        initial_cash: account currency, > 0.
        commission: fraction of notional per fill.
        fixed_fee: account currency per fill.
        slippage_ticks: adverse ticks per market or stop fill.
        slippage_frac: adverse fraction of the price per market or stop fill.
        fill: ``next_open`` or ``this_close``.
        sizing: default order size.
        margin_ratio: fraction of a short's notional that is reserved.
        close_at_end: whether an open position is closed at the last close.
        risk_free_rate: annual fraction, for Sharpe and its kin.
        parameters: the strategy's parameters by name, complete.
    """

    strategy_name: str
    asset: str
    exchange: str
    timeframe: str
    start_ns: int
    end_ns: int
    parameters: Mapping[str, ParamValue]
    initial_cash: float = 10_000.0
    commission: float = 0.0
    fixed_fee: float = 0.0
    slippage_ticks: float = 0.0
    slippage_frac: float = 0.0
    fill: str = "next_open"
    sizing: Sizing = field(default_factory=Sizing)
    margin_ratio: float = 1.0
    close_at_end: bool = False
    risk_free_rate: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        """Return the spec as JSON types; `from_dict` gives an equal spec back."""
        out = {f.name: getattr(self, f.name) for f in fields(self)}
        out["parameters"] = dict(self.parameters)
        out["sizing"] = asdict(self.sizing)
        return out

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Build a spec from `to_dict`'s output."""
        values = dict(data)
        values["sizing"] = Sizing(**values["sizing"])
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


def canonical_json(value: object) -> str:
    """Return `value` as JSON that does not depend on the order of keys: sorted, no blanks, no NaN, UTF-8 kept.

    Raises:
        ValueError: a float is NaN or infinite.
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def run_key(spec: BacktestSpec, inputs: RunInputs) -> str:
    """Return the SHA-256 (64 hex digits) under which identical submissions are one run."""
    kind = type(spec).__name__
    text = canonical_json({"kind": kind, "spec": spec.to_dict(), "inputs": inputs.to_dict()})
    return hashlib.sha256(text.encode()).hexdigest()
