"""Times of candles are read in every form that vendors write, as UTC; a faulty one is the only one told."""

from datetime import UTC, datetime

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from algotrade.market.importing.times import parse_times

DAY_1 = 1_577_836_800  # 2020-01-01T00:00Z


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2020-01-31", "2020-01-31"),
        ("2020-01-31 14:30", "2020-01-31T14:30"),
        ("2020-01-31T14:30:15", "2020-01-31T14:30:15"),
        ("2020-01-31T14:30:15Z", "2020-01-31T14:30:15"),
        ("2020-01-31T14:30:15+00:00", "2020-01-31T14:30:15"),
        ("2020-01-31T00:30:00+01:00", "2020-01-30T23:30"),
        ("2020-01-31 20:00:00-0500", "2020-02-01T01:00"),
        ("2020-01-31 12:00+05:45", "2020-01-31T06:15"),
        ("20200131", "2020-01-31"),
        ("20200131 14:30", "2020-01-31T14:30"),
        ("20200131 14:30:15", "2020-01-31T14:30:15"),
        ("20200131T143015Z", "2020-01-31T14:30:15"),
        ("2020/01/31", "2020-01-31"),
        ("2020/01/31 14:30", "2020-01-31T14:30"),
        ("2020/01/31 14:30:15", "2020-01-31T14:30:15"),
        ("1580481015", "2020-01-31T14:30:15"),
        ("1580481015.0", "2020-01-31T14:30:15"),
        ("1580481015000", "2020-01-31T14:30:15"),
        ("1580481015000000", "2020-01-31T14:30:15"),
        ("1580481015000000000", "2020-01-31T14:30:15"),
        ("-1580481015", "1919-12-02T09:29:45"),
        ("1961-04-12T06:07Z", "1961-04-12T06:07"),
    ],
)
def test_time_is_read_in_every_form_as_utc(text, utc):
    time, faulty, *_ = parse_times(pa.array([text]))
    assert (time.tolist(), faulty) == ([int(datetime.fromisoformat(utc).replace(tzinfo=UTC).timestamp()) * 10**9], [])


def test_time_keeps_microseconds_where_text_has_them():
    time, faulty, *_ = parse_times(pa.array(["2020-01-01T00:00:00.123456Z", "2020-01-01 00:00:00.000001Z"]))
    assert (time.tolist(), faulty) == ([DAY_1 * 10**9 + 123_456_000, DAY_1 * 10**9 + 1_000], [])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "12:30",
        "2020-02-30",
        "2020-13-01",
        "2020-01-31T25:00",
        "2020-01-31T23:59:60Z",
        "31/01/2020",
        "Jan 31 2020",
        "0001-01-01",
        "2201-01-02",
        "9999-12-31T23:59:59Z",
        "86400",
        "99999999999999999999",
        "-9223372036854775808",
        "9223372036854775807",
        "=NOW()",
    ],
)
@pytest.mark.parametrize("good", ["2020-01-31T14:30:15Z", "2020/01/31 14:30:15", "1580481015"])
def test_faulty_time_is_the_only_one_told_whatever_form_the_others_have(text, good):
    time, faulty, *_ = parse_times(pa.array([good, good, text, good]))
    assert faulty == [2]
    assert time.tolist() == [1_580_481_015 * 10**9] * 2 + [0] + [1_580_481_015 * 10**9]


@pytest.mark.parametrize(
    ("texts", "note"),
    [
        (["2020-01-01", "2020-01-02"], "Times have no offset; taken as UTC."),
        (["2020-01-01T00:00Z", "2020-01-02T00:00Z"], "Times have an offset and were converted to UTC."),
        (["2020-01-01T00:00+0100", "2020-01-02 00:00:00-05:00"], "Times have an offset and were converted to UTC."),
        ([str(DAY_1)], "Times are Unix seconds."),
        ([str(DAY_1 * 1000)], "Times are Unix milliseconds."),
        ([str(DAY_1 * 10**6)], "Times are Unix microseconds."),
        ([str(DAY_1 * 10**9)], "Times are Unix nanoseconds."),
    ],
)
def test_how_times_were_read_is_told(texts, note):
    assert parse_times(pa.array(texts))[2].startswith(note)


@given(
    st.lists(st.integers(10**8, 7 * 10**9), min_size=1, max_size=20),
    st.sampled_from([1, 10**3, 10**6, 10**9]),
    st.sampled_from([-1, 1]),
)
def test_unix_times_of_one_unit_come_back(values, units_in_a_second, sign):
    time, faulty, *_ = parse_times(pa.array([str(sign * value * units_in_a_second) for value in values]))
    assert (time.tolist(), faulty) == ([sign * value * 10**9 for value in values], [])
