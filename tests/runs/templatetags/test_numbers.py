"""The number formats, value by value, and that nothing whatever makes a filter fail or show nan."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from django.template import Context, Engine
from hypothesis import given
from hypothesis import strategies as st

from runs.templatetags import numbers

MINUS = "\N{MINUS SIGN}"
NAN, INFINITE = float("nan"), float("inf")
FINISHED = datetime(2026, 11, 23, 14, 3, 20, tzinfo=UTC)
FILTERS = [name for name in numbers.register.filters if name not in ("progress", "sign_class")]


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (numbers.count(3184), "3,184"),
        (numbers.count(0), "0"),
        (numbers.count(4180.4), "4,180"),
        (numbers.count(10_000_000), "10,000,000"),
        (numbers.count(27_934_112), "27.9M"),
        (numbers.short_count(999_999), "999,999"),
        (numbers.short_count(4_274_880), "4.3M"),
        (numbers.short_count(1_234_000_000), "1.2B"),
        (numbers.percent(0.446), "44.60%"),
        (numbers.percent(-0.0891), f"{MINUS}8.91%"),
        (numbers.percent(-0.00001), "0.00%"),
        (numbers.percent(INFINITE), "∞%"),
        (numbers.signed_percent(0.482), "+48.20%"),
        (numbers.signed_percent(-0.0632), f"{MINUS}6.32%"),
        (numbers.signed_percent(0), "0.00%"),
        (numbers.signed_percent(-0.0), "0.00%"),
        (numbers.signed_percent(12.5), "+1,250.00%"),
        (numbers.signed_points(0.0742), "+7.42"),
        (numbers.signed_points(-0.0302), f"{MINUS}3.02"),
        (numbers.money(10_000, "USDT"), "10,000.00 USDT"),
        (numbers.money(-71.95), f"{MINUS}71.95"),
        (numbers.money(-0.004, "USD"), "0.00 USD"),
        (numbers.signed_money(4820.14, "USDT"), "+4,820.14 USDT"),
        (numbers.signed_money(0.001), "0.00"),
        (numbers.price(27870.6, 0.01), "27,870.60"),
        (numbers.price(1.1, 0.00001), "1.10000"),
        (numbers.price(4210.25, 0.25), "4,210.25"),
        (numbers.price(105.0, 5.0), "105"),
        (numbers.price(0.000012, 1e-8), "0.00001200"),
        (numbers.price(3.5), "3.50"),
        (numbers.price(3.14159, 0.0), "3.14159"),
        (numbers.price(3.14159, "none"), "3.14159"),
        (numbers.quantity(100.0), "100"),
        (numbers.quantity(-0.25), f"{MINUS}0.25"),
        (numbers.quantity(0.1 + 0.2), "0.3"),
        (numbers.quantity(1e-8), "0.00000001"),
        (numbers.quantity(12_345.5), "12,345.5"),
        (numbers.reading(5_131.015086), "5,131.015"),
        (numbers.reading(-70.123456789), f"{MINUS}70.12346"),
        (numbers.reading(0.0012345678), "0.001234568"),
        (numbers.reading(27_941_003.7), "27,941,004"),
        (numbers.reading(0.0), "0"),
        (numbers.reading(INFINITE), "∞"),
        (numbers.ratio(2.414), "2.41"),
        (numbers.ratio(-0.001), "0.00"),
        (numbers.ratio(INFINITE), "∞"),
        (numbers.ratio(-INFINITE), f"{MINUS}∞"),
    ],
)
def test_number_is_written(shown, expected):
    assert shown == expected


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0.84, "0.8 s"),
        (9.94, "9.9 s"),
        (9.96, "10 s"),
        (42.9, "42 s"),
        (59.99, "59 s"),
        (60, "1m 00s"),
        (75, "1m 15s"),
        (3599.9, "59m 59s"),
        (7440, "2h 04m"),
        (86_399, "23h 59m"),
        (3 * 86_400 + 5 * 3600 + 3599, "3d 5h"),
        (100 * 86_400 - 1, "99d 23h"),
        (1505 * 86_400 + 7 * 3600, "1,505d"),
        (-3, "0.0 s"),
        (-0.0, "0.0 s"),
        (INFINITE, "∞"),
    ],
)
def test_duration_has_two_units(seconds, expected):
    assert numbers.duration(seconds) == expected


def test_duration_never_goes_backwards():
    shown = [numbers.duration(tenth / 20) for tenth in range(20 * 70)]
    seconds = [float(text.removesuffix(" s")) for text in shown if text.endswith(" s")]
    assert seconds == sorted(seconds)


@pytest.mark.parametrize(
    ("done", "total", "expected"),
    [
        (0, 8760, "0.0%"),
        (3184, 10_000, "31.8%"),
        (8759, 8760, "99.9%"),
        (10**12 - 1, 10**12, "99.9%"),
        (8760, 8760, "100.0%"),
        (9000, 8760, "100.0%"),
        (1, 0, "—"),
        (None, 8760, "—"),
        (1, INFINITE, "—"),
    ],
)
def test_progress_is_rounded_down(done, total, expected):
    assert numbers.progress(done, total) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0.1, "pos"), (-0.1, "neg"), (0, ""), (0.00004, ""), (-0.00004, ""), (None, ""), (NAN, ""), (INFINITE, "pos")],
)
def test_sign_class_colours_what_has_a_sign(value, expected):
    assert numbers.sign_class(value) == expected


@pytest.mark.parametrize("name", FILTERS)
@pytest.mark.parametrize("value", [None, NAN, "", "abc", object(), True, [], {}])
def test_undefined_is_a_dash(name, value):
    assert numbers.register.filters[name](value) == "—"


@pytest.mark.parametrize("name", FILTERS)
@given(value=st.floats() | st.integers() | st.text(max_size=8))
def test_filter_never_fails_nor_shows_a_negative_zero(name, value):
    shown = str(numbers.register.filters[name](value))
    assert "nan" not in shown.lower()
    assert "inf" not in shown.lower()
    assert not (shown.startswith(("-", "+", MINUS)) and not set(shown) & set("123456789∞"))


def test_titled_count_tells_the_exact_number_where_it_is_shortened():
    assert numbers.titled_count(27_934_112) == '<span title="27,934,112">27.9M</span>'
    assert numbers.titled_count(3184) == "3,184"


def test_day_is_short_and_machine_readable():
    assert numbers.day(datetime(2025, 1, 1, tzinfo=UTC)) == '<time datetime="2025-01-01T00:00:00Z">1 Jan 2025</time>'
    assert numbers.day(date(2025, 1, 1)) == '<time datetime="2025-01-01">1 Jan 2025</time>'


def test_when_tells_seconds_unless_they_are_zero():
    assert ">23 Nov 2026, 14:03:20<" in numbers.when(FINISHED)
    assert ">23 Nov 2026, 14:03<" in numbers.when(FINISHED.replace(second=0))
    assert ">14:03:20<" in numbers.clock(FINISHED)


def test_times_are_told_in_utc():
    elsewhere = FINISHED.astimezone(timezone(timedelta(hours=11)))
    assert numbers.when(elsewhere) == numbers.when(FINISHED) == numbers.when(FINISHED.replace(tzinfo=None))


def test_fractions_of_a_second_stay_out_of_the_time_element():
    assert 'datetime="2026-11-23T14:03:20Z"' in numbers.when(FINISHED.replace(microsecond=123))


def render(source, **context):
    engine = Engine(libraries={"numbers": "runs.templatetags.numbers"})
    return engine.from_string("{% load numbers %}" + source).render(Context(context))


def test_filters_are_found_by_templates():
    source = '{{ gain|signed_money:"USD" }} {{ price|price:tick }} {{ done|progress:total }} {{ at|date }}'
    shown = render(source, gain=-3.5, price=1.5, tick=0.01, done=1, total=3, at=date(2025, 1, 1))
    assert shown == f'{MINUS}3.50 USD 1.50 33.3% <time datetime="2025-01-01">1 Jan 2025</time>'


def test_currency_is_escaped():
    assert render("{{ value|money:name }}", value=1, name="<b>") == "1.00 &lt;b&gt;"
