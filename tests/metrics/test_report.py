"""The report: complete, finite, honest about what has no value."""

import json
import math
import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from algotrade.metrics import METRICS, compute_metrics
from algotrade.records import TRADE
from tests.result_builders import HOUR_NS, make_result, make_trade

MONEY = st.floats(-1e4, 1e4)
ACCOUNT = {"initial_cash": 1000.0, "days_per_year": 252.0, "risk_free_rate": 0.0}


@st.composite
def results(draw):
    """Draw a result whose equity and trades need not belong together: the report must hold for any."""
    equity = draw(st.lists(st.floats(-1e3, 1e6) | st.just(1000.0), min_size=1, max_size=30))
    closed = draw(st.lists(st.tuples(MONEY, st.sampled_from([-1, 1])), max_size=6))
    trades = [make_trade(profit, side=side) for profit, side in closed]
    if draw(st.booleans()):
        trades.append(make_trade(draw(MONEY), open_=True))
    step = draw(st.sampled_from([HOUR_NS, 24 * HOUR_NS]))
    return make_result(equity, trades=trades, step_ns=step, ruined_bar=draw(st.sampled_from([None, len(equity) - 1])))


@settings(max_examples=150, deadline=None)
@given(result=results(), cash=st.floats(1e-3, 1e9), risk_free=st.floats(-0.5, 5.0))
def test_report_values_are_finite_or_none_with_a_reason(result, cash, risk_free):
    report = compute_metrics(result, initial_cash=cash, days_per_year=365.25, risk_free_rate=risk_free)
    assert {key for key, value in report.values.items() if value is None} == set(report.reasons)
    assert all(math.isfinite(value) for value in report.values.values() if value is not None)
    assert not any(value == 0 and math.copysign(1, value) < 0 for value in report.values.values() if value is not None)


@settings(max_examples=80, deadline=None)
@given(result=results())
def test_report_values_keep_their_bounds(result):
    values = compute_metrics(result, **ACCOUNT).values
    bounds = dict.fromkeys(["win_rate", "exposure", "time_under_water", "probabilistic_sharpe_ratio"], (0.0, 1.0))
    bounds |= dict.fromkeys(["max_drawdown", "average_drawdown"], (-1.0, 0.0))
    for key, (low, high) in bounds.items():
        assert values[key] is None or low <= values[key] <= high
    assert values["net_profit"] == values["final_equity"] - 1000.0 == result.equity[-1] - 1000.0
    assert None in (values["worst_day"], values["best_day"]) or values["worst_day"] <= values["best_day"]
    assert values["trades"] == result.n_closed_trades >= values["winning_trades"] + values["losing_trades"]


@settings(max_examples=30, deadline=None)
@given(result=results(), power=st.integers(-8, 8))
def test_report_ratios_do_not_change_with_the_currency_unit(result, power):
    scale = 2.0**power  # a power of two scales without rounding
    trades = result.trades.copy()
    for name in ("profit", "entry_price", "exit_price"):
        trades[name] *= scale
    scaled = make_result(result.equity * scale, time=result.time, close=result.close * scale, trades=trades)
    ours = compute_metrics(result, **ACCOUNT).values
    theirs = compute_metrics(scaled, **ACCOUNT | {"initial_cash": 1000.0 * scale}).values
    keys = [key for key, metric in METRICS.items() if metric.unit != "money" and key != "ruined"]
    assert [theirs[key] for key in keys] == [ours[key] for key in keys]


def test_report_tells_counts_as_whole_numbers():
    values = compute_metrics(make_result(trades=[make_trade(5.0)]), **ACCOUNT).values
    counts = {key: value for key, value in values.items() if METRICS[key.rpartition(".")[2]].unit == "count"}
    assert counts["trades"] == 1
    assert {type(value) for value in counts.values()} == {int}


def test_report_has_every_metric_and_those_with_sides_thrice():
    sided = [key for key, metric in METRICS.items() if metric.has_sides]
    expected = [*METRICS, *(f"long.{key}" for key in sided), *(f"short.{key}" for key in sided)]
    assert list(compute_metrics(make_result(), **ACCOUNT).values) == expected


def test_report_has_the_keys_of_the_contract():
    contract = """net_profit total_return cagr buy_and_hold_return volatility sharpe_ratio sortino_ratio calmar_ratio
        max_drawdown max_drawdown_duration_days profit_factor win_rate expectancy trades exposure final_equity
        commissions average_trade best_trade worst_trade"""
    assert set(contract.split()) <= set(METRICS)


def test_report_counts_are_whole_numbers_of_json():
    values = compute_metrics(make_result(trades=[make_trade(1.0)]), **ACCOUNT).values
    assert all(type(values[key]) is int for key, metric in METRICS.items() if metric.unit == "count")
    assert json.loads(json.dumps(dict(values), allow_nan=False)) == values


def test_report_of_one_bar_without_trades():
    report = compute_metrics(make_result([1000.0], trades=np.zeros(0, TRADE)), **ACCOUNT)
    assert (report.values["net_profit"], report.values["total_return"], report.values["cagr"]) == (0.0, 0.0, 0.0)
    assert report.reasons["sharpe_ratio"] == "There are fewer than two trading days."
    assert report.reasons["win_rate"] == "There are no closed trades."


def test_report_of_a_figure_beyond_every_float_has_a_reason():
    # 1e300 / 1e-300 overflows: a figure, not a gain, and never Infinity in JSON.
    report = compute_metrics(make_result([1e300, 1e300]), **ACCOUNT | {"initial_cash": 1e-300})
    assert report.values["total_return"] is None
    assert report.reasons["total_return"] == "The figure is too large to show."


@pytest.mark.parametrize(
    ("name", "bad"),
    [("initial_cash", 0.0), ("days_per_year", math.nan), ("risk_free_rate", -1.0), ("initial_cash", math.inf)],
)
def test_report_refuses_numbers_out_of_bounds(name, bad):
    with pytest.raises(ValueError, match=name):
        compute_metrics(make_result(), **ACCOUNT | {name: bad})


def test_report_leaves_memory_mapped_results_alone(tmp_path):
    result = make_result([1000.0, 900.0, 1100.0], trades=[make_trade(100.0)])
    result.save(tmp_path)
    assert compute_metrics(type(result).load(tmp_path), **ACCOUNT) == compute_metrics(result, **ACCOUNT)


def run_python(code):
    """Return what a new interpreter prints; it shares this one's cache of compiled code."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_registry_is_read_without_loading_the_compiler():
    code = "import sys, algotrade.metrics as m; print(len(m.METRICS), *({'numba', 'django'} & set(sys.modules)))"
    assert run_python(code) == str(len(METRICS))


def test_compiled_pass_is_loaded_from_the_cache_by_a_new_process():
    compute_metrics(make_result(), **ACCOUNT)
    code = "from algotrade.metrics.stats_nb import stats_nb as f; print(sum(f.stats.cache_misses.values()))"
    assert run_python(code) == "0"
