"""From a request to a frozen spec: names, bounds, defaults, range and hashes. The only validator.

The form, the JSON API and the command line all come here, so they accept and refuse the same things in the same words.
A request that is wrong in several fields is answered with all of them at once.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from algotrade.engine import ENGINE_VERSION
from algotrade.errors import MarketDataError, SpecError, StrategyError
from algotrade.market.store import CandleStore, Dataset
from algotrade.spec import FILL_MODES, SIZING_KINDS, BacktestSpec, ParamValue, RunInputs, Sizing, run_key
from algotrade.strategies.catalog import Catalog, StrategyInfo
from algotrade.strategies.rules import Rule

MAX_MONEY = 1e15
"""Largest amount of account currency: beyond it float64 no longer resolves a cent."""

ACCOUNT_FIELDS = (
    "strategy_name",
    "asset",
    "exchange",
    "timeframe",
    "start",
    "end",
    "initial_cash",
    "commission",
    "fixed_fee",
    "slippage_ticks",
    "slippage_frac",
    "fill",
    "sizing",
    "margin_ratio",
    "close_at_end",
    "risk_free_rate",
)


@dataclass(frozen=True, slots=True)
class Resolved:
    """A submission that can be run.

    Attributes:
        spec: what was asked, complete.
        inputs: what its names stand for now.
        run_key: SHA-256 of both.
        total_bars: bars of the range.
        strategy: the strategy's description.
        dataset: the candles' version.
    """

    spec: BacktestSpec
    inputs: RunInputs
    run_key: str
    total_bars: int
    strategy: StrategyInfo
    dataset: Dataset


def resolve_backtest(request: Mapping[str, Any], catalog: Catalog, store: CandleStore) -> Resolved:
    """Turn a request (API body, form or command line) into a spec.

    Args:
        request: the fields of ACCOUNT_FIELDS and `parameters`; numbers may be texts, as forms send them; an absent,
            empty or null field takes its default.
        catalog: where strategies are known.
        store: where candles are.

    Raises:
        SpecError: at least one field is wrong; `fields` has a message for each.
    """
    reader = _Reader(request)
    reader.refuse_unknown((*ACCOUNT_FIELDS, "parameters"))
    strategy = _strategy(reader, catalog)
    dataset = _dataset(reader, store)
    account = _account(reader)
    parameters = _parameters(reader, strategy) if strategy else {}
    start_ns, end_ns, total_bars = _range(reader, dataset, store) if dataset else (0, 0, 0)
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
        **account,
    )
    inputs = RunInputs(
        source_hash=strategy.source_hash,
        dataset_hash=dataset.version,
        instrument=dataset.instrument.to_dict(),
        engine=ENGINE_VERSION,
    )
    return Resolved(spec, inputs, run_key(spec, inputs), total_bars, strategy, dataset)


class _Reader:
    """Reads one field after the other and collects what is wrong."""

    def __init__(self, request: Mapping[str, Any]) -> None:
        self.request = request
        self.errors: dict[str, str] = {}

    def refuse_unknown(self, known: tuple[str, ...]) -> None:
        for name in self.request:
            if name not in known:
                self.errors[str(name)[:100]] = f"Unknown field {str(name)[:100]!r}. Known: {', '.join(known)}."

    def raw(self, name: str) -> Any:
        value = self.request.get(name)
        return None if isinstance(value, str) and not value.strip() else value

    def text(self, name: str) -> str | None:
        value = self.raw(name)
        if value is None:
            self.errors[name] = "This field is required."
        elif not isinstance(value, str):
            self.errors[name] = f"Must be a text; it is {_shown(value)}."
        else:
            return value.strip()
        return None

    def number(self, name: str, default: float, accepts: Callable[[float], bool], allowed: str) -> float:
        value = self.raw(name)
        if value is None:
            return default
        number = to_float(value)
        if number is None or not accepts(number):
            self.errors[name] = f"Must be {allowed}; it is {_shown(value)}."
            return default
        return number + 0.0  # -0.0 and 0.0 are one submission

    def flag(self, name: str, *, default: bool) -> bool:
        value = self.raw(name)
        if value is None:
            return default
        known = {True: True, False: False, "true": True, "false": False, "on": True, "off": False}
        if isinstance(value, bool | str) and value in known:
            return known[value]
        self.errors[name] = f"Must be true or false; it is {_shown(value)}."
        return default

    def choice(self, name: str, default: str, choices: tuple[str, ...]) -> str:
        value = self.raw(name)
        if value is None:
            return default
        if value in choices:
            return str(value)
        self.errors[name] = f"Must be one of {', '.join(choices)}; it is {_shown(value)}."
        return default


def to_float(value: object) -> float | None:
    """Return a finite float for a number or a text that is one (thousands may be set off by commas), else None."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value.replace(",", "") if isinstance(value, str) else value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _strategy(reader: _Reader, catalog: Catalog) -> StrategyInfo | None:
    name = reader.text("strategy_name")
    if name is None:
        return None
    try:
        return catalog.get(name)
    except StrategyError as error:
        reader.errors["strategy_name"] = str(error)
        return None


def _dataset(reader: _Reader, store: CandleStore) -> Dataset | None:
    """Find the dataset; when there is none, blame the first of asset, exchange, timeframe that no dataset has."""
    names = {name: reader.text(name) for name in ("asset", "exchange", "timeframe")}
    if any(value is None for value in names.values()):
        return None
    try:
        return store.get(str(names["asset"]), str(names["exchange"]), str(names["timeframe"]))
    except MarketDataError as error:
        remaining = store.datasets()
        for name, value in names.items():
            matching = [dataset for dataset in remaining if getattr(dataset, name) == value]
            if not matching:
                known = ", ".join(sorted({getattr(dataset, name) for dataset in remaining})) or "none yet"
                reader.errors[name] = f"There are no candles for the {name} {_shown(value)}. There are: {known}."
                return None
            remaining = matching
        reader.errors["asset"] = str(error)
        return None


def _account(reader: _Reader) -> dict[str, Any]:
    fraction: tuple[Callable[[float], bool], str] = (lambda x: 0 <= x < 1, "a fraction of at least 0 and below 1")
    return {
        "initial_cash": reader.number(
            "initial_cash", 10_000.0, lambda x: 0 < x <= MAX_MONEY, f"an amount above 0 and at most {MAX_MONEY:.0e}"
        ),
        "commission": reader.number("commission", 0.0, *fraction),
        "fixed_fee": reader.number("fixed_fee", 0.0, lambda x: 0 <= x <= MAX_MONEY, "an amount of at least 0"),
        "slippage_ticks": reader.number(
            "slippage_ticks", 0.0, lambda x: 0 <= x <= 1e6, "a number of ticks from 0 to 1,000,000"
        ),
        "slippage_frac": reader.number("slippage_frac", 0.0, *fraction),
        "fill": reader.choice("fill", "next_open", FILL_MODES),
        "sizing": _sizing(reader),
        "margin_ratio": reader.number("margin_ratio", 1.0, lambda x: 0 < x <= 1, "a fraction above 0 and at most 1"),
        "close_at_end": reader.flag("close_at_end", default=False),
        "risk_free_rate": reader.number(
            "risk_free_rate", 0.0, lambda x: -1 < x <= 1, "a yearly fraction above -1 and at most 1"
        ),
    }


def _sizing(reader: _Reader) -> Sizing:
    value = reader.raw("sizing")
    if value is None:
        return Sizing()
    if not isinstance(value, Mapping) or set(value) - {"kind", "value"}:
        reader.errors["sizing"] = f'Must be like {{"kind": "equity_fraction", "value": 1.0}}; it is {_shown(value)}.'
        return Sizing()
    inner = _Reader(value)
    kind = inner.choice("kind", "equity_fraction", SIZING_KINDS)
    if kind == "equity_fraction":
        size = inner.number("value", 1.0, lambda x: 0 < x <= 1, "a fraction above 0 and at most 1")
    else:
        size = inner.number("value", math.nan, lambda x: 0 < x <= MAX_MONEY, "a number above 0")
        if "value" not in inner.errors and math.isnan(size):
            inner.errors["value"] = f"Is required for {kind}."
    reader.errors.update({f"sizing.{name}": message for name, message in inner.errors.items()})
    return Sizing(kind, size)


def _parameters(reader: _Reader, strategy: StrategyInfo) -> dict[str, ParamValue]:
    given = reader.raw("parameters")
    if given is None:
        given = {}
    if not isinstance(given, Mapping):
        reader.errors["parameters"] = f"Must be an object of names and values; it is {_shown(given)}."
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


def _check_rules(reader: _Reader, strategy: StrategyInfo, values: dict[str, ParamValue]) -> None:
    for text in strategy.rules:
        rule = Rule.parse(text)
        named = [name for name in values if name in rule.names]
        field = f"parameters.{named[0]}" if named else "parameters"
        try:
            if not rule.holds(values):
                facts = " and ".join(f"{name} is {values[name]}" for name in named)
                reader.errors[field] = f"{text} is required; {facts}."
        except ValueError as error:
            reader.errors[field] = str(error)


def _range(reader: _Reader, dataset: Dataset, store: CandleStore) -> tuple[int, int, int]:
    """Return start, end (int64 ns, inclusive) and how many bars lie between."""
    start = _instant(reader, "start", dataset.first_ns, end_of_day=False)
    end = _instant(reader, "end", dataset.last_ns, end_of_day=True)
    if "start" in reader.errors or "end" in reader.errors:
        return start, end, 0
    if start >= end and not (start == end and dataset.n_bars == 1):
        reader.errors["start"] = f"Must be before the end; it is {_when(start)} and the end is {_when(end)}."
        return start, end, 0
    # A range is named by its first and last bar, so that two ways to say the same range are one run key.
    bars = store.load(dataset)
    first, last = bars.between(start, end)
    if first >= last:
        reader.errors["start"] = (
            f"There are no candles from {_when(start)} to {_when(end)}; {dataset.label} has bars from "
            f"{_when(dataset.first_ns)} to {_when(dataset.last_ns)}."
        )
        return start, end, 0
    return int(bars.time[first]), int(bars.time[last - 1]), last - first


def _instant(reader: _Reader, name: str, default: int, *, end_of_day: bool) -> int:
    """Return a moment in int64 ns: ISO 8601; without an offset it is UTC; a date alone is its first or last moment."""
    value = reader.raw(name)
    if value is None:
        return default
    try:
        moment, is_day = _parse_moment(value)
        if is_day and end_of_day:
            return to_ns(moment + timedelta(days=1)) - 1
        return to_ns(moment)
    except (ValueError, OverflowError):
        reader.errors[name] = (
            f"Must be a date or time such as 2020-12-31 or 2020-12-31T23:59:59Z (1678 to 2261); it is {_shown(value)}."
        )
        return default


def _parse_moment(value: object) -> tuple[datetime, bool]:
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.replace(tzinfo=UTC)), False
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=UTC), True
    if not isinstance(value, str):
        raise ValueError(value)
    text = value.strip()
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)), len(text) <= len("2020-12-31")


def to_ns(moment: datetime) -> int:
    """Return an aware moment as int64 UTC nanoseconds, exactly.

    Raises:
        OverflowError: it lies outside of what int64 nanoseconds can hold (1677 to 2262).
    """
    nanoseconds = (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) * 1_000
    if not -(2**63) <= nanoseconds < 2**63:
        raise OverflowError(moment)
    return nanoseconds


def _when(nanoseconds: int) -> str:
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=nanoseconds // 1_000)
    return moment.strftime("%Y-%m-%d %H:%M")
