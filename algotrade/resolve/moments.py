"""Moments in requests: ISO 8601 to int64 nanoseconds, and back into words."""

from datetime import UTC, date, datetime, timedelta

from algotrade.resolve.reader import Reader, shown


def read_instant(reader: Reader, name: str, default: int, *, end_of_day: bool) -> int:
    """Return a moment in int64 ns: ISO 8601; without an offset it is UTC; a date alone is its first or last moment."""
    value = reader.raw(name)
    if value is None:
        return default
    try:
        moment, is_day = _parse_moment(value)
        if is_day and end_of_day:
            return to_ns(moment + timedelta(days=1)) - 1
        return to_ns(moment)
    except (ValueError, OverflowError):
        reader.errors[name] = (
            f"Must be a date or time such as 2020-12-31 or 2020-12-31T23:59:59Z (1678 to 2261); it is {shown(value)}."
        )
        return default


def _parse_moment(value: object) -> tuple[datetime, bool]:
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.replace(tzinfo=UTC)), False
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=UTC), True
    if not isinstance(value, str):
        raise ValueError(value)
    text = value.strip()
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)), len(text) <= len("2020-12-31")


def to_ns(moment: datetime) -> int:
    """Return an aware moment as int64 UTC nanoseconds, exactly.

    Raises:
        OverflowError: it lies outside of what int64 nanoseconds can hold (1677 to 2262).
    """
    nanoseconds = (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) * 1_000
    if not -(2**63) <= nanoseconds < 2**63:
        raise OverflowError(moment)
    return nanoseconds


def when(nanoseconds: int) -> str:
    """Return a moment in UTC as messages show it."""
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=nanoseconds // 1_000)
    return moment.strftime("%Y-%m-%d %H:%M")
