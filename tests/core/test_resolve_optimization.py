"""Submissions of optimizations: what is filled in, what is counted, what is refused, and what a trial of them is."""

from datetime import UTC, datetime

import numpy as np
import pytest

from algotrade.errors import SpecError
from algotrade.market.bars import Bars
from algotrade.market.instruments import Instrument
from algotrade.market.store import CandleStore
from algotrade.optimize.samplers import make_sampler
from algotrade.optimize.space import Axis, Space
from algotrade.resolve import optimization, resolve_backtest, resolve_optimization, to_ns
from algotrade.spec import OptimizationInputs, OptimizationSpec, run_key
from algotrade.strategies.catalog import Catalog
from algotrade.strategies.rules import Rule

HOUR = 3_600_000_000_000
START = to_ns(datetime(2020, 1, 1, tzinfo=UTC))
ACCOUNT = {"strategy_name": "sma_cross", "asset": "SPY", "exchange": "NYSE", "timeframe": "1h", "commission": 0.001}
AXES = {"fast": {"min": 2, "max": 50, "step": 2}, "slow": {"values": [20, 50, 100]}, "side": {"fixed": "both"}}
LIMIT = 10_000


def store_bars(store, asset, timeframe, n_bars, step):
    close = 100.0 + np.arange(n_bars) % 7
    time = START + step * np.arange(n_bars)
    bars = Bars(time=time, open=close, high=close + 1, low=close - 1, close=close, volume=np.ones(n_bars))
    instrument = Instrument(asset=asset, exchange="NYSE", tick_size=0.01, lot_size=1.0, currency="USD")
    store.add(bars, instrument, timeframe)


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    store = CandleStore(home / "candles")
    store_bars(store, "SPY", "1h", 240, HOUR)
    store_bars(store, "QQQ", "1h", 120, HOUR)
    store_bars(store, "SPY", "1d", 90, 24 * HOUR)
    return Catalog(home / "strategies", home / "archive"), store


@pytest.fixture
def resolve(places):
    return lambda **changes: resolve_optimization({**ACCOUNT, "axes": AXES} | changes, *places, max_combinations=LIMIT)


def refused(resolve, **changes):
    with pytest.raises(SpecError) as caught:
        resolve(**changes)
    return caught.value.fields


def test_combinations_are_counted_before_and_after_the_rules(resolve):
    found = resolve()
    # 25 x 3 combinations; of slow 20 those with fast 20 to 50 go (16), of slow 50 the one with fast 50
    assert (found.total, found.n_trials) == (75, 75 - 16 - 1)
    assert found.spec.rules == ("fast < slow",)
    assert found.spec.axes["side"] == ("both",)
    assert (found.spec.objective, found.spec.direction, found.spec.method) == ("sharpe_ratio", "maximize", "grid")


def test_parameter_without_an_axis_takes_its_default(resolve):
    assert resolve(axes={"fast": {"values": [5, 6]}}).spec.axes == {"fast": (5, 6), "slow": (30,), "side": ("long",)}


def test_own_rules_come_on_top_of_the_strategys(resolve):
    found = resolve(rules=["slow - fast >= 40", "fast < slow"])
    assert found.spec.rules == ("fast < slow", "slow - fast >= 40")
    assert found.n_trials == 5 + 25  # slow 50 with fast 2 to 10, slow 100 with every fast


def test_limit_of_trials_bounds_an_optimization(resolve):
    found = resolve(method="random", max_trials=7, seed=3)
    assert (found.n_trials, found.spec.max_trials, found.spec.seed) == (7, 7, 3)


def test_random_method_may_choose_from_more_than_the_limit(resolve):
    axes = {"fast": {"min": 2, "max": 200}, "slow": {"min": 5, "max": 400}}
    found = resolve(axes=axes, method="random", max_trials=500)
    assert (found.total, found.n_valid, found.n_trials) == (199 * 396, 59_498, 500)


def test_grid_may_leave_out_most_by_rules(resolve):
    axes = {"fast": {"min": 2, "max": 200}, "slow": {"min": 5, "max": 400}}
    found = resolve(axes=axes, rules=["slow == 2 * fast"])
    assert (found.total, found.n_trials) == (199 * 396, 198)  # fast 3 to 200


def test_space_to_choose_from_is_bounded(places, monkeypatch):
    monkeypatch.setattr(optimization, "MAX_SPACE", 70_000)
    axes = {"fast": {"min": 2, "max": 200}, "slow": {"min": 5, "max": 400}}
    with pytest.raises(SpecError) as caught:
        resolve_optimization(
            {**ACCOUNT, "axes": axes, "method": "random", "max_trials": 5}, *places, max_combinations=LIMIT
        )
    assert "78,804 combinations exceed the limit of 70,000. Increase a step." in caught.value.fields["axes"]


def test_spec_and_inputs_survive_json(resolve):
    found = resolve(filters={"min_trades": 30, "max_drawdown": 0.2}, axes={**AXES, "asset": {"values": ["SPY", "QQQ"]}})
    assert OptimizationSpec.from_dict(found.spec.to_dict()) == found.spec
    assert OptimizationInputs.from_dict(found.inputs.to_dict()) == found.inputs
    assert run_key(OptimizationSpec.from_dict(found.spec.to_dict()), found.inputs) == found.run_key


def test_run_key_tells_optimizations_apart_and_finds_equal_ones(resolve):
    key = resolve().run_key
    assert resolve(axes={**AXES, "fast": {"values": list(range(2, 51, 2))}}).run_key == key
    changes = [{"objective": "cagr"}, {"direction": "minimize"}, {"seed": 2}, {"commission": 0.0}, {"max_trials": 58}]
    assert len({key, *(resolve(**change).run_key for change in changes)}) == 6


def test_trial_is_the_same_backtest_alone(resolve, places):
    found = resolve(axes={**AXES, "asset": {"values": ["SPY", "QQQ"]}})
    space = Space(tuple(Axis(n, v) for n, v in found.spec.axes.items()), tuple(map(Rule.parse, found.spec.rules)))
    trial = make_sampler("grid", space, None, 1).ask(58, 1)[0]  # the first one on the second asset
    spec, dataset = found.spec.backtest(trial)
    alone = resolve_backtest(
        {**ACCOUNT, "asset": "QQQ", "parameters": {"fast": 2, "slow": 20, "side": "both"}}, *places
    )
    assert (spec, found.inputs.of_dataset(dataset)) == (alone.spec, alone.inputs)
    assert run_key(spec, found.inputs.of_dataset(dataset)) == alone.run_key


def test_assets_and_timeframes_are_axes(resolve):
    found = resolve(axes={**AXES, "asset": {"values": ["SPY", "QQQ"]}})
    assert (found.total, found.n_trials) == (150, 116)
    assert [(one.asset, one.total_bars) for one in found.spec.datasets] == [("SPY", 240), ("QQQ", 120)]
    found = resolve(axes={**AXES, "timeframe": {"values": ["1d", "1h"]}})
    assert [one.total_bars for one in found.spec.datasets] == [90, 240]
    assert list(found.spec.axes) == ["timeframe", "fast", "slow", "side"]


@pytest.mark.parametrize(
    ("changes", "field", "said"),
    [
        ({"axes": {"speed": {"values": [1]}}}, "axes.speed", "no parameter 'speed'"),
        ({"axes": {"fast": {"min": 1, "max": 9}}}, "axes.fast", "from 2 to 200; it is 1"),
        ({"axes": [1]}, "axes", "Must be an object"),
        ({"axes": {"fast": {"min": 60, "max": 90}}}, "axes", "None of the 31 combinations meets the rules"),
        (
            {"axes": {"fast": {"min": 2, "max": 200}, "slow": {"min": 5, "max": 400}}},
            "axes",
            # of 199 x 396 pairs those with slow 5 to 200 and fast of at least slow go: 196 x 197 / 2
            "59,498 trials exceed the limit of 10,000. Increase a step or use the method random. "
            "There are fast 199 x slow 396.",
        ),
        (
            {"axes": {"fast": {"min": 2, "max": 200}, "slow": {"min": 5, "max": 400}}, "method": "random"},
            "axes",
            "59,498 trials exceed the limit of 10,000. Increase a step or set max_trials.",
        ),
        ({"axes": {"fast": {"min": 2, "max": 50, "step": 0}}}, "axes.fast", "Step must be greater than 0. It is 0."),
        ({"axes": {"fast": {"min": 9, "max": 2}}}, "axes.fast", "Max must be at least min. Min is 9 and max is 2."),
        ({"axes": {"asset": {"values": ["SPY", "GLD"]}}}, "axes.asset", "no candles for the asset 'GLD'"),
        ({"axes": {"asset": {"fixed": "SPY"}}}, "axes.asset", "Must be like"),
        ({"rules": ["fast <"]}, "rules", "not an expression"),
        ({"rules": ["fast < volume"]}, "rules", "'volume', which is not a parameter"),
        ({"rules": {"a": 1}}, "rules", "a list"),
        ({"objective": "luck"}, "objective", "Must be one of"),
        ({"direction": "up"}, "direction", "maximize, minimize"),
        ({"method": "magic"}, "method", "grid, random"),
        ({"max_trials": 0}, "max_trials", "from 1 to 10,000"),
        ({"seed": -1}, "seed", "at least 0"),
        ({"filters": {"min_luck": 1}}, "filters.min_luck", "key of a metric"),
        ({"filters": {"min_trades": "many"}}, "filters.min_trades", "a number"),
        ({"filters": {"max_drawdown": -0.2}}, "filters.max_drawdown", "a fraction from 0 to 1; it is -0.2"),
        ({"parameters": {"fast": 5}}, "parameters", "Unknown field"),
        ({"asset": "GLD"}, "asset", "no candles for the asset 'GLD'"),
        ({"start": "2021-01-01"}, "start", "before the end"),
    ],
)
def test_bad_submission_names_its_field(resolve, changes, field, said):
    fields = refused(resolve, **changes)
    assert said in fields.get(field, ""), fields
