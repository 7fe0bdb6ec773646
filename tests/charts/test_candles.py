"""The price chart: candles with the extremes of their bars, and what happened upon the candle it belongs to."""

import gzip
import json
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from algotrade.charts.candles import (
    MAX_CANDLES,
    RAW_BARS,
    Buckets,
    aggregated,
    bars_between,
    buckets,
    candle_series,
    indicator_series,
    trade_markers,
)
from algotrade.market.bars import Bars
from algotrade.records import TRADE
from algotrade.results import MOST_INDICATORS
from tests.result_builders import HOUR_NS, START_NS, make_trade

SECOND = START_NS // 10**9
KILOBYTES_150 = 150_000


def make_bars(n, seed=1, step_ns=HOUR_NS):
    """Return bars of a walk around 100."""
    random = np.random.default_rng(seed)
    close = 100.0 * np.exp(np.cumsum(random.normal(0, 0.001, n)))
    open_ = np.concatenate([[100.0], close[:-1]])[:n]
    high, low = np.maximum(open_, close) + random.random(n), np.minimum(open_, close) - random.random(n)
    return Bars(START_NS + np.arange(n) * step_ns, open_, high, low, close, random.random(n))


FIVE = Bars(
    START_NS + np.arange(5) * HOUR_NS,
    np.array([10.0, 11.0, 12.0, 11.0, 9.0]),
    np.array([11.5, 13.0, 12.5, 11.0, 9.5]),
    np.array([9.5, 10.5, 10.0, 8.0, 8.5]),
    np.array([11.0, 12.0, 11.0, 9.0, 9.25]),
    np.array([1.0, 2.0, 4.0, 8.0, 16.0]),
)


def test_candles_of_two_bars_by_hand():
    # Bars 0 and 1: open 10, high max(11.5, 13), low min(9.5, 10.5), close 12, volume 1 + 2; bar 4 is a candle alone.
    series = candle_series(FIVE, Buckets(0, 5, 2))
    assert series == {
        "time": [SECOND, SECOND + 7_200, SECOND + 14_400],
        "open": [10.0, 12.0, 9.0],
        "high": [13.0, 12.5, 9.5],
        "low": [9.5, 8.0, 8.5],
        "close": [12.0, 9.0, 9.25],
        "volume": [3.0, 12.0, 16.0],
        "span": [3_600, 3_600, 0],
        "first_bar": 0,
        "bars_per_candle": 2,
        "n_bars": 5,
    }


def test_candles_of_a_window_without_bars_are_empty():
    series = candle_series(FIVE, buckets(3, 3, 5))
    assert [len(series[name]) for name in ("time", "open", "high", "low", "close", "volume")] == [0] * 6
    assert trade_markers(np.array([make_trade(1.0)], TRADE), buckets(3, 3, 5))["candle"] == []


def test_bars_between_takes_both_ends_and_any_number():
    assert bars_between(FIVE.time, START_NS + HOUR_NS, START_NS + 3 * HOUR_NS) == (1, 4)
    assert bars_between(FIVE.time, START_NS + 1, START_NS + 2 * HOUR_NS - 1) == (1, 2)
    assert bars_between(FIVE.time, -(10**30), 10**30) == (0, 5)
    assert bars_between(FIVE.time, 10**30, -(10**30)) == (5, 5)


def test_few_bars_are_sent_as_they_are():
    assert buckets(1_000, 1_000 + RAW_BARS, 100_000) == Buckets(1_000, 1_000 + RAW_BARS, 1)


@pytest.mark.parametrize(
    ("first", "last", "px", "expected"),
    [
        # 10,000 bars on 600 candles: 16.7 each, the next step is 24; 24 * 41 = 984 is the last multiple below 1,000.
        (1_000, 11_000, 1_200, Buckets(984, 11_016, 24)),
        # To the end of the bars, and no further: 100,000 bars on 600 candles are 166.7 each, so 192.
        (0, 200_000, 1_200, Buckets(0, 100_000, 192)),
        # 50 candles at least: 2,000 bars each, so 2,048.
        (-5, 100_000, 1, Buckets(0, 100_000, 2_048)),
    ],
)
def test_buckets_by_hand(first, last, px, expected):
    assert buckets(first, last, 100_000, px) == expected


@settings(max_examples=60, deadline=None)
@given(first=st.integers(-10, 40_000), n=st.integers(0, 40_000), px=st.integers(-5, 6_000))
def test_buckets_hold_what_was_asked_for_in_few_candles(first, n, px):
    chosen = buckets(first, first + n, 30_000, px)
    assert chosen.first <= max(0, first) or chosen.first == chosen.last
    assert chosen.last >= min(30_000, first + n)
    assert chosen.size == 1 or chosen.first % chosen.size == 0
    assert len(chosen.starts) == len(chosen.ends) <= max(RAW_BARS, MAX_CANDLES + 1)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6), n=st.integers(1, 400), first=st.integers(0, 399), size=st.integers(1, 90))
def test_candles_have_the_extremes_of_their_bars(seed, n, first, size):
    bars = make_bars(n, seed)
    chosen = Buckets(min(first, n - 1), n, size)
    candles = aggregated(bars, chosen)
    for i, (start, end) in enumerate(zip(chosen.starts, chosen.ends, strict=True)):
        raw = bars.slice(start, end + 1)
        assert (candles.time[i], candles.open[i], candles.close[i]) == (raw.time[0], raw.open[0], raw.close[-1])
        assert (candles.high[i], candles.low[i]) == (raw.high.max(), raw.low.min())
        assert candles.volume[i] == pytest.approx(raw.volume.sum())
    assert chosen.ends[-1] == n - 1


def test_series_keeps_one_spike_among_half_a_million_bars():
    bars = make_bars(500_000, step_ns=60 * 10**9)
    high, low = bars.high.copy(), bars.low.copy()
    high[123_457], low[400_001] = 12_345.67, 0.5
    spiked = Bars(bars.time, bars.open, high, low, bars.close, bars.volume)
    series = candle_series(spiked, buckets(0, 500_000, 500_000))
    assert (max(series["high"]), min(series["low"])) == (12_345.67, 0.5)


def test_indicator_is_told_at_each_candles_close():
    values = np.array([np.nan, np.nan, 3.0, 4.123456789, -0.0])
    assert indicator_series(values, Buckets(0, 5, 2)) == [None, 4.123457, 0.0]
    assert indicator_series(values, Buckets(1, 3, 1)) == [None, 3.0]
    assert indicator_series(np.array([np.inf, 1.0]), Buckets(0, 2, 1)) == [None, 1.0]


TRADES = np.array(
    [
        make_trade(5.0, bars=(1, 4), qty=2.0, entry=100.0),
        make_trade(-3.0, bars=(4, 7), qty=1.0, entry=50.0, side=-1),
        make_trade(1.0, bars=(8, 9), entry=10.0, open_=True),
    ],
    TRADE,
)


def test_markers_of_single_bars_by_hand():
    # 5 / (2 * 100) and -3 / (1 * 50); the third trade is open: it has no exit.
    assert trade_markers(TRADES, Buckets(0, 10, 1)) == {
        "candle": [1, 4, 4, 7, 8],
        "kind": ["entry", "exit", "entry", "exit", "entry"],
        "side": ["long", "long", "short", "short", "long"],
        "trade": [1, 1, 2, 2, 3],
        "trades": [1, 1, 1, 1, 1],
        "return": [None, 0.025, None, -0.06, None],
    }


def test_markers_of_crowded_candles_are_one_each():
    # Candle 0, bars 0-4: entry 1, exit 1, entry 2: two trades. Candle 1, bars 5-9: exit 2 and entry 3, one of each.
    markers = trade_markers(TRADES, Buckets(0, 10, 5))
    assert markers["candle"] == [0, 1, 1]
    assert markers["kind"] == ["several", "exit", "entry"]
    assert (markers["trade"], markers["trades"]) == ([1, 2, 3], [2, 1, 1])
    assert markers["return"] == [None, -0.06, None]


def test_markers_outside_of_the_window_are_left_out():
    assert trade_markers(TRADES, Buckets(5, 8, 1))["candle"] == [2]
    assert trade_markers(TRADES[:0], Buckets(0, 10, 1))["candle"] == []


@settings(max_examples=60, deadline=None)
@given(gaps=st.lists(st.integers(0, 6), max_size=60), size=st.integers(1, 20))
def test_markers_tell_every_trade_of_a_window(gaps, size):
    at = np.cumsum([0, *gaps])
    trades = np.array([make_trade(1.0, bars=(a, b)) for a, b in pairwise(at)], TRADE)
    chosen = Buckets(0, int(at[-1]) + 1, size)
    markers = trade_markers(trades, chosen)
    told = {
        (candle, trade + i)
        for candle, trade, n in zip(markers["candle"], markers["trade"], markers["trades"], strict=True)
        for i in range(n)
    }
    events = zip(
        np.concatenate([trades["entry_bar"], trades["exit_bar"]]) // size, [*range(len(trades))] * 2, strict=True
    )
    assert told == {(int(candle), trade + 1) for candle, trade in events}
    assert markers["candle"] == sorted(markers["candle"])


def payload(n, px, n_indicators, n_trades):
    """Return the bytes that travel for a window of n bars, as they are written and as they are compressed."""
    bars = make_bars(n, step_ns=60 * 10**9)
    every = n // n_trades
    trades = np.array([make_trade(0.123456, bars=(i * every, (i + 1) * every - 1)) for i in range(n_trades)], TRADE)
    chosen = buckets(0, n, n, px)
    series = candle_series(bars, chosen) | {
        "lines": [indicator_series(bars.close * (i + 2), chosen) for i in range(n_indicators)]
    }
    text = json.dumps(
        {**series, "markers": trade_markers(trades, chosen)}, allow_nan=False, separators=(",", ":")
    ).encode()
    return len(text), len(gzip.compress(text, 6))


@pytest.mark.parametrize("px", [390, 1_200, 1_400])
def test_overview_of_half_a_million_bars_with_trades_stays_below_150_kilobytes(px):
    written, _ = payload(500_000, px, n_indicators=4, n_trades=10_000)
    assert written < KILOBYTES_150


def test_most_that_a_chart_is_sent_travels_in_less_than_150_kilobytes():
    # As many bars as are sent raw, as many indicators as are kept, a trade every other bar.
    _, compressed = payload(RAW_BARS, 1_200, n_indicators=MOST_INDICATORS, n_trades=RAW_BARS // 2)
    assert compressed < KILOBYTES_150
