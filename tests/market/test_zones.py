"""A wall clock's time is one moment: put forward it skips some, put back it shows some twice."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from algotrade.errors import MarketDataError
from algotrade.market.calendar import empty_days, find_gaps
from algotrade.market.importing.times import parse_times
from algotrade.market.zones import day_starts, local_days, offsets_ns, to_utc, zone, zone_names

HOUR_NS = 3_600 * 10**9
NEW_YORK = "America/New_York"
ZONES = [NEW_YORK, "Europe/Berlin", "Australia/Lord_Howe", "Asia/Kathmandu", "America/Sao_Paulo", "Pacific/Apia", "UTC"]


def ns(text):
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 10**9


def texts(time):
    return [f"{datetime.fromtimestamp(moment // 10**9, UTC):%Y-%m-%dT%H:%M}" for moment in time.tolist()]


@pytest.mark.parametrize(
    ("local", "utc"),
    [
        (["2020-01-15T09:30"], ["2020-01-15T14:30"]),  # winter: UTC - 5
        (["2020-07-15T09:30"], ["2020-07-15T13:30"]),  # summer: UTC - 4
        (["2020-03-08T01:59", "2020-03-08T03:00"], ["2020-03-08T06:59", "2020-03-08T07:00"]),  # put forward at 2:00
        # Put back at 2:00: half past one twice, told apart by the order.
        (["2020-11-01T00:30", "2020-11-01T01:30", "2020-11-01T01:30", "2020-11-01T02:30"],
         ["2020-11-01T04:30", "2020-11-01T05:30", "2020-11-01T06:30", "2020-11-01T07:30"]),
        (["2020-11-01T02:30", "2020-11-01T01:30", "2020-11-01T01:30", "2020-11-01T00:30"],
         ["2020-11-01T07:30", "2020-11-01T06:30", "2020-11-01T05:30", "2020-11-01T04:30"]),
        (["2020-11-01T01:00", "2020-11-01T01:30", "2020-11-01T01:00", "2020-11-01T01:30"],
         ["2020-11-01T05:00", "2020-11-01T05:30", "2020-11-01T06:00", "2020-11-01T06:30"]),
    ],
)  # fmt: skip
def test_wall_clock_in_new_york_is_a_moment(local, utc):
    time, skipped = to_utc(np.array([ns(text) for text in local], np.int64), NEW_YORK)
    assert (texts(time), skipped.tolist()) == (utc, [])


def test_time_that_the_clock_skipped_is_told():
    _, skipped = to_utc(np.array([ns("2020-03-08T02:30"), ns("2020-03-08T03:30")], np.int64), NEW_YORK)
    assert skipped.tolist() == [0]


@pytest.mark.parametrize("name", ZONES)
@hypothesis_settings(max_examples=25)
@given(st.lists(st.integers(0, 2**31), min_size=1, max_size=40, unique=True))
def test_offsets_are_those_of_the_database(name, seconds):
    time = np.array(sorted(seconds), np.int64) * 10**9
    there = [datetime.fromtimestamp(second, ZoneInfo(name)).utcoffset() for second in sorted(seconds)]
    assert offsets_ns(time, name).tolist() == [offset // timedelta(seconds=1) * 10**9 for offset in there]


@pytest.mark.parametrize("name", ZONES)
@hypothesis_settings(max_examples=25)
@given(st.integers(0, 2**31), st.integers(1, 200))
def test_hours_in_a_row_come_back_from_their_wall_clock(name, start, n_hours):
    time = (np.arange(n_hours, dtype=np.int64) * 3_600 + start // 3_600 * 3_600) * 10**9
    local = time + offsets_ns(time, name)
    back, skipped = to_utc(local, name)
    assert skipped.tolist() == []
    # Where a row alone cannot tell (the first of two is missing), it is the earlier moment: the clock shows the same.
    assert (back + offsets_ns(back, name)).tolist() == local.tolist()
    assert np.abs(back - time).max() <= HOUR_NS


def test_day_begins_at_midnight_or_at_the_first_moment_after_it():
    # São Paulo's clocks were put forward at midnight of 4 November 2018: its day began at 01:00, UTC - 2.
    sao_paulo = "America/Sao_Paulo"
    days = np.array([ns("2018-11-03"), ns("2018-11-04")], np.int64) // (24 * HOUR_NS)
    assert texts(day_starts(days, sao_paulo)) == ["2018-11-03T03:00", "2018-11-04T03:00"]
    edges = np.array([ns("2018-11-04T02:59"), ns("2018-11-04T03:00")], np.int64)
    assert local_days(edges, sao_paulo).tolist() == days.tolist()


def test_gap_lies_inside_a_day_of_the_calendar():
    # Sydney trades from 10:00 to 16:00: in summer 23:00 to 05:00 UTC, over UTC's midnight.
    bars = ["2020-01-01T23:00", "2020-01-02T00:00", "2020-01-02T01:00", "2020-01-02T04:00", "2020-01-02T23:00"]
    time = np.array([ns(text) for text in bars], np.int64)
    assert [gap.n_missing for gap in find_gaps(time, HOUR_NS)] == [2, 18]
    assert [gap.n_missing for gap in find_gaps(time, HOUR_NS, "Australia/Sydney")] == [2]


def test_weekday_without_bars_is_one_of_the_calendar():
    # A market of New York's evenings: its Monday to Friday are UTC's Tuesday to Saturday.
    days = (7, 8, 9, 10, 11, 14, 16, 17, 18, 21, 22, 23, 24, 25)
    time = np.array([ns(f"2020-01-{day:02}T02:00") for day in days], np.int64)
    assert empty_days(time, HOUR_NS) == [ns("2020-01-15")]
    assert empty_days(time, HOUR_NS, NEW_YORK) == [ns("2020-01-14")]


@pytest.mark.parametrize(
    "name", ["Mars/Base", "", "../etc/passwd", "/etc/localtime", "America", "UTC+1", "x" * 500, "a\0b"]
)
def test_unknown_zone_is_told(name):
    with pytest.raises(MarketDataError, match="names are like UTC or America/New_York"):
        zone(name)


def test_zones_to_choose_from_begin_with_utc():
    assert zone_names()[0] == "UTC"
    assert {NEW_YORK, "Asia/Tokyo", "Europe/London"} < set(zone_names())


def test_times_without_offset_are_of_the_zone_that_is_named():
    times = parse_times(pa.array(["2020-01-15 09:30", "2020-07-15 09:30"]), NEW_YORK)
    assert texts(times.time) == ["2020-01-15T14:30", "2020-07-15T13:30"]
    assert (times.faulty, times.needs_zone, times.note) == (
        [],
        True,
        "Times have no offset; taken as America/New_York.",
    )


@pytest.mark.parametrize("column", [["2020-01-15T09:30Z"], ["1580481015"], ["2020-01-15T09:30+05:00"]])
def test_zone_changes_nothing_where_times_say_it_themselves(column):
    times = parse_times(pa.array(column), NEW_YORK)
    assert times.time.tolist() == parse_times(pa.array(column)).time.tolist()
    assert not times.needs_zone


@pytest.mark.parametrize(
    ("column", "faulty", "reason"),
    [
        (["2020-01-01T00:00Z", "2020-01-02T00:00Z", "2020-01-03"], [2], "has no offset from UTC"),
        (["2020-01-01 00:00", "2020-01-02T00:00Z", "2020-01-03"], [1], "has an offset from UTC"),
        (["2020-01-01T00:00Z", "2020-01-02"], [1], "has no offset from UTC"),
        (["x", "2020-01-01T00:00Z", "2020-01-02", "2020-01-03"], [0, 1], "has an offset from UTC"),
    ],
)
def test_times_with_and_without_offset_are_not_mixed(column, faulty, reason):
    times = parse_times(pa.array(column))
    assert times.faulty == faulty
    assert times.reasons[faulty[-1]].startswith(reason)


def test_skipped_time_is_faulty_with_its_reason():
    times = parse_times(pa.array(["2020-03-08 01:30", "2020-03-08 02:30", "2020-03-08 03:30"]), NEW_YORK)
    assert (times.faulty, times.reasons) == ([1], {1: "was shown by no clock in America/New_York"})
