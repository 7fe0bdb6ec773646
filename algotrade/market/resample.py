"""Bars of a longer timeframe from those of a shorter one.

A bar never reaches over the end of a day of the dataset's calendar, unless it is days long itself. Bars shorter than a
day are counted from the time at which the market usually opens, so that a session of 09:30 to 16:00 in hours begins at
09:30; a market that never closes opens at midnight. Bars of several days are counted from 1 January 1970, weeks from
Monday.
"""

import numpy as np
from numpy.typing import NDArray

from algotrade.errors import MarketDataError
from algotrade.market.bars import DAY_NS, Bars, timeframe_ns
from algotrade.market.zones import UTC_NAME, day_starts, local_days

WEEK_DAYS = 7
_MONDAY = 4  # 1970-01-05


def longer_timeframes(timeframe: str) -> list[str]:
    """Return the usual timeframes that bars of `timeframe` can be put together to."""
    usual = ("5m", "15m", "30m", "1h", "2h", "4h", "8h", "12h", "1d", "1w")
    return [longer for longer in usual if not why_not(timeframe, longer)]


def why_not(timeframe: str, longer: str) -> str:
    """Return why bars of `timeframe` cannot be put together to bars of `longer`; empty when they can.

    Raises:
        MarketDataError: one of them is no timeframe.
    """
    step_ns, longer_ns = timeframe_ns(timeframe), timeframe_ns(longer)
    if longer_ns <= step_ns:
        return f"The timeframe {longer} is not longer than {timeframe}."
    if longer_ns % step_ns:
        return f"The timeframe {longer} is no multiple of {timeframe}."
    if longer_ns > DAY_NS and longer_ns % DAY_NS:
        return f"The timeframe {longer} is longer than a day and not a number of whole days."
    return ""


def resample(bars: Bars, timeframe: str, longer: str, calendar: str = UTC_NAME) -> Bars:
    """Return bars of a longer timeframe: first open, highest high, lowest low, last close, sum of volumes.

    Args:
        bars: the bars, of `timeframe`.
        timeframe: their duration.
        longer: the wanted duration, a multiple of it.
        calendar: the zone whose midnights begin days.

    Returns:
        A bar for each stretch in which there is one at least, stamped with the beginning of its stretch.

    Raises:
        MarketDataError: the timeframes do not fit each other, or there is no bar.
    """
    reason = why_not(timeframe, longer)
    if reason:
        raise MarketDataError(reason)
    if not len(bars):
        raise MarketDataError("There are no bars to resample.")
    begins = _beginnings(bars.time, timeframe_ns(longer), calendar)
    first = np.flatnonzero(np.diff(begins, prepend=begins[0] - 1))
    last = np.append(first[1:], len(begins)) - 1
    return Bars(
        time=begins[first],
        open=bars.open[first],
        high=np.maximum.reduceat(bars.high, first),
        low=np.minimum.reduceat(bars.low, first),
        close=bars.close[last],
        volume=np.add.reduceat(bars.volume, first),
    )


def _beginnings(time: NDArray[np.int64], step_ns: int, calendar: str) -> NDArray[np.int64]:
    """Return the beginning of the stretch in which each bar lies, UTC ns."""
    days = local_days(time, calendar)
    if step_ns >= DAY_NS:
        n_days = step_ns // DAY_NS
        anchor = _MONDAY if n_days % WEEK_DAYS == 0 else 0
        group = (days - anchor) // n_days * n_days + anchor
        groups, at = np.unique(group, return_inverse=True)
        begins: NDArray[np.int64] = day_starts(groups, calendar)[at]
        return begins
    unique, first, at = np.unique(days, return_index=True, return_inverse=True)
    starts = day_starts(unique, calendar)
    openings, counts = np.unique(time[first] - starts, return_counts=True)
    usual = int(openings[np.argmax(counts)]) % step_ns
    begin = starts[at]
    stretch = begin + usual + (time - begin - usual) // step_ns * step_ns
    return np.maximum(stretch, begin)
