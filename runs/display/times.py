"""Moments as the API tells them: ISO 8601 in UTC with a Z."""

from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def iso(moment: datetime) -> str:
    """Return a moment of a row, to the millisecond."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def iso_ns(nanoseconds: int) -> str:
    """Return int64 UTC ns as text, as short as it is exact to the microsecond."""
    return (EPOCH + timedelta(microseconds=int(nanoseconds) // 1_000)).isoformat().replace("+00:00", "Z")


def iso_seconds(seconds: float) -> str:
    """Return epoch seconds as text."""
    return iso_ns(round(seconds * 1e6) * 1_000)
