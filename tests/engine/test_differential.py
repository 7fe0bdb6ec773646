"""The same orders on random candles, here and in backtesting.py: the same fills, equity to a billionth at every bar.

Where both mean something else by the same word, the cases keep to what both can say. The differences, and why they are
allowed:

- An order against the position turns it around there, and only reduces it here: reductions are never larger than the
  position, and a flip is a close and an order.
- A close fills there before the orders that were given earlier at the same bar, and closes only what was held when it
  was given: here a close comes first.
- Free margin is valued there at the close of the bar that an order fills in, which is not known yet at its open: sizes
  as a fraction are given when nothing is held, and orders in units can be paid at any price.
- A trade there is an entry, closed first in, first out, here it is the net position at its average price: trades are
  compared where each has one entry and one exit, elsewhere fills and equity are.
- A fixed fee is paid there for each entry that an order closes, here for each fill, and raises the price of each unit
  there when a size is a fraction: it is compared for sizes in units, where an order closes one entry.
- Margin below 1 serves purchases there, too, and a ruined account has exactly nothing left: neither occurs.
- Orders at the close are booked there into the bar before, without their fee in its equity, and closes still fill at
  the next open; the spread there is of entries alone: `this_close` and slippage have other oracles.
- Averages that are equal may differ by their rounding, and so cross or not: prices of that case have many digits.
- The first bar is not shown to a strategy there, and the last bar's open ends open trades if that is asked for: no
  order is given at the first bar, and open positions are left open.
"""

import numpy as np
import pandas as pd
import pytest
from backtesting import Backtest, Strategy

from algotrade.strategies.sma_cross import SmaCross
from tests.engine.market import backtest, random_bars

pytestmark = [
    pytest.mark.filterwarnings("ignore:Some trades remain open:UserWarning"),
    pytest.mark.filterwarnings("ignore:time=.*insufficient margin:UserWarning"),
    pytest.mark.filterwarnings("ignore:DatetimeIndex.dayofweek is deprecated"),
]
N_BARS = 120
COMMISSIONS = (0.0, 0.001, 0.002)


def peer(bars, strategy, cash, commission):
    """Return equity, fills and closed trades of backtesting.py."""
    columns = {name.title(): getattr(bars, name) for name in ("open", "high", "low", "close", "volume")}
    frame = pd.DataFrame(columns, index=pd.to_datetime(bars.time))
    stats = Backtest(frame, strategy, cash=cash, commission=commission).run()
    closed = stats["_trades"]
    fills = [
        (bar, size, price) for bar, size, price in closed[["EntryBar", "Size", "EntryPrice"]].itertuples(index=False)
    ]
    fills += [
        (bar, -size, price) for bar, size, price in closed[["ExitBar", "Size", "ExitPrice"]].itertuples(index=False)
    ]
    fills += [(trade.entry_bar, trade.size, trade.entry_price) for trade in stats["_strategy"].trades]
    return stats["_equity_curve"]["Equity"].to_numpy(), fills, closed


def by_bar(fills):
    """Return units bought and sold, with the price, by bar."""
    out = {}
    for bar, qty, price in fills:
        key = (int(bar), "buy" if qty > 0 else "sell", round(float(price), 2))
        out[key] = out.get(key, 0.0) + abs(float(qty))
    return out


def own(result):
    return by_bar(result.fills[["bar", "qty", "price"]].tolist())


def speaking(orders):
    """Return backtesting.py's strategy that gives a script's orders."""

    class Script(Strategy):
        def init(self):
            pass

        def next(self):
            for order in filter(None, orders.get(len(self.data) - 1, "").split("; ")):
                verb, _, size = order.partition(" ")
                amount = {"size": float(size.split("=")[1])} if size else {}
                if verb == "close":
                    self.position.close()
                else:
                    getattr(self, verb)(**amount)

    return Script


def orders_in_units(rng):
    """Return a script that opens, enlarges, reduces, closes and flips, in units."""
    orders, held = {}, 0
    for bar in range(1, N_BARS - 1):
        quantity = int(rng.integers(1, 40))
        match rng.integers(7):
            case 0 | 1:  # open or enlarge
                side = np.sign(held) or rng.choice([-1, 1])
                orders[bar] = f"{'buy' if side > 0 else 'sell'} quantity={quantity}"
                held += side * quantity
            case 2 if held:
                quantity = min(quantity, abs(held))
                orders[bar] = f"{'sell' if held > 0 else 'buy'} quantity={quantity}"
                held -= np.sign(held) * quantity
            case 3 if held:
                orders[bar], held = "close", 0
            case 4 if held:
                orders[bar] = f"close; {'sell' if held > 0 else 'buy'} quantity={quantity}"
                held = -np.sign(held) * quantity
    return orders


def orders_one_at_a_time(rng, sizes):
    """Return a script that is flat, or long or short by one order; some orders cannot be paid."""
    orders = {}
    for bar in range(1, N_BARS - 1):
        verb = rng.choice(["buy", "sell"])
        size = rng.choice([*sizes, " quantity=100000"]).format(
            fraction=rng.uniform(0.05, 0.95), units=rng.integers(1, 80)
        )
        if rng.random() < 0.3:
            orders[bar] = f"close; {verb}{size}"
        elif rng.random() < 0.1:
            orders[bar] = "close"
    return orders


@pytest.mark.parametrize("seed", range(60))
def test_orders_in_units_fill_alike(seed):
    commission = COMMISSIONS[seed % 3]
    bars, orders = random_bars(seed, N_BARS), orders_in_units(np.random.default_rng(seed))
    equity, fills, _ = peer(bars, speaking(orders), 1_000_000, commission)
    result = backtest(orders, bars, compiled=True, initial_cash=1_000_000.0, commission=commission)
    assert len(result.fills) > 30
    assert own(result) == by_bar(fills)
    np.testing.assert_allclose(result.equity, equity, rtol=1e-9)


@pytest.mark.parametrize("seed", range(80))
def test_single_orders_make_the_same_trades(seed):
    fee, fraction = (seed % 2) * 2.0, COMMISSIONS[seed % 3]
    sizes = [" quantity={units}"] if fee else ["", " fraction={fraction:.3f}", " fraction=0.001"]
    bars, orders = random_bars(seed, N_BARS), orders_one_at_a_time(np.random.default_rng(seed), sizes)
    equity, fills, trades = peer(bars, speaking(orders), 10_000, (fee, fraction))
    result = backtest(orders, bars, compiled=True, fixed_fee=fee, commission=fraction)
    assert result.ruined_bar is None
    assert len(result.fills) > 10
    assert own(result) == by_bar(fills)
    np.testing.assert_allclose(result.equity, equity, rtol=1e-9)
    closed = result.closed_trades
    assert closed[["entry_bar", "exit_bar"]].tolist() == list(
        trades.sort_values("ExitBar")[["EntryBar", "ExitBar"]].itertuples(index=False, name=None)
    )
    np.testing.assert_allclose(closed["profit"], trades.sort_values("ExitBar")["PnL"], rtol=1e-9, atol=1e-6)


def crossing(fast, slow):
    """Return backtesting.py's strategy that flips where averages of its own cross."""

    class Cross(Strategy):
        def init(self):
            close = pd.Series(self.data.Close)
            above = np.sign((close.rolling(fast).mean() - close.rolling(slow).mean()).round(9))
            before = above.shift()
            self.signal = np.where((above > 0) & (before <= 0), 1, 0) - np.where((above < 0) & (before >= 0), 1, 0)

        def next(self):
            signal = self.signal[len(self.data) - 1]
            if signal:
                self.position.close()
                (self.buy if signal > 0 else self.sell)()

    return Cross


@pytest.mark.parametrize("seed", range(60))
def test_crossing_averages_trade_alike(seed):
    commission = COMMISSIONS[seed % 3]
    fast, slow = [(2, 5), (3, 8), (5, 20)][seed // 3 % 3]
    bars = random_bars(1_000 + seed, 2 * N_BARS, start=100_000.0)
    equity, fills, trades = peer(bars, crossing(fast, slow), 100_000_000, commission)
    parameters = {"fast": fast, "slow": slow, "side": "both"}
    fields = {"initial_cash": 100_000_000.0, "commission": commission}
    result = backtest(SmaCross, bars, compiled=True, parameters=parameters, **fields)
    assert result.n_closed_trades == len(trades) > 4
    assert own(result) == by_bar(fills)
    np.testing.assert_allclose(result.equity, equity, rtol=1e-9)
