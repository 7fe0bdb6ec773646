"""Gaps are bars missing inside a day; nights, weekends and holidays are none, and a year has the days that are seen."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from algotrade.market.calendar import Gap, empty_days, find_gaps, trades_on_weekends, trading_days_per_year
from algotrade.market.importing.imports import import_candles
from algotrade.market.store import CandleStore

MINUTE_NS = 60 * 10**9
HOUR_NS = 60 * MINUTE_NS
DAY_NS = 24 * HOUR_NS


def ns(text):
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 10**9


def times(*texts):
    return np.array([ns(text) for text in texts], np.int64)


def days(first, last, *, weekdays=range(7), without=(), hours=(0,)):
    """Return bars at `hours` of the days from first to last whose weekday (Monday is 0) is asked for."""
    first, last = date.fromisoformat(first), date.fromisoformat(last)
    every = [first + timedelta(at) for at in range((last - first).days + 1)]
    kept = [day for day in every if day.weekday() in weekdays and day.isoformat() not in without]
    return np.array([ns(day.isoformat()) + hour * HOUR_NS for day in kept for hour in hours], np.int64)


def test_gap_is_told_with_its_sides_and_the_bars_missing():
    time = times("2020-01-02T09:30", "2020-01-02T09:31", "2020-01-02T09:35", "2020-01-02T09:36")
    assert find_gaps(time, MINUTE_NS) == [Gap(ns("2020-01-02T09:31"), ns("2020-01-02T09:35"), 3)]  # :32, :33, :34


def test_bar_that_comes_late_by_less_than_a_step_is_no_gap():
    time = times("2020-01-02T09:30:00", "2020-01-02T09:31:59", "2020-01-02T09:34:00")
    # 119 s are one step; 121 s are two whole steps, so one bar is missing between.
    assert find_gaps(time, MINUTE_NS) == [Gap(ns("2020-01-02T09:31:59"), ns("2020-01-02T09:34:00"), 1)]


def test_night_is_no_gap_even_when_it_is_short():
    assert find_gaps(times("2020-01-02T21:00", "2020-01-03T03:00", "2020-01-03T04:00"), HOUR_NS) == []


def test_weekend_and_holiday_are_no_gaps():
    time = days("2020-12-07", "2020-12-31", weekdays=range(5), without=["2020-12-25"], hours=range(14, 21))
    assert find_gaps(time, HOUR_NS) == []
    assert empty_days(time, HOUR_NS) == [ns("2020-12-25")]


@pytest.mark.parametrize("step_ns", [DAY_NS, 7 * DAY_NS])
def test_days_that_are_missing_where_weekends_rest_are_no_gaps(step_ns):
    time = days("2020-06-01", "2020-06-30", weekdays=range(5), without=["2020-06-10"])
    assert find_gaps(time, step_ns) == []
    assert empty_days(time, step_ns) == [ns("2020-06-10")]


def test_days_that_are_missing_in_a_market_that_never_closes_are_gaps():
    time = days("2020-06-01", "2020-06-30", without=["2020-06-10", "2020-06-13", "2020-06-14"])
    gaps = [Gap(ns("2020-06-09"), ns("2020-06-11"), 1), Gap(ns("2020-06-12"), ns("2020-06-15"), 2)]
    assert find_gaps(time, DAY_NS) == gaps
    assert empty_days(time, DAY_NS) == []


def test_day_that_is_an_hour_short_is_no_gap_and_hides_none():
    # Local midnights of Berlin over 29 March 2020, a day of 23 hours; the 30th is missing.
    local = ("2020-03-27T23:00", "2020-03-28T23:00", "2020-03-30T22:00", "2020-03-31T22:00", "2020-04-01T22:00",
             "2020-04-02T22:00", "2020-04-03T22:00", "2020-04-04T22:00")  # fmt: skip
    gaps = find_gaps(times(*local), DAY_NS, "Europe/Berlin")
    assert gaps == [Gap(ns("2020-03-28T23:00"), ns("2020-03-30T22:00"), 1)]


@pytest.mark.parametrize(
    ("weekdays", "has_weekends"), [(range(5), False), (range(7), True), ((6, 0, 1, 2, 3, 4), True)]
)
def test_market_that_trades_on_weekends_is_known(weekdays, has_weekends):
    assert trades_on_weekends(days("2020-06-01", "2020-06-30", weekdays=weekdays)) is has_weekends


@pytest.mark.parametrize("n_bars", [0, 1])
def test_gaps_need_two_bars(n_bars):
    assert find_gaps(np.arange(n_bars, dtype=np.int64), MINUTE_NS) == []


def test_gaps_before_1970_are_found_in_their_day():
    time = times("1969-12-31T22:00", "1969-12-31T23:30", "1970-01-01T00:30")
    assert find_gaps(time, 30 * MINUTE_NS) == [Gap(ns("1969-12-31T22:00"), ns("1969-12-31T23:30"), 2)]


@given(st.sets(st.integers(-3000, 3000), max_size=60), st.sampled_from([1, 5, 60, 240]))
def test_missing_bars_are_those_of_the_grid_between_neighbours_of_one_day(grid, minutes):
    steps = sorted(grid)
    time = np.array(steps, np.int64) * minutes * MINUTE_NS
    present, per_day, expected = set(steps), 1440 // minutes, []
    for before, after in pairwise(steps):
        missing = [step for step in range(before + 1, after) if step not in present]
        if missing and before // per_day == after // per_day:
            expected.append(Gap(before * minutes * MINUTE_NS, after * minutes * MINUTE_NS, len(missing)))
    assert find_gaps(time, minutes * MINUTE_NS) == expected


def test_weekdays_without_bars_are_listed_and_the_usual_weekend_is_not():
    time = days("2020-06-01", "2020-06-30", weekdays=range(5), without=["2020-06-10", "2020-06-19"])
    assert empty_days(time, HOUR_NS) == [ns("2020-06-10"), ns("2020-06-19")]


def test_weekend_of_a_market_that_never_closes_is_missed_when_it_is_not_there():
    time = days("2020-06-01", "2020-06-30", without=["2020-06-13", "2020-06-14"])
    assert empty_days(time, HOUR_NS) == [ns("2020-06-13"), ns("2020-06-14")]


def test_weekday_that_is_rare_is_not_missed():
    # Five Mondays have bars, and one Saturday of special trading: 1 x 2 < 5, so other Saturdays are not missing.
    time = np.sort(np.append(days("2020-06-01", "2020-06-30", weekdays=range(5)), ns("2020-06-13")))
    assert empty_days(time, HOUR_NS) == []


def test_no_bars_lack_no_weekdays():
    assert empty_days(np.array([], np.int64), HOUR_NS) == []


@given(st.sets(st.integers(-40, 40), min_size=1))
def test_empty_days_are_days_between_that_are_usual_and_have_no_bar(numbers):
    bars = {date(1970, 1, 1) + timedelta(number) for number in numbers}
    counts = [sum(day.weekday() == weekday for day in bars) for weekday in range(7)]
    span = (max(bars) - min(bars)).days
    between = (min(bars) + timedelta(at) for at in range(span + 1))
    expected = [day for day in between if day not in bars and counts[day.weekday()] * 2 >= max(counts)]
    time = np.array(sorted(numbers), np.int64) * DAY_NS
    assert empty_days(time, HOUR_NS) == [(day - date(1970, 1, 1)).days * DAY_NS for day in expected]


@pytest.mark.parametrize(
    ("time", "per_year"),
    [
        # 366 days, all with bars.
        (days("2020-01-01", "2020-12-31"), 365.25),
        # Ten years: 3,652 days, of which 2,608 are weekdays.
        (days("2010-01-01", "2019-12-31", weekdays=range(5)), 2608 / 3652 * 365.25),
        # Two weeks of weekdays: 5 of 7 weekdays are usual.
        (days("2020-06-01", "2020-06-14", weekdays=range(5)), 5 / 7 * 365.25),
        # Sunday to Friday, as currencies are traded.
        (days("2020-06-07", "2020-06-26", weekdays=(6, 0, 1, 2, 3, 4)), 6 / 7 * 365.25),
        # A single Wednesday of minutes around the clock; of seven hours; of one daily bar.
        (days("2020-06-03", "2020-06-03", hours=range(24)), 365.25),
        (days("2020-06-03", "2020-06-03", hours=range(14, 21)), 5 / 7 * 365.25),
        (days("2020-06-03", "2020-06-03"), 5 / 7 * 365.25),
        # Bars of three days, of a week, of a month: half a year, and ten years.
        (days("2024-01-01", "2024-06-27")[::3], 365.25 / 3),
        (days("2024-01-01", "2024-06-27")[::7], 365.25 / 7),
        (days("2010-01-01", "2019-12-31")[::3], 365.25 / 3),
        (np.array([ns(f"2024-{month:02}-01") for month in range(1, 7)]), 5 / 152 * 365.25),
        # A few days with a Saturday among them.
        (days("2020-06-04", "2020-06-06"), 365.25),
    ],
    ids=[
        "all days",
        "ten years",
        "two weeks",
        "currencies",
        "24 hours",
        "session",
        "one bar",
        "three days",
        "weeks",
        "ten years of three days",
        "months",
        "weekend",
    ],
)
def test_trading_days_of_a_year_are_those_observed(time, per_year):
    assert trading_days_per_year(time) == pytest.approx(per_year, rel=1e-12)


def test_real_stock_has_the_trading_days_of_its_exchange_and_no_nights_for_gaps(shared_data, tmp_path):
    report = import_candles(
        shared_data / "SPY-1h.csv", CandleStore(tmp_path), asset="SPY", exchange="NYSE", timeframe="1h"
    )
    assert report.dataset.days_per_year == pytest.approx(252, abs=0.5)
    assert report.dataset.n_gaps < 40_832 / 1000
    assert ns("2001-09-11") in report.empty_days_ns
    assert ns("2020-12-25") in report.empty_days_ns
    assert not {ns("2020-12-26"), ns("2020-12-24")} & set(report.empty_days_ns)


def test_real_minutes_without_trades_are_gaps(shared_data, tmp_path):
    report = import_candles(
        shared_data / "BTCUSD-1m.csv", CandleStore(tmp_path), asset="BTCUSD", exchange="COINBASE", timeframe="1m"
    )
    first, last = report.dataset.first_ns // MINUTE_NS, report.dataset.last_ns // MINUTE_NS
    assert (report.dataset.n_bars, report.n_duplicates) == (1_007, 0)
    assert report.dataset.n_missing_bars == last - first + 1 - 1_007 > 0
