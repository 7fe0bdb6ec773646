"""The benchmarks: what they compare does the same work, and each part ends with figures."""

import math

import numpy as np
import pytest

from algotrade.engine.backtest import run_backtest
from algotrade.strategies.sma_cross import SmaCross
from runs.bench import engine
from runs.bench.candles import COMMISSION, INSTRUMENT, random_walk, spec_of
from runs.bench.goals import Goal
from runs.bench.minimal import run_minimal_loop


@pytest.mark.parametrize(
    ("goal", "line"),
    [
        (Goal("speed", 1234.5, 1000.0, note="well"), "1,234  >= 1,000       met      well"),
        (Goal("time", 0.71, 0.6, is_at_least=False, unit=" s"), "0.71 s  <= 0.60 s      not met"),
        (Goal("peer", None, 5.0, unit="x", note="no network"), "—  >= 5.00x       skipped  no network"),
        (Goal("share", 25.0, unit=" %"), "25.00 %"),
    ],
)
def test_goal_is_told_in_one_line(goal, line):
    assert goal.line().endswith(line)


def test_minimal_loop_trades_as_the_engine_does(tmp_path):
    bars = random_walk(3_000)
    spec = spec_of(bars, {"fast": 5, "slow": 20, "side": "long"})
    result = run_backtest(SmaCross, spec, bars, INSTRUMENT, cache_dir=tmp_path, compiled=False)
    equity = np.empty(len(bars))
    n_trades = run_minimal_loop(bars.open, bars.close, 5, 20, spec.initial_cash, COMMISSION, equity)
    assert n_trades == np.count_nonzero(result.trades["exit_reason"])
    np.testing.assert_allclose(equity, result.equity, rtol=1e-6)  # lots of 1e-8 units


def test_engine_is_measured_to_the_end():
    goals = list(engine.measure(lambda _text: None, n_bars=5_000, rounds=1, peers=False))
    assert len(goals) == 5
    assert all(goal.figure is not None and math.isfinite(goal.figure) for goal in goals)
