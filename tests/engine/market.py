"""Bars, strategies and backtests for the engine's tests."""

import csv
import importlib.util
import sys
from dataclasses import replace
from importlib.resources import files
from typing import Any, NamedTuple

import numpy as np

from algotrade.engine.backtest import run_backtest
from algotrade.market.bars import DAY_NS, Bars
from algotrade.market.instruments import Instrument
from algotrade.ports import NullSink
from algotrade.records import OrderStatus, Reason
from algotrade.results import BacktestResult
from algotrade.spec import BacktestSpec
from algotrade.strategies import bollinger, sma
from algotrade.strategies.base import Param, Strategy, parameters_of, strategy_class
from tests.environment import KERNELS

FIRST_NS = 1_577_836_800 * 1_000_000_000  # 2020-01-01
GEARS = {"interpreted": False, "compiled": True}
VERBS = {"": 0, "buy": 1, "sell": 2, "close": 3}
SIZES = {"": 0, "quantity": 1, "fraction": 2, "quote": 3}
SLOTS = ("a", "b", "c")
"""Orders that a script can give at one bar."""


class Script(NamedTuple):
    """What Scripted does: verb, unit of the size, and size, of each slot at each bar."""

    columns: dict[str, np.ndarray]


def _act(verb, unit, size, broker):
    if verb == 3:
        broker.close()
    elif verb == 1:
        if unit == 1:
            broker.buy(quantity=size)
        elif unit == 2:
            broker.buy(fraction=size)
        elif unit == 3:
            broker.buy(quote=size)
        else:
            broker.buy()
    elif verb == 2:
        if unit == 1:
            broker.sell(quantity=size)
        elif unit == 2:
            broker.sell(fraction=size)
        elif unit == 3:
            broker.sell(quote=size)
        else:
            broker.sell()


class Scripted(Strategy):
    """Gives the orders of a script, so that one compilation serves every case."""

    script: Script

    def indicators(self, bars):
        return {name: column[: len(bars)] for name, column in self.script.columns.items()}

    @staticmethod
    def on_bar(bars, ind, params, broker):
        _act(ind.verb_a[-1], ind.unit_a[-1], ind.size_a[-1], broker)
        _act(ind.verb_b[-1], ind.unit_b[-1], ind.size_b[-1], broker)
        _act(ind.verb_c[-1], ind.unit_c[-1], ind.size_c[-1], broker)


def scripted(n_bars: int, orders: dict[int, str]) -> type[Scripted]:
    """Return a strategy that gives at each bar its orders: ``{1: "buy quantity=100", 4: "close; sell"}``."""
    script = Script({f"{kind}_{slot}": np.zeros(n_bars) for slot in SLOTS for kind in ("verb", "unit", "size")})
    for bar, text in orders.items():
        for slot, order in zip(SLOTS, text.split(";"), strict=False):
            verb, _, rest = order.strip().partition(" ")
            unit, _, size = rest.partition("=")
            script.columns[f"verb_{slot}"][bar] = VERBS[verb]
            script.columns[f"unit_{slot}"][bar] = SIZES[unit]
            script.columns[f"size_{slot}"][bar] = float(size or 0)
    return type("Scripted", (Scripted,), {"script": script, "__module__": __name__})


def strategy_from(folder, source: str, name: str = "mine") -> type[Strategy]:
    """Write a strategy's file into a folder, as a user does, and import it from there."""
    path = folder / f"{name}.py"
    path.write_text("from algotrade.strategies import *\n" + source)
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # inspect finds a class's file through its module
    spec.loader.exec_module(module)
    return strategy_class(module)


def bars_of(rows, *, step_ns: int = DAY_NS) -> Bars:
    """Return bars of (open, high, low, close) rows; a row of two is (open, close), one number is all four prices."""
    full = []
    for row in rows:
        match row:
            case (open_, high, low, close):
                full.append((open_, high, low, close))
            case (open_, close):
                full.append((open_, max(open_, close), min(open_, close), close))
            case price:
                full.append((price,) * 4)
    columns = np.array(full, dtype=np.float64).T
    time = FIRST_NS + step_ns * np.arange(len(full), dtype=np.int64)
    return Bars(time, *(np.ascontiguousarray(column) for column in columns), np.full(len(full), 1000.0))


def candles(name: str) -> Bars:
    """Return real candles that backtesting.py brings for its own tests: days of GOOG, hours of EURUSD."""
    rows = list(csv.reader((files("backtesting") / "test" / f"{name}.csv").read_text().splitlines()))[1:]
    time = np.array([row[0] for row in rows], dtype="datetime64[ns]").astype(np.int64)
    return Bars(time, *(np.array([float(row[column]) for row in rows]) for column in range(1, 6)))


def random_bars(seed: int, n_bars: int, *, start: float = 100.0, volatility: float = 0.02) -> Bars:
    """Return candles of a random walk on a tick of 0.01, with gaps between bars."""
    rng = np.random.default_rng(seed)
    close = start * np.exp(np.cumsum(rng.normal(0, volatility, n_bars)))
    open_ = np.concatenate(([start], close[:-1])) * np.exp(rng.normal(0, volatility / 4, n_bars))
    high = np.maximum(open_, close) * np.exp(np.abs(rng.normal(0, volatility / 2, n_bars)))
    low = np.minimum(open_, close) * np.exp(-np.abs(rng.normal(0, volatility / 2, n_bars)))
    prices = [np.maximum(np.round(column, 2), 0.01) for column in (open_, high, low, close)]
    time = FIRST_NS + DAY_NS * np.arange(n_bars, dtype=np.int64)
    return Bars(time, *prices, rng.integers(1, 10_000, n_bars).astype(np.float64))


def spec_for(strategy, bars: Bars, parameters: dict[str, Any] | None = None, **fields) -> BacktestSpec:
    """Return a spec over all the bars without costs, with the strategy's defaults where nothing else is said."""
    defaults = {param.name: param.default for param in parameters_of(strategy)}
    spec = BacktestSpec(
        strategy_name="mine",
        asset="TEST",
        exchange="EX",
        timeframe="1d",
        start_ns=int(bars.time[0]),
        end_ns=int(bars.time[-1]),
        parameters=defaults | (parameters or {}),
    )
    return replace(spec, **fields)


def backtest(
    strategy,
    bars: Bars,
    *,
    compiled: bool | None = None,
    parameters: dict[str, Any] | None = None,
    tick_size: float = 0.01,
    lot_size: float = 1.0,
    stride: int | None = None,
    counting: bool = False,
    sink=None,
    cache_dir=KERNELS,
    **fields,
) -> BacktestResult:
    """Run a strategy class, or a script of orders by bar, through the engine's public function."""
    if isinstance(strategy, dict):
        strategy = scripted(len(bars), strategy)
    return run_backtest(
        strategy,
        spec_for(strategy, bars, parameters, **fields),
        bars,
        Instrument("TEST", "EX", tick_size, lot_size),
        cache_dir=cache_dir,
        sink=sink or NullSink(),
        stride=stride,
        compiled=compiled,
        counting=counting,
    )


def bytes_of(result: BacktestResult) -> dict[str, Any]:
    """Return everything a result holds, arrays as their bytes: equal means equal to the bit."""
    names = ("time", "close", "equity", "orders", "fills", "trades")
    numbers = (result.cash.hex(), result.position.hex(), result.commissions.hex())
    return {name: getattr(result, name).tobytes() for name in names} | {
        "numbers": numbers,
        "charges": {name: total.hex() for name, total in result.charges.items()},
        "ruined_bar": result.ruined_bar,
    }


class Watching(Strategy):
    """Decides by what the broker tells of the account alone."""

    @staticmethod
    def on_bar(bars, ind, params, broker):
        if broker.position == 0.0:
            if broker.cash == broker.equity:
                broker.buy()
        elif broker.bars_held >= 2 and broker.entry_price == bars.close[-1]:
            broker.sell()


class Busy(Strategy):
    """Trades often, both ways, in parts, by parameters of every kind."""

    mode = Param("both", choices=["trend", "revert", "both"])
    size = Param(0.5, low=0.01, high=1.0)  # a record of NumPy has a size of its own
    std = Param(3, low=1, high=50)
    flips = Param(True)

    def indicators(self, bars):
        upper, middle, lower = bollinger(bars.close, 5, 1.0)
        return {"upper": upper, "middle": middle, "lower": lower, "fast": sma(bars.close, self.std)}

    @staticmethod
    def on_bar(bars, ind, params, broker):
        if len(bars.close) < 6:
            return
        change = bars.close[-1] / bars.close[-2] - 1.0
        if params.mode_revert:
            change = -change
        elif params.mode_both and bars.volume[-1] % 2.0 == 0.0:
            change = change * -0.5
        if broker.position != 0.0 and broker.bars_held > params.std:
            broker.close()
        elif change > 0.01 and ind.fast[-1] > ind.lower[-1]:
            if params.flips and broker.position < 0.0:
                broker.close()
            broker.buy(fraction=params.size)
        elif change < -0.01 and ind.fast[-1] < ind.upper[-1]:
            if params.flips and broker.position > 0.0:
                broker.close()
            broker.sell(quote=broker.equity * params.size * 0.25 + 1.0)
        elif bars.high[-1] > ind.upper[-1] and broker.cash > 0.0:
            broker.buy(quantity=(bars.high[-1] - bars.low[-1]) / bars.open[-1] * 40.0 + 0.5)
        elif ind.middle[-1] > bars.close[-1] + 0.5:
            broker.sell()


def random_orders(seed: int, n_bars: int, *, share: float = 0.5) -> dict[int, str]:
    """Return a script of random orders, most of which can be paid, at about this share of the bars."""
    rng = np.random.default_rng(seed)
    kinds = (
        lambda: "close",
        lambda: f"{rng.choice(['buy', 'sell'])}",
        lambda: f"{rng.choice(['buy', 'sell'])} quantity={rng.uniform(0.4, 60):.3f}",
        lambda: f"{rng.choice(['buy', 'sell'])} fraction={rng.uniform(0.01, 1):.3f}",
        lambda: f"{rng.choice(['buy', 'sell'])} quote={rng.uniform(50, 9_000):.2f}",
    )
    return {
        bar: "; ".join(kinds[rng.integers(len(kinds))]() for _ in range(rng.integers(1, 4)))
        for bar in range(n_bars)
        if rng.random() < share
    }


def told(records, *names):
    """Return columns of records as tuples, one for each row."""
    return [tuple(row[name].item() for name in names) for row in records]


def outcomes(result):
    """Return (status, reason, bar) of each order."""
    return [
        (OrderStatus(status), Reason(reason), bar)
        for status, reason, bar in told(result.orders, "status", "reason", "done_bar")
    ]


def filled(bar):
    return OrderStatus.FILLED, Reason.SIGNAL, bar


def rejected(reason, bar):
    return OrderStatus.REJECTED, reason, bar
