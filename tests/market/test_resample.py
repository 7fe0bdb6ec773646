"""Longer bars: first open, highest high, lowest low, last close, sum of volumes; none reaches over the end of a day."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from algotrade.errors import MarketDataError
from algotrade.market.bars import COLUMNS, Bars, timeframe_ns
from algotrade.market.resample import longer_timeframes, resample

NEW_YORK = "America/New_York"


def ns(text):
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 10**9


def bars(*rows):
    """Return bars of (time, open, high, low, close, volume)."""
    columns = list(zip(*rows, strict=True))
    time = np.array([ns(text) for text in columns[0]], np.int64)
    return Bars(time, *(np.array(column, float) for column in columns[1:]))


def flat(*times):
    return bars(*((text, 1, 1, 1, 1, 1) for text in times))


def rows(longer):
    stamps = [f"{datetime.fromtimestamp(moment // 10**9, UTC):%Y-%m-%dT%H:%M}" for moment in longer.time.tolist()]
    return list(zip(stamps, *(getattr(longer, name).tolist() for name in COLUMNS), strict=True))


def stamps(longer):
    return [row[0] for row in rows(longer)]


def test_four_bars_are_one_with_the_first_open_and_the_last_close():
    quarter = bars(
        ("2020-01-02T10:00", 10, 12, 9, 11, 100),
        ("2020-01-02T10:15", 11, 15, 11, 14, 50),
        ("2020-01-02T10:30", 14, 14, 8, 9, 25),
        ("2020-01-02T10:45", 9, 10, 9, 10, 5),
        ("2020-01-02T11:00", 10, 11, 10, 11, 7),
    )
    # open 10 (10:00), high 15 (10:15), low 8 (10:30), close 10 (10:45), volume 100 + 50 + 25 + 5
    assert rows(resample(quarter, "15m", "1h")) == [
        ("2020-01-02T10:00", 10, 15, 8, 10, 180),
        ("2020-01-02T11:00", 10, 11, 10, 11, 7),
    ]


def test_bar_of_which_the_first_part_is_missing_is_stamped_with_its_stretch():
    half = flat("2020-01-02T00:00", "2020-01-02T00:30", "2020-01-02T02:30")
    assert stamps(resample(half, "30m", "1h")) == ["2020-01-02T00:00", "2020-01-02T02:00"]


def test_session_that_opens_at_half_past_is_counted_from_there():
    day = [f"2020-01-02T{14 + at // 2:02}:{at % 2 * 30:02}" for at in range(1, 14)]  # 14:30 to 20:30 UTC, New York's
    assert stamps(resample(flat(*day), "30m", "1h", NEW_YORK)) == [f"2020-01-02T{hour}:30" for hour in range(14, 21)]
    assert stamps(resample(flat(*day), "30m", "4h", NEW_YORK)) == ["2020-01-02T14:30", "2020-01-02T18:30"]


def test_day_that_opened_late_does_not_move_the_others():
    times = [f"2020-01-0{day}T{hour}:30" for day in (6, 7, 8) for hour in range(14, 21)]
    times.remove("2020-01-07T14:30")
    assert stamps(resample(flat(*times), "1h", "4h"))[2:4] == ["2020-01-07T14:30", "2020-01-07T18:30"]


def test_bar_never_reaches_into_the_next_day():
    times = [f"2020-01-0{day}T{hour:02}:00" for day in (1, 2) for hour in range(24)]
    # 24 hours are 4 stretches of 5 and one of 4, on each day anew.
    assert stamps(resample(flat(*times), "1h", "5h")) == [
        f"2020-01-0{day}T{hour:02}:00" for day in (1, 2) for hour in (0, 5, 10, 15, 20)
    ]


def test_day_is_one_of_the_calendar():
    times = ["2020-01-02T23:00", "2020-01-03T04:00", "2020-01-03T05:00"]  # 18:00, 23:00 and midnight in New York
    assert stamps(resample(flat(*times), "1h", "1d")) == ["2020-01-02T00:00", "2020-01-03T00:00"]
    in_new_york = resample(flat(*times), "1h", "1d", NEW_YORK)
    assert stamps(in_new_york) == ["2020-01-02T05:00", "2020-01-03T05:00"]
    assert in_new_york.volume.tolist() == [2, 1]


def test_day_on_which_the_clock_is_put_back_has_25_hours():
    first = ns("2020-11-01T04:00")  # midnight in New York, UTC - 4
    time = first + np.arange(26, dtype=np.int64) * 3_600 * 10**9
    ones = np.ones(26)
    longer = resample(Bars(time, ones, ones, ones, ones, ones), "1h", "1d", NEW_YORK)
    assert longer.volume.tolist() == [25, 1]


def test_week_begins_on_monday_and_month_like_stretches_on_their_own_grid():
    days = [f"2020-01-{day:02}" for day in range(1, 15)]  # a Wednesday to the Tuesday after the next one
    assert stamps(resample(flat(*days), "1d", "1w")) == ["2019-12-30T00:00", "2020-01-06T00:00", "2020-01-13T00:00"]
    assert resample(flat(*days), "1d", "1w").volume.tolist() == [5, 7, 2]
    assert stamps(resample(flat(*days), "1d", "10d")) == ["2019-12-30T00:00", "2020-01-09T00:00"]  # day 18,260


@pytest.mark.parametrize(
    ("timeframe", "longer", "told"),
    [
        ("1h", "1h", "not longer than 1h"),
        ("1h", "30m", "not longer than 1h"),
        ("1h", "90m", "no multiple of 1h"),
        ("5m", "36h", "not a number of whole days"),
        ("1h", "x", "must be like 1m"),
    ],
)
def test_timeframe_that_does_not_fit_is_told(timeframe, longer, told):
    with pytest.raises(MarketDataError, match=told):
        resample(flat("2020-01-02T00:00"), timeframe, longer)


def test_longer_timeframes_are_those_that_fit():
    assert longer_timeframes("15m") == ["30m", "1h", "2h", "4h", "8h", "12h", "1d", "1w"]
    assert longer_timeframes("1h") == ["2h", "4h", "8h", "12h", "1d", "1w"]
    assert longer_timeframes("1d") == ["1w"]
    assert longer_timeframes("1w") == []


@hypothesis_settings(max_examples=60)
@given(
    minutes=st.lists(st.integers(0, 20_000), min_size=1, max_size=120, unique=True),
    longer=st.sampled_from(["5m", "15m", "1h", "4h"]),
    calendar=st.sampled_from(["UTC", NEW_YORK, "Asia/Kolkata"]),
    seed=st.integers(0, 2**32 - 1),
)
def test_longer_bars_hold_exactly_what_the_shorter_ones_do(minutes, longer, calendar, seed):
    time = np.array(sorted(minutes), np.int64) * 60 * 10**9 + ns("2020-03-01")  # New York's clocks change on the 8th
    low, first, last, high = np.sort(np.random.default_rng(seed).uniform(1, 100, (4, len(time))), axis=0)
    shorter = Bars(time, first, high, low, last, np.arange(len(time), dtype=float))
    made = resample(shorter, "1m", longer, calendar)
    groups = np.searchsorted(made.time, time, side="right") - 1
    assert sorted(set(groups.tolist())) == list(range(len(made)))
    for at in range(len(made)):
        inside = np.flatnonzero(groups == at)
        assert made.open[at] == first[inside[0]]
        assert made.close[at] == last[inside[-1]]
        assert made.high[at] == high[inside].max()
        assert made.low[at] == low[inside].min()
        assert made.volume[at] == inside.sum()
    days = [datetime.fromtimestamp(moment // 10**9, ZoneInfo(calendar)).date() for moment in time.tolist()]
    made_days = [datetime.fromtimestamp(moment // 10**9, ZoneInfo(calendar)).date() for moment in made.time.tolist()]
    assert [made_days[group] for group in groups] == days
    assert (time - made.time[groups] < timeframe_ns(longer)).all()


def test_longer_of_longer_is_longer_at_once():
    time = ns("2020-01-01") + np.arange(5_000, dtype=np.int64) * 60 * 10**9
    low, first, last, high = np.sort(np.random.default_rng(1).uniform(1, 100, (4, len(time))), axis=0)
    minutes = Bars(time, first, high, low, last, np.ones(len(time)))
    twice = resample(resample(minutes, "1m", "15m"), "15m", "4h")
    once = resample(minutes, "1m", "4h")
    assert rows(twice) == rows(once)
