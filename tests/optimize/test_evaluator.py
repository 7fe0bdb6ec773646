"""Trials are backtests: the same bits as each alone, in any order, and none ends the others."""

import csv
from importlib.resources import files

import numpy as np
import pytest

from algotrade.engine.backtest import run_backtest
from algotrade.errors import RunCancelled
from algotrade.market.bars import Bars
from algotrade.market.instruments import Instrument
from algotrade.market.store import CandleStore
from algotrade.metrics import compute_metrics
from algotrade.metrics.vector import METRIC_KEYS
from algotrade.optimize.evaluator import TrialEvaluator
from algotrade.optimize.samplers import sampler_of
from algotrade.resolve import resolve_optimization
from algotrade.strategies.catalog import Catalog
from algotrade.strategies.sma_cross import SmaCross
from tests.environment import KERNELS

AXES = {"fast": {"min": 5, "max": 25, "step": 5}, "slow": {"min": 10, "max": 65, "step": 5}, "side": {"fixed": "both"}}


def goog():
    """Return the candles that backtesting.py brings for its own tests."""
    rows = list(csv.reader((files("backtesting") / "test" / "GOOG.csv").read_text().splitlines()))[1:]
    time = np.array([row[0] for row in rows], dtype="datetime64[ns]").astype(np.int64)
    return Bars(time, *(np.array([float(row[column]) for row in rows]) for column in range(1, 6)))


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    store = CandleStore(home / "candles")
    instrument = Instrument(asset="GOOG", exchange="X", tick_size=0.01, lot_size=1.0, currency="USD")
    store.add(goog(), instrument, "1d")
    return Catalog(home / "strategies", home / "archive"), store


@pytest.fixture
def asked(places):
    body = {"strategy_name": "sma_cross", "asset": "GOOG", "exchange": "X", "timeframe": "1d", "commission": 0.002}
    body |= {"axes": AXES, "objective": "final_equity"}
    return lambda **changes: resolve_optimization(body | changes, *places, max_combinations=100_000)


def evaluator_of(found, places, strategy=SmaCross):
    return TrialEvaluator(lambda: strategy, found.spec, found.inputs, places[1], KERNELS)


def never():
    return False


def test_grid_finds_the_best_that_another_engine_finds(asked, places):
    found = asked()
    evaluator = evaluator_of(found, places)
    outcomes = [evaluator.evaluate(number, never) for number in range(found.n_trials)]
    final = [outcome.vector[METRIC_KEYS.index("final_equity")] for outcome in outcomes]
    best = outcomes[int(np.argmax(final))]
    # O6: GOOG, commission .002, left open, by final equity, of backtesting.py
    assert (best.parameters["fast"], best.parameters["slow"]) == (10, 15)
    assert max(final) == pytest.approx(77829.05462, abs=1e-8)
    assert best.vector[METRIC_KEYS.index("trades")] == 152


@pytest.mark.parametrize("borrow_rate", [0.0, 0.05])
def test_every_trial_has_the_bits_of_its_backtest_alone(asked, places, borrow_rate):
    found = asked(borrow_rate=borrow_rate)
    evaluator = evaluator_of(found, places)
    dataset = found.datasets[0]
    for number in reversed(range(found.n_trials)):
        outcome = evaluator.evaluate(number, never)
        spec, _ = found.spec.backtest(outcome.parameters)
        alone = run_backtest(SmaCross, spec, places[1].load(dataset), dataset.instrument, cache_dir=KERNELS)
        values = compute_metrics(
            alone, initial_cash=spec.initial_cash, days_per_year=dataset.days_per_year, risk_free_rate=0.0
        ).values
        expected = np.array([np.nan if values[key] is None else values[key] for key in METRIC_KEYS])
        assert outcome.vector.tobytes() == expected.tobytes()
        assert (values["borrow_costs"] > 0.0) == (borrow_rate > 0.0)
        assert outcome.parameters == sampler_of(found.spec).ask(number, 1)[0]


def test_vector_has_a_place_for_every_metric_of_a_backtest(asked, places):
    found = asked()
    dataset = found.datasets[0]
    spec, _ = found.spec.backtest({"fast": 5, "slow": 10, "side": "both"})
    alone = run_backtest(SmaCross, spec, places[1].load(dataset), dataset.instrument, cache_dir=KERNELS)
    values = compute_metrics(alone, initial_cash=1e4, days_per_year=250.0, risk_free_rate=0.0).values
    assert sorted(values) == sorted(METRIC_KEYS)


class FailsForSome(SmaCross):
    """Divides by zero where fast is 15."""

    @staticmethod
    def on_bar(bars, ind, params, broker):
        if len(bars.close) > 100:
            share = 1.0 / (params.fast - 15)
            if share > 2.0:
                broker.buy()


def test_failing_trial_keeps_its_error_and_the_others_go_on(asked, places):
    found = asked(axes={"fast": {"values": [10, 15, 20]}, "slow": {"fixed": 30}})
    evaluator = evaluator_of(found, places, FailsForSome)
    good, bad, next_one = (evaluator.evaluate(number, never) for number in range(3))
    assert (good.error, next_one.error, bad.vector) == (None, None, None)
    assert bad.error.detail["parameters"] == {"fast": 15, "slow": 30, "side": "long"}
    assert bad.error.detail["bar"] == 100
    assert bad.error.detail["frames"][-1]["code"] == "share = 1.0 / (params.fast - 15)"


def test_trial_stops_between_strides_when_told_to(asked, places):
    with pytest.raises(RunCancelled):
        evaluator_of(asked(), places).evaluate(0, lambda: True)


def test_trial_beyond_the_last_one_is_an_error(asked, places):
    with pytest.raises(IndexError):
        evaluator_of(asked(), places).evaluate(10_000, never)
