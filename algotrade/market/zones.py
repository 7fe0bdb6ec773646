"""Time zones: what a wall clock showed, as UTC nanoseconds, and the local day of a moment."""

from datetime import UTC, datetime
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

import numpy as np
from numpy.typing import NDArray

from algotrade.errors import MarketDataError
from algotrade.market.bars import DAY_NS, SECOND_NS

UTC_NAME = "UTC"


@cache
def zone_names() -> tuple[str, ...]:
    """Return the names of all zones that this machine knows, UTC first."""
    names = {name for name in available_timezones() if not name.startswith(("Etc/", "SystemV/")) and "/" in name}
    return (UTC_NAME, *sorted(names))


def zone(name: str) -> ZoneInfo:
    """Return a zone by its name in the IANA database, such as America/New_York.

    Raises:
        MarketDataError: there is none of that name.
    """
    if name != UTC_NAME and name not in available_timezones():
        raise MarketDataError(f"The time zone {name[:60]!r} is unknown; names are like UTC or America/New_York.")
    return ZoneInfo(name)


def offsets_ns(time: NDArray[np.int64], name: str) -> NDArray[np.int64]:
    """Return how far the wall clock of a zone is ahead of UTC at each moment.

    Args:
        time: int64[n], UTC ns.
        name: the zone.

    Returns:
        int64[n], ns.
    """
    where = zone(name)
    if name == UTC_NAME or not len(time):
        return np.zeros(len(time), np.int64)
    days, at = np.unique(time // DAY_NS, return_inverse=True)
    edges = np.array([_offset(int(day) * DAY_NS, where) for day in (*days.tolist(), *(days + 1).tolist())], np.int64)
    begins, ends = edges[: len(days)], edges[len(days) :]
    found: NDArray[np.int64] = begins[at]
    changing = np.flatnonzero((begins != ends)[at])  # the clock is put forward or back on these few days
    if len(changing):
        moments, back = np.unique(time[changing], return_inverse=True)
        found[changing] = np.array([_offset(int(moment), where) for moment in moments], np.int64)[back]
    return found


def to_utc(local: NDArray[np.int64], name: str) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the moments at which a zone's wall clock showed these times.

    A time that the clock shows twice (it is put back) is the earlier moment, unless that would step back behind the row
    before it: then it is the later one.

    Args:
        local: int64[n], ns since 1970 as the wall clock shows them, in the order of the rows.
        name: the zone.

    Returns:
        int64[n] UTC ns, and the rows whose time the clock never showed (it was put forward).
    """
    if name == UTC_NAME:
        return local, np.empty(0, np.int64)
    # A day before and after, as if it were UTC: no zone is further from UTC, and none changes twice in two days.
    before, after = offsets_ns(local - DAY_NS, name), offsets_ns(local + DAY_NS, name)
    early, late = local - np.maximum(before, after), local - np.minimum(before, after)
    is_early = offsets_ns(early, name) == local - early
    is_late = offsets_ns(late, name) == local - late
    time = np.where(is_early, early, late)
    is_falling = len(local) > 1 and bool(local[-1] < local[0])
    twice = np.flatnonzero(is_early & is_late & (early != late))
    for row in twice[::-1].tolist() if is_falling else twice.tolist():
        neighbour = row + 1 if is_falling else row - 1
        if 0 <= neighbour < len(time) and time[neighbour] >= early[row]:
            time[row] = late[row]
    return time, np.flatnonzero(~(is_early | is_late))


def local_days(time: NDArray[np.int64], name: str) -> NDArray[np.int64]:
    """Return the day of each moment on a zone's calendar, counted from 1 January 1970.

    Args:
        time: int64[n], UTC ns.
        name: the zone.

    Returns:
        int64[n].
    """
    days: NDArray[np.int64] = (time + offsets_ns(time, name)) // DAY_NS
    return days


def day_starts(days: NDArray[np.int64], name: str) -> NDArray[np.int64]:
    """Return when local days begin, UTC ns: at midnight, or where a zone skips midnight at the first moment after.

    Args:
        days: int64[n], days from 1 January 1970.
        name: the zone.
    """
    starts, skipped = to_utc(days * DAY_NS, name)
    for row in skipped.tolist():
        local = int(days[row]) * DAY_NS
        while True:
            local += 15 * 60 * SECOND_NS
            moment, missing = to_utc(np.array([local], np.int64), name)
            if not len(missing):
                starts[row] = moment[0]
                break
    return starts


def _offset(moment_ns: int, where: ZoneInfo) -> int:
    moment = datetime.fromtimestamp(moment_ns // SECOND_NS, UTC)
    offset = moment.astimezone(where).utcoffset()
    return 0 if offset is None else round(offset.total_seconds()) * SECOND_NS
