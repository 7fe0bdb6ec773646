"""Every built-in strategy does what its books say: its trades are those of the rule written a second time."""

import csv
from dataclasses import replace
from importlib import import_module

import numpy as np
import pytest

from algotrade.engine.checks import check_look_ahead, indicator_columns
from algotrade.market.sample import CHARACTERS, generate
from algotrade.records import Reason
from algotrade.spec import Sizing
from algotrade.strategies.base import parameters_of, strategy_class, with_parameters
from algotrade.strategies.catalog import Catalog
from tests.engine.market import backtest, bars_of, bytes_of, candles, random_bars
from tests.strategies import rules

OTHERS = {
    "sma_cross": {"fast": 5, "slow": 11, "side": "both"},
    "macd_trend": {"fast": 5, "slow": 13, "signal": 4, "side": "both"},
    "supertrend": {"length": 5, "width": 1.5, "side": "both"},
    "donchian_breakout": {"entry": 9, "leave": 9, "side": "both"},
    "keltner_channel": {"length": 9, "range_length": 5, "width": 0.8, "side": "both"},
    "bollinger_reversion": {"length": 9, "width": 1.2, "side": "both"},
    "connors_rsi2": {"length": 3, "low_mark": 30.0, "trend": 50, "leave": 3},
    "zscore_reversion": {"lookback": 2, "length": 30, "entry": 1.1, "hold": 3, "side": "both"},
    "time_series_momentum": {"lookback": 30, "hold": 7, "side": "both"},
    "volatility_breakout": {"length": 5, "width": 0.9, "hold": 4, "side": "both"},
    "high_momentum": {"length": 60, "enter": 0.999, "leave": 0.995},
}
"""Parameters besides the defaults, with which a strategy trades often and both ways."""
PLAIN = {"buy_and_hold", "regression_trend"}
"""Strategies without indicators: yardstick and example."""
each_strategy = pytest.mark.parametrize("name", OTHERS)


def strategy(name):
    """Return the class of a built-in strategy."""
    return strategy_class(import_module(f"algotrade.strategies.{name}"))


def parameters(name, *, is_default):
    """Return the default parameters of a strategy, or the others."""
    return {p.name: p.default for p in parameters_of(strategy(name))} | ({} if is_default else OTHERS[name])


def run(name, bars, *, compiled=True, is_default=False, **fields):
    """Return a backtest that always has the money for its one unit: decisions alone count."""
    fields = {"sizing": Sizing("quantity", 1.0), "initial_cash": 1e9, **fields}
    return backtest(
        strategy(name), bars, compiled=compiled, parameters=parameters(name, is_default=is_default), **fields
    )


def told(trades):
    """Return entry bar, exit bar and side of each trade; -1 for an exit that has not come."""
    exits = np.where(trades["exit_reason"] == Reason.NONE, -1, trades["exit_bar"])
    return list(zip(trades["entry_bar"].tolist(), exits.tolist(), trades["side"].tolist(), strict=True))


@pytest.fixture(scope="module", params=["GOOG", "EURUSD", "SPY-1h"])
def real(request):
    """Return real candles: days of a stock, hours of a currency, hours of a fund.

    Each bar is moved by a part of 10 million: a close exactly on an average would be on the side that rounding says.
    """
    bars = spy(request) if request.param == "SPY-1h" else candles(request.param)
    factors = 1.0 + np.random.default_rng(5).uniform(-1e-7, 1e-7, len(bars))
    return replace(bars, **{name: getattr(bars, name) * factors for name in ("open", "high", "low", "close")})


def spy(request):
    """Return hours of SPY, where they are."""
    with (request.getfixturevalue("shared_data") / "SPY-1h.csv").open() as file:
        rows = list(csv.DictReader(file))[:10_000]
    return bars_of([[float(row[name]) for name in ("open", "high", "low", "close")] for row in rows])


@each_strategy
@pytest.mark.parametrize("is_default", [True, False], ids=["default", "other"])
def test_strategy_trades_as_its_rule_says(real, name, is_default):
    result = run(name, real, is_default=is_default)
    expected = rules.trades_of(getattr(rules, name), real, parameters(name, is_default=is_default))
    assert told(result.trades) == expected
    assert len(expected) > (0 if is_default else 20)
    assert (result.trades["entry_price"] == real.open[result.trades["entry_bar"]]).all()


@each_strategy
def test_gears_agree_to_the_bit(name):
    bars = candles("EURUSD")
    fields = {"is_default": False, "commission": 0.0002, "sizing": Sizing(), "initial_cash": 10_000.0, "lot_size": 1e-8}
    assert bytes_of(run(name, bars, compiled=True, **fields)) == bytes_of(run(name, bars, compiled=False, **fields))


@each_strategy
@pytest.mark.parametrize("character", CHARACTERS, ids=lambda one: one.asset)
def test_strategy_trades_on_the_samples(name, character, samples):
    assert len(run(name, samples[character.asset], is_default=True).trades) > 0


@pytest.fixture(scope="module")
def samples():
    """Return the last bars of each sample by asset."""
    return {one.asset: generate(one) for one in CHARACTERS}


@each_strategy
def test_indicators_do_not_look_ahead(name):
    instance = with_parameters(strategy(name), parameters(name, is_default=True))
    for seed in (1, 2):
        bars = random_bars(seed, 3_000)
        check_look_ahead(instance, bars, *indicator_columns(instance, bars))


@each_strategy
@pytest.mark.parametrize("n_bars", [1, 2, 3, 30])
def test_few_bars_are_no_error(name, n_bars):
    bars = random_bars(3, n_bars)
    assert len(run(name, bars, is_default=True).equity) == n_bars


def test_every_built_in_strategy_is_proved_and_tells_its_bet(tmp_path):
    infos = {info.name: info for info in Catalog(tmp_path / "none", tmp_path / "archive").all()}
    assert set(infos) == set(OTHERS) | PLAIN
    for info in infos.values():
        assert (info.error, info.builtin) == (None, True)
        assert info.doc.startswith("Bet "), info.name
        assert "Source: " in info.doc or info.name in PLAIN, info.name
        assert all(param.help and (param.kind == "choice" or param.high is not None) for param in info.params)
