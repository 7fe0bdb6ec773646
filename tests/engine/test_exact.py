"""Both gears against an exact account: every order's fate, every fill and trade, equity at every close."""

import numpy as np
import pytest

from algotrade.market.bars import DAY_NS, Bars
from algotrade.records import OrderStatus, Reason
from algotrade.spec import Sizing
from tests.engine.exact import account_of
from tests.engine.market import FIRST_NS, GEARS, backtest, bytes_of, random_orders

N_BARS = 60
REGIMES = {
    # lowest and highest first price, volatility, gap between bars, tick (0: every digit counts)
    "normal": (20.0, 400.0, 0.02, 0.005, 0.01),
    "gaps": (20.0, 400.0, 0.02, 0.15, 0.01),
    "flat": (1.0, 100.0, 0.0, 0.0, 0.01),
    "tiny": (1e-8, 2e-5, 0.05, 0.01, 1e-12),
    "huge": (2.5e5, 1e6, 0.02, 0.005, 0.5),
    "digits": (0.7, 70.0, 0.03, 0.01, 0.0),
    "volatile": (5.0, 500.0, 0.5, 0.1, 0.0001),
}
LOTS = (0.0, 1.0, 0.1, 1e-8, 100.0)
SIZES = (Sizing(), Sizing("equity_fraction", 0.3), Sizing("quantity", 7.0), Sizing("quote", 2_500.0))
NEARLY = 1e-9


def market(regime, rng):
    """Return bars of a regime, and the tick that orders slip by."""
    low, high, volatility, gap, tick = REGIMES[regime]
    start = np.exp(rng.uniform(np.log(low), np.log(high)))
    close = start * np.exp(np.cumsum(rng.normal(0, volatility, N_BARS)))
    opened = np.concatenate(([start], close[:-1])) * np.exp(rng.normal(0, gap, N_BARS))
    above, below = (np.exp(np.abs(rng.normal(0, volatility / 2, N_BARS)) * sign) for sign in (1, -1))
    columns = [opened, np.maximum(opened, close) * above, np.minimum(opened, close) * below, close]
    if tick:
        columns = [np.maximum(np.rint(column / tick), 1.0) * tick for column in columns]
    volume = np.where(rng.random(N_BARS) < 0.2, 0.0, 1_000.0)
    time = FIRST_NS + DAY_NS * np.cumsum(rng.integers(1, 4, N_BARS))
    return Bars(time.astype(np.int64), *columns, volume), tick or 1e-6


def case(regime, seed):
    """Return bars, orders and the fields of an account."""
    rng = np.random.default_rng([seed, *regime.encode()])
    bars, tick = market(regime, rng)

    def one(*values):
        return values[rng.integers(len(values))]

    fields = {
        "initial_cash": one(10_000.0, 500.0, 1_000_000.0),
        "commission": one(0.0, 0.001, 0.01),
        "fixed_fee": one(0.0, 1.0, 30.0),
        "slippage_ticks": one(0.0, 1.0, 7.0),
        "slippage_frac": one(0.0, 0.0005, 0.02),
        "borrow_rate": one(0.0, 0.03, 5.0),
        "margin_ratio": one(1.0, 0.5, 0.1),
        "fill": one("next_open", "this_close"),
        "close_at_end": one(True, False),
        "sizing": one(*SIZES),
        "lot_size": one(*LOTS),
        "tick_size": tick,
    }
    return bars, random_orders(seed, N_BARS, share=one(0.2, 0.5, 0.9)), fields


def check(regime, seed):
    """Compare both gears with the exact account; return how many fills there were, none where rounding decided of some.

    A case in which rounding may decide of a lot still has to agree in both gears, to the bit.
    """
    bars, orders, fields = case(regime, seed)
    exact = account_of(bars, orders, **fields)
    if exact.has_dust:
        return 0
    results = {name: backtest(orders, bars, compiled=gear, **fields) for name, gear in GEARS.items()}
    assert len({str(bytes_of(result)) for result in results.values()}) == 1, (regime, seed)
    name, result = next(iter(results.items()))
    try:
        agree(f"{regime} {seed} {name}", result, exact, fields)
    except AssertionError:
        if exact.has_edge:
            return 0
        raise
    return len(exact.fills)


def agree(at, result, exact, fields):
    """Compare a result with the exact account."""
    own = [(OrderStatus(o["status"]).name, Reason(o["reason"]).name, int(o["done_bar"])) for o in result.orders]
    assert own == exact.orders, at
    compare(at, result.fills, exact.fills, ("qty", "price", "commission"))
    closed = result.closed_trades
    assert closed[["entry_bar", "exit_bar", "side"]].tolist() == [trade[:3] for trade in exact.trades], at
    compare(at, closed, [trade[2:] for trade in exact.trades], ("qty", "profit", "mae", "mfe"))
    scale = np.max(np.abs(result.fills["qty"] * result.fills["price"]), initial=fields["initial_cash"])
    assert len(result.equity) == N_BARS
    known = np.array([float(value) for value in exact.equity])
    np.testing.assert_allclose(result.equity[: len(known)], known, rtol=NEARLY, atol=NEARLY * scale, err_msg=at)
    assert (result.equity[len(known) :] == result.equity[len(known) - 1]).all(), at


def compare(at, records, expected, names):
    """Compare columns of records with the exact ones, in units of the largest money that each row is about."""
    assert len(records) == len(expected), at
    for row, known in zip(records, expected, strict=True):
        values = [float(value) for value in known[1:]]
        money = abs(float(row["qty"])) * max(float(row[name]) for name in row.dtype.names if name.endswith("price"))
        for name, value in zip(names, values, strict=True):
            scale = 0.0 if name in ("qty", "price") else money
            assert row[name] == pytest.approx(value, rel=NEARLY, abs=NEARLY * scale), (at, name)


@pytest.mark.parametrize("regime", REGIMES)
def test_gears_agree_with_the_exact_account(regime):
    assert sum(check(regime, seed) for seed in range(40)) > 300


@pytest.mark.chaos
@pytest.mark.parametrize("regime", REGIMES)
def test_gears_agree_with_the_exact_account_in_thousands_of_cases(regime):
    assert sum(check(regime, seed) for seed in range(40, 640)) > 5_000
