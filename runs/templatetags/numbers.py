"""Number formats of the pages, as template filters and as plain functions. `static/js/numbers.js` is their twin.

An undefined value (None, NaN, what is no number) is an em dash, infinity its sign, a minus is U+2212, and nothing is
ever "-0.00". Signs and colours belong to results only. Times are UTC, 24 hours, in a `<time>` element.
"""

import math
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()

UNDEFINED = "\N{EM DASH}"
MINUS = "\N{MINUS SIGN}"
INFINITY = "\N{INFINITY}"
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

SHORTEN_ABOVE = 10_000_000
"""Counts above this are told in millions."""

PRICE_DECIMALS = 8
"""Decimals of a price at most, and of one without a tick size; of a quantity, too."""

READING_DECIMALS = 10
"""Decimals of an indicator's value at most."""

DAYS_WITH_HOURS = 100
"""Durations of so many days and more are told without hours."""

COLOURED_FROM = 0.00005
"""Fractions nearer to zero read 0.00% and stay without colour."""


def _number(value: Any) -> float | None:
    """Return a value as a float, None for what is no number. Booleans are no numbers here."""
    if value is None or isinstance(value, bool):
        return None
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return None if math.isnan(number) else number


def _written(value: Any, decimals: int, suffix: str = "", *, is_signed: bool = False) -> str:
    """Return a number with thousands separators and exactly `decimals` decimals; `suffix` follows a number only."""
    number = _number(value)
    if number is None:
        return UNDEFINED
    digits = INFINITY if math.isinf(number) else f"{abs(number):,.{decimals}f}"
    is_zero = not any(digit in digits for digit in "123456789" + INFINITY)
    sign = "" if is_zero else MINUS if number < 0 else "+" if is_signed else ""
    return f"{sign}{digits}{suffix}"


def _trimmed(value: Any, *, least: int) -> str:
    """Return a number with as many decimals as it has, `least` at least."""
    text = _written(value, PRICE_DECIMALS)
    if "." not in text:
        return text
    whole, decimals = text.split(".")
    decimals = decimals.rstrip("0").ljust(least, "0")
    text = f"{whole}.{decimals}" if decimals else whole
    return text


@register.filter
def count(value: Any) -> str:
    """Return 3,184; above ten million 27.9M. Plain text, fit for an attribute."""
    number = _number(value)
    if number is None or math.isinf(number) or abs(number) <= SHORTEN_ABOVE:
        return _written(value, 0)
    return _written(number / 1e6, 1, "M")


@register.filter
def short_count(value: Any) -> str:
    """Return 3,184; above a million 4.3M and above a billion 1.2B: for sums of which nobody needs the last digits."""
    number = _number(value)
    if number is None or math.isinf(number) or abs(number) < 1e6:
        return _written(value, 0)
    return _written(number / 1e9, 1, "B") if abs(number) >= 999.95e6 else _written(number / 1e6, 1, "M")


@register.filter
def titled_count(value: Any) -> str:
    """Return `count`; where it is shortened, in an element whose title tells the exact number."""
    exact, short = _written(value, 0), count(value)
    return short if short == exact else format_html('<span title="{}">{}</span>', exact, short)


@register.filter
def percent(value: Any) -> str:
    """Return a fraction as 44.60%."""
    return _written(_times_100(value), 2, "%")


@register.filter
def signed_percent(value: Any) -> str:
    """Return a return, a fraction, as +48.20%."""
    return _written(_times_100(value), 2, "%", is_signed=True)


@register.filter
def signed_points(value: Any) -> str:
    """Return a return, a fraction, as +7.42, for tables whose heading says percent."""
    return _written(_times_100(value), 2, is_signed=True)


@register.filter
def progress(done: Any, total: Any) -> str:
    """Return 31.8%: rounded down, so that 100.0% means done."""
    first, last = _number(done), _number(total)
    if first is None or not last or last < 0 or math.isinf(first + last):
        return UNDEFINED
    # Whole numbers: 999 of 1000 in floats could round up to the last tenth.
    tenths = int(first) * 1000 // int(last) if last >= 1 else 0
    return _written(min(max(tenths, 0), 1000) / 10, 1, "%")


@register.filter
def money(value: Any, currency: str = "") -> str:
    """Return 10,000.00, followed by the currency if it is told."""
    return _written(value, 2, f" {currency}" if currency else "")


@register.filter
def signed_money(value: Any, currency: str = "") -> str:
    """Return a gain or loss as +4,820.14, followed by the currency if it is told."""
    return _written(value, 2, f" {currency}" if currency else "", is_signed=True)


@register.filter
def price(value: Any, tick_size: Any = None) -> str:
    """Return a price with the decimals of its tick size; without one as many as it has, two at least."""
    tick = _number(tick_size)
    if tick is None or not 0 < tick < math.inf:
        return _trimmed(value, least=2)
    return _written(value, _decimals_of(tick))


@lru_cache(maxsize=256)
def _decimals_of(tick: float) -> int:
    """Return the decimals that tell every multiple of a tick size: 0.01 and 0.25 have two, 5.0 has none."""
    exponent = Decimal(repr(tick)).normalize().as_tuple().exponent
    return min(max(-int(exponent), 0), PRICE_DECIMALS)


@register.filter
def quantity(value: Any) -> str:
    """Return a quantity with as many decimals as it has, eight at most."""
    return _trimmed(value, least=0)


@register.filter
def reading(value: Any) -> str:
    """Return an indicator's value, a number of any size, in seven digits: 5,131.015, 70.12346, 0.001234568."""
    number = _number(value)
    size = 6 if not number or math.isinf(number) else math.floor(math.log10(abs(number)))
    return _written(number, min(max(6 - size, 0), READING_DECIMALS))


@register.filter
def ratio(value: Any) -> str:
    """Return a ratio as 2.41."""
    return _written(value, 2)


@register.filter
def signed(value: Any) -> str:
    """Return a difference as +0.63."""
    return _written(value, 2, is_signed=True)


@register.filter
def rate(value: Any) -> str:
    """Return how many a second: 0.42, 42.6, 1,240; three digits tell enough."""
    number = _number(value)
    if number is None:
        return UNDEFINED
    return _written(number, 2 if abs(number) < 10 else 1 if abs(number) < 100 else 0)


@register.filter
def milliseconds(value: Any) -> str:
    """Return what a trial took: 0.42 ms, 180 ms, and from a second on as `duration`."""
    number = _number(value)
    if number is None:
        return UNDEFINED
    return duration(number / 1e3) if number >= 1e3 else f"{rate(max(number, 0.0))} ms"


@register.filter
def sign_class(value: Any) -> str:
    """Return the class that colours a result: pos, neg, or nothing for zero and what reads like it."""
    number = _number(value)
    if number is None or abs(number) < COLOURED_FROM:
        return ""
    return "pos" if number > 0 else "neg"


@register.filter
def duration(seconds: Any) -> str:
    """Return seconds as 0.8 s, 42 s, 1m 15s, 2h 04m, 3d 5h or 1,505d; the smallest unit is rounded down."""
    number = _number(seconds)
    if number is None:
        return UNDEFINED
    if math.isinf(number):
        return INFINITY
    number = max(0.0, number)  # in this order -0.0 becomes 0.0
    if number < 9.95:
        return f"{number:.1f} s"
    whole = max(int(number), 10)  # 9.9 s is followed by 10 s: a clock never goes backwards
    minutes, hours, days = whole // 60, whole // 3600, whole // 86_400
    if not minutes:
        return f"{whole} s"
    if not hours:
        return f"{minutes}m {whole % 60:02}s"
    if not days:
        return f"{hours}h {minutes % 60:02}m"
    return f"{days}d {hours % 24}h" if days < DAYS_WITH_HOURS else f"{days:,}d"


@register.filter(name="date")
def day(value: Any) -> str:
    """Return the UTC day of a time as 1 Jan 2025."""
    moment = _moment(value)
    return UNDEFINED if moment is None else _time_element(value, moment, _day_text(moment))


@register.filter
def clock(value: Any) -> str:
    """Return the UTC time of day as 14:03, with seconds where they are not zero."""
    moment = _moment(value)
    return UNDEFINED if moment is None else _time_element(value, moment, _clock_text(moment))


@register.filter
def when(value: Any) -> str:
    """Return a UTC time as 23 Nov 2026, 14:03, with seconds where they are not zero."""
    moment = _moment(value)
    return UNDEFINED if moment is None else _time_element(value, moment, f"{_day_text(moment)}, {_clock_text(moment)}")


def _times_100(value: Any) -> float | None:
    """Return a fraction in percent."""
    number = _number(value)
    return None if number is None else number * 100.0


def _moment(value: Any) -> datetime | None:
    """Return a date or time in UTC; a naive one is in UTC already. None for anything else."""
    if isinstance(value, datetime):
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
    return None


def _time_element(value: Any, moment: datetime, text: str) -> SafeString:
    """Return the text in a <time> element that machines can read; of a plain date without a time of day."""
    stamp = f"{moment:%Y-%m-%dT%H:%M:%SZ}" if isinstance(value, datetime) else moment.date().isoformat()
    return format_html('<time datetime="{}">{}</time>', stamp, text)


def _day_text(moment: datetime) -> str:
    return f"{moment.day} {MONTHS[moment.month - 1]} {moment.year}"


def _clock_text(moment: datetime) -> str:
    return f"{moment:%H:%M:%S}" if moment.second else f"{moment:%H:%M}"
