"""Oracles on GOOG: O12, the figures of empyrical-reloaded, and the metrics of O1, those of backtesting.py."""

import csv
from importlib.resources import files

import numpy as np
import pytest

from algotrade.metrics import compute_metrics
from tests.result_builders import make_fill, make_result, make_trade

EMPYRICAL = {
    "sharpe_ratio": 0.88151856991295,
    "sortino_ratio": 1.35416736315074,
    "calmar_ratio": 0.42435360117084,
    "max_drawdown": -0.65294759972499,
    "volatility": 0.34405786161892,
}
BACKTESTING_PY = {
    "final_equity": 51959.95,
    "trades": 66,
    "max_drawdown": -0.4798012705007589,
    "profit_factor": 1.4840351832627903,
}


@pytest.fixture(scope="module")
def goog():
    """Return GOOG's daily times (int64 ns), opens and closes."""
    text = (files("backtesting") / "test" / "GOOG.csv").read_text()
    rows = list(csv.reader(text.splitlines()))[1:]
    time = np.array([row[0] for row in rows], dtype="datetime64[ns]").astype(np.int64)
    return time, np.array([float(row[1]) for row in rows]), np.array([float(row[4]) for row in rows])


@pytest.fixture(scope="module")
def share(goog):
    """Return the metrics of an account that is worth one share from the first close on, 252 days a year."""
    time, _, close = goog
    result = make_result(close[1:], time=time[1:], close=close[1:])
    return compute_metrics(result, initial_cash=close[0], days_per_year=252.0, risk_free_rate=0.0).values


@pytest.mark.parametrize(("key", "expected"), EMPYRICAL.items())
def test_metric_equals_empyricals(share, key, expected):
    assert share[key] == pytest.approx(expected, rel=1e-12, abs=1e-12)


def mean_of_last(values, n):
    means = np.full(len(values), np.nan)
    means[n - 1 :] = np.convolve(values, np.full(n, 1.0 / n), "valid")
    return means


def crossings(close, fast, slow):
    """Return +1 where the fast average rises above the slow one, -1 where it falls below, else 0."""
    above = np.sign(mean_of_last(close, fast) - mean_of_last(close, slow))
    before = np.concatenate([[np.nan], above[:-1]])
    return np.where((above > 0) & (before <= 0), 1, 0) - np.where((above < 0) & (before >= 0), 1, 0)


def flip(goog, signals, cash):
    """Return the result of turning to the signal's side at the next open, all in, in whole units, without costs."""
    time, opens, close = goog
    fills, trades, equity, position, entry, since = [], [], [], 0.0, 0.0, 0

    def leave(bar, price):
        side, held = np.sign(position), {"qty": abs(position), "entry": entry, "bars": (since, bar)}
        trades.append(make_trade(position * (price - entry), side=side, **held))
        fills.append(make_fill(bar, -position, price, 0.0))

    for bar, signal in enumerate(np.concatenate([[0], signals[:-1]])):
        if signal:
            if position:
                leave(bar, opens[bar])
            cash += position * opens[bar]
            position, entry, since = float(signal * (cash // opens[bar])), opens[bar], bar
            cash -= position * entry
            fills.append(make_fill(bar, position, entry, position))
        equity.append(cash + position * close[bar])
    leave(len(close) - 1, close[-1])
    return make_result(equity, time=time, close=close, fills=fills, trades=trades)


@pytest.fixture(scope="module")
def flipped(goog):
    """Return the metrics of O1: averages of 10 and 30 days, cash 10,000."""
    result = flip(goog, crossings(goog[2], 10, 30), 10_000.0)
    return compute_metrics(result, initial_cash=10_000.0, days_per_year=252.0, risk_free_rate=0.0).values


@pytest.mark.parametrize(("key", "expected"), BACKTESTING_PY.items())
def test_metric_equals_backtesting_pys(flipped, key, expected):
    assert flipped[key] == pytest.approx(expected, rel=1e-11)


def test_sides_of_the_flip_add_up(flipped):
    for key in ("net_profit", "total_return", "trades", "exposure"):
        assert flipped[f"long.{key}"] + flipped[f"short.{key}"] == pytest.approx(flipped[key], rel=1e-12)
