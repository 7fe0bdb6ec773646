"""The chart's series: true in every extreme, every point a bar, never too large to send."""

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from algotrade.charts import MAX_POINTS, equity_series
from algotrade.metrics import drawdown_series
from tests.result_builders import DAY_NS, START_NS, make_result

N_MANY = 500_000
KILOBYTES_150 = 150_000


def walk(n, seed, scale=1e-3):
    return np.exp(np.cumsum(np.random.default_rng(seed).normal(0.0, scale, n)))


def make_long_result(n=20_000, seed=1, cash=10_000.0, **fields):
    """Return a result whose equity and close wander apart; no bar but the first is worth the initial cash."""
    equity = np.concatenate([[cash], cash * walk(n - 1, seed)])
    return make_result(equity, step_ns=60_000_000_000, **({"close": 50.0 * walk(n, seed + 1)} | fields))


def rounded(values, digits=8):
    """Return values rounded to significant digits of the largest, as the chart promises."""
    return np.round(values, max(digits - 1 - math.floor(math.log10(np.abs(values).max())), 0))


def test_series_of_few_bars_is_complete():
    # Hold: 1000 at the first close of 100 is 10 units. Peaks 1000, 1100, 1100: 990 / 1100 - 1 = -0.1.
    result = make_result([1000.0, 1100.0, 990.0], close=np.array([100.0, 90.0, 120.0]))
    day = DAY_NS // 10**9
    assert equity_series(result) == {
        "time": [START_NS // 10**9 + row * day for row in range(3)],
        "equity": [1000.0, 1100.0, 990.0],
        "hold": [1000.0, 900.0, 1200.0],
        "drawdown": [0.0, 0.0, -0.1],
    }


def test_series_window_includes_both_ends():
    series = equity_series(
        make_result(np.arange(1.0, 11.0)), from_ns=START_NS + 2 * DAY_NS, to_ns=START_NS + 4 * DAY_NS
    )
    assert series["equity"] == [3.0, 4.0, 5.0]


def test_series_window_between_bars_starts_at_the_next_bar():
    series = equity_series(make_result(np.arange(1.0, 11.0)), from_ns=START_NS + 1, to_ns=START_NS + 2 * DAY_NS - 1)
    assert series["equity"] == [2.0]


@pytest.mark.parametrize(
    ("from_ns", "to_ns"), [(START_NS + 90 * DAY_NS, None), (None, 0), (START_NS + DAY_NS, START_NS)]
)
def test_series_of_a_window_without_bars_is_empty(from_ns, to_ns):
    series = equity_series(make_result(np.arange(1.0, 11.0)), from_ns=from_ns, to_ns=to_ns)
    assert series == {"time": [], "equity": [], "hold": [], "drawdown": []}


def test_series_window_tells_drawdown_from_the_peak_before_it():
    result = make_result([1000.0, 2000.0, 1500.0, 1600.0])
    assert equity_series(result, from_ns=START_NS + 2 * DAY_NS)["drawdown"] == [-0.25, -0.2]


def test_series_window_may_reach_beyond_int64():
    result = make_result(np.arange(1.0, 4.0))
    assert equity_series(result, from_ns=-(10**30), to_ns=10**30)["equity"] == [1.0, 2.0, 3.0]
    assert equity_series(result, from_ns=10**30)["equity"] == []


def test_series_of_one_bar():
    assert equity_series(make_result([1000.0]))["equity"] == [1000.0]


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), n=st.integers(MAX_POINTS + 1, 30_000), px=st.integers(-5, 6_000))
def test_series_extremes_equal_those_of_all_bars(seed, n, px):
    result = make_long_result(n, seed)
    series = equity_series(result, px=px)
    full = {
        "equity": rounded(result.equity),
        "hold": rounded(result.close / result.close[0] * 10_000.0),
        "drawdown": np.round(drawdown_series(result.equity, 10_000.0), 6),
    }
    for name, values in full.items():
        assert (min(series[name]), max(series[name])) == (values.min(), values.max())


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6), first=st.integers(0, 9_000), n=st.integers(1, 11_000), px=st.integers(1, 2_000))
def test_series_points_are_bars_in_order(seed, first, n, px):
    result = make_long_result(seed=seed)
    last = first + n - 1
    series = equity_series(result, from_ns=int(result.time[first]), to_ns=int(result.time[last]), px=px)
    rows = np.searchsorted(result.time // 10**9, series["time"])
    assert (rows[0], rows[-1]) == (first, last)
    assert np.all(np.diff(rows) > 0)
    assert np.allclose(series["equity"], result.equity[rows], rtol=1e-7)
    assert np.allclose(series["hold"], result.close[rows] / result.close[0] * 10_000.0, rtol=1e-7)


def test_series_keeps_one_spike_among_many_bars():
    equity = np.full(N_MANY, 10_000.0)
    equity[123_457], equity[400_001] = 9_000.0, 10_500.25
    series = equity_series(make_result(equity, step_ns=60_000_000_000))
    assert (min(series["equity"]), max(series["equity"]), min(series["drawdown"])) == (9_000.0, 10_500.25, -0.1)


@pytest.mark.parametrize("px", [1, 1200, 4000, 10**9])
@pytest.mark.parametrize("cash", [0.5, 10_000.0, 1e10])
def test_series_of_half_a_million_bars_stays_below_150_kilobytes(px, cash):
    equity = cash * (2.0 + np.random.default_rng(3).random(N_MANY))  # the worst case: no two extremes coincide
    equity[0] = cash
    result = make_result(equity, step_ns=60_000_000_000, close=10.0 + np.random.default_rng(4).random(N_MANY))
    series = equity_series(result, px=px)
    assert len(series["time"]) <= MAX_POINTS
    assert len(json.dumps(series, allow_nan=False)) < KILOBYTES_150


def test_series_holds_no_negative_zero():
    assert "-0.0," not in json.dumps(equity_series(make_result([1e9, 1e9 - 1e-3, 1e9])))
