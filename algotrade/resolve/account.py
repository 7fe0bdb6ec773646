"""The account part of every submission: strategy, dataset, range, cash, costs, sizes."""

import math
from collections.abc import Mapping
from typing import Any

from algotrade.account import ACCOUNT, ACCOUNT_FIELDS, MAX_MONEY, Account, AccountField, Sizing
from algotrade.errors import MarketDataError, StrategyError
from algotrade.market.store import CandleStore, Dataset
from algotrade.resolve.moments import read_instant, when
from algotrade.resolve.reader import Reader, shown
from algotrade.strategies.catalog import Catalog, StrategyInfo

SUBMISSION_FIELDS = ("strategy_name", "asset", "exchange", "timeframe", "start", "end", *ACCOUNT)
"""What every submission of a strategy may say."""


def read_strategy(reader: Reader, catalog: Catalog) -> StrategyInfo | None:
    """Return the strategy that the request names; None notes why not."""
    name = reader.text("strategy_name")
    if name is None:
        return None
    try:
        return catalog.get(name)
    except StrategyError as error:
        reader.errors["strategy_name"] = str(error)
        return None


def read_dataset(reader: Reader, store: CandleStore) -> Dataset | None:
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
                reader.errors[name] = f"There are no candles for the {name} {shown(value)}. There are: {known}."
                return None
            remaining = matching
        reader.errors["asset"] = str(error)
        return None


def read_account(reader: Reader) -> Account:
    """Return the account, which takes the default of what is not said or wrong."""
    return Account(**{declared.name: _value(reader, declared) for declared in ACCOUNT_FIELDS})


def _value(reader: Reader, declared: AccountField) -> Any:
    name, default = declared.name, declared.default
    match declared.kind:
        case "number":
            return reader.number(name, default, declared.accepts, declared.allowed)
        case "choice":
            return reader.choice(name, default, tuple(value for value, _ in declared.choices))
        case "flag":
            return reader.flag(name, default=default)
        case "sizing":
            return _sizing(reader)


def _sizing(reader: Reader) -> Sizing:
    value = reader.raw("sizing")
    if value is None:
        return Sizing()
    if not isinstance(value, Mapping) or set(value) - {"kind", "value"}:
        reader.errors["sizing"] = f'Must be like {{"kind": "equity_fraction", "value": 1.0}}; it is {shown(value)}.'
        return Sizing()
    inner = Reader(value)
    kind = inner.choice("kind", "equity_fraction", tuple(value for value, _ in ACCOUNT["sizing"].choices))
    if kind == "equity_fraction":
        size = inner.number("value", 1.0, lambda x: 0 < x <= 1, "a fraction above 0 and at most 1")
    else:
        size = inner.number("value", math.nan, lambda x: 0 < x <= MAX_MONEY, "a number above 0")
        if "value" not in inner.errors and math.isnan(size):
            inner.errors["value"] = f"Is required for {kind}."
    reader.errors.update({f"sizing.{name}": message for name, message in inner.errors.items()})
    return Sizing(kind, size)


def read_range(reader: Reader, dataset: Dataset, store: CandleStore) -> tuple[int, int, int]:
    """Return start, end (int64 ns, inclusive) and how many bars lie between."""
    start = read_instant(reader, "start", dataset.first_ns, end_of_day=False)
    end = read_instant(reader, "end", dataset.last_ns, end_of_day=True)
    if "start" in reader.errors or "end" in reader.errors:
        return start, end, 0
    if start >= end and not (start == end and dataset.n_bars == 1):
        reader.errors["start"] = f"Must be before the end; it is {when(start)} and the end is {when(end)}."
        return start, end, 0
    # A range is named by its first and last bar, so that two ways to say the same range are one run key.
    bars = store.load(dataset)
    first, last = bars.between(start, end)
    if first >= last:
        reader.errors["start"] = (
            f"There are no candles from {when(start)} to {when(end)}; {dataset.label} has bars from "
            f"{when(dataset.first_ns)} to {when(dataset.last_ns)}."
        )
        return start, end, 0
    return int(bars.time[first]), int(bars.time[last - 1]), last - first
