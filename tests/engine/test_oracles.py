"""Figures of other engines on real candles: O1, O3, O4, O5 by backtesting.py (and O6's best), O10 by vectorbt."""

import numpy as np
import pytest

from algotrade.strategies.sma_cross import SmaCross
from tests.engine.market import GEARS, backtest, candles

pytestmark = pytest.mark.parametrize("compiled", list(GEARS.values()), ids=list(GEARS))


@pytest.fixture(scope="module")
def goog():
    return candles("GOOG")


def flips(bars, fast, slow, compiled, **fields):
    """Return a run that is always long or short, all-in, in whole units."""
    parameters = {"fast": fast, "slow": slow, "side": "both"}
    return backtest(SmaCross, bars, compiled=compiled, parameters=parameters, **fields)


def profit_factor(result):
    profits = result.trades["profit"]
    return profits[profits > 0].sum() / -profits[profits < 0].sum()


def max_drawdown(result):
    return (result.equity / np.maximum.accumulate(result.equity) - 1.0).min()


def test_o1_google_10_30_without_costs(goog, compiled):
    result = flips(goog, 10, 30, compiled, close_at_end=True)
    assert result.n_bars == 2_148
    assert result.equity[-1] == pytest.approx(51_959.95, abs=1e-8)
    assert result.n_closed_trades == len(result.trades) == 66
    assert max_drawdown(result) == pytest.approx(-0.4798012705007589, abs=1e-10)
    assert profit_factor(result) == pytest.approx(1.4840351832627903, abs=1e-8)


def test_o3_google_10_20_with_commission_left_open(goog, compiled):
    result = flips(goog, 10, 20, compiled, commission=0.002)
    assert result.equity[-1] == pytest.approx(56_263.51934, abs=1e-8)
    assert (result.n_closed_trades, result.has_open_trade) == (93, True)
    assert result.commissions == pytest.approx(10_660.86066, abs=1e-8)
    assert result.closed_trades["commission"].sum() == pytest.approx(10_563.95154, abs=1e-8)


def test_o3_google_10_20_with_commission_closed_at_the_end(goog, compiled):
    result = flips(goog, 10, 20, compiled, commission=0.002, close_at_end=True)
    assert result.equity[-1] == pytest.approx(56_152.26512, abs=1e-8)
    assert (result.n_closed_trades, result.has_open_trade) == (94, False)
    assert result.commissions == pytest.approx(result.closed_trades["commission"].sum(), abs=1e-8)


def test_o4_google_10_20_without_costs(goog, compiled):
    result = flips(goog, 10, 20, compiled, close_at_end=True)
    assert result.equity[-1] == pytest.approx(81_812.37, abs=1e-8)
    assert result.n_closed_trades == 94


def test_o5_euro_10_20_without_costs(compiled):
    result = flips(candles("EURUSD"), 10, 20, compiled, close_at_end=True)
    assert result.equity[-1] == pytest.approx(10_080.41974, abs=1e-8)
    assert result.n_closed_trades == 263
    assert profit_factor(result) == pytest.approx(1.0228175879739752, abs=1e-8)


def test_o6_best_of_the_grid(goog, compiled):
    result = flips(goog, 10, 15, compiled, commission=0.002)
    assert result.equity[-1] == pytest.approx(77_829.05462, abs=1e-8)
    assert result.n_closed_trades == 152


@pytest.mark.parametrize(
    ("costs", "expected"),
    [
        ({}, 72_771.57406801813),
        ({"commission": 0.001}, 66_309.01639603433),
        ({"commission": 0.001, "slippage_frac": 0.0005}, 63_296.24476466605),
    ],
)
def test_o10_google_10_20_long_at_the_close(goog, compiled, costs, expected):
    parameters = {"fast": 10, "slow": 20, "side": "long"}
    fields = {"fill": "this_close", "lot_size": 0.0, **costs}
    result = backtest(SmaCross, goog, compiled=compiled, parameters=parameters, **fields)
    assert result.equity[-1] == pytest.approx(expected, rel=1e-9)
    assert len(result.trades) == 47
