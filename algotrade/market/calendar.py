"""Calendar of a dataset, from the times of its bars: gaps, days without bars, weekends, trading days in a year."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from algotrade.market.bars import DAY_NS
from algotrade.market.zones import UTC_NAME, local_days

DAYS_PER_YEAR = 365.25
SUNDAY_TO_SATURDAY = 7
LEAST_LONG_BARS = 5
"""Bars that show whether they are longer than a day: of fewer, a weekend among them could be the half."""
_EPOCH_WEEKDAY = 4  # 1970-01-01 was a Thursday; Sunday is 0


@dataclass(frozen=True, slots=True)
class Gap:
    """Bars that are missing between two others of a day, or whole days of a market that never closes.

    Attributes:
        after_ns, before_ns: UTC ns, the bars at both sides.
        n_missing: how many bars lie between them on the timeframe's grid.
    """

    after_ns: int
    before_ns: int
    n_missing: int


def find_gaps(time: NDArray[np.int64], step_ns: int, calendar: str = UTC_NAME) -> list[Gap]:
    """Return the gaps, in order.

    Nights, weekends and holidays are no gaps: only bars missing between two bars of one day count. Of bars of a day or
    more those count that are missing in a market that never closes; where it does, missing days are `empty_days`.

    Args:
        time: int64[n_bars], UTC ns, strictly increasing.
        step_ns: the timeframe, ns.
        calendar: the zone whose midnights begin days.
    """
    if len(time) < 2:
        return []
    day = local_days(time, calendar)
    if step_ns >= DAY_NS:
        # Counted in days: where clocks are put forward or back, a day is an hour shorter or longer.
        n_steps = np.diff(day) // (step_ns // DAY_NS)
        is_gap = (n_steps >= 2) & _never_closes(day)
    else:
        n_steps = np.diff(time) // step_ns
        is_gap = (n_steps >= 2) & (day[:-1] == day[1:])
    return [Gap(int(time[row]), int(time[row + 1]), int(n_steps[row]) - 1) for row in np.flatnonzero(is_gap)]


def trades_on_weekends(time: NDArray[np.int64], calendar: str = UTC_NAME) -> bool:
    """Whether Saturdays or Sundays usually have bars, so that "weekdays" is no word for the days of this market.

    Args:
        time: int64[n_bars], UTC ns, strictly increasing.
        calendar: the zone whose midnights begin days.
    """
    return bool(len(time)) and bool(_usual_weekdays(np.unique(local_days(time, calendar)))[[0, 6]].any())


def empty_days(time: NDArray[np.int64], step_ns: int, calendar: str = UTC_NAME) -> list[int]:
    """Return the days without any bar between the first and the last day, as UTC midnights of these dates, ns.

    A weekday that never has bars (a market's weekend) is none of them, and a day that is missing in daily bars of a
    market that never closes is a gap instead.

    Args:
        time: int64[n_bars], UTC ns, strictly increasing.
        step_ns: the timeframe, ns.
        calendar: the zone whose midnights begin days.
    """
    if not len(time):
        return []
    days = np.unique(local_days(time, calendar))
    if step_ns >= DAY_NS and _never_closes(days):
        return []
    usual = _usual_weekdays(days)
    every = np.arange(days[0], days[-1] + 1)
    missing = np.setdiff1d(every, days, assume_unique=True)
    return [int(day) * DAY_NS for day in missing[usual[_weekday(missing)]]]


def trading_days_per_year(time: NDArray[np.int64]) -> float:
    """Return the observed trading days of a year: days with bars over the years between the first and the last.

    Over less than a year holidays cannot be observed; then it is the observed share of weekdays in 365.25 days, so a
    day of minutes of a market that never closes counts as 365.25 and not as a handful. Bars longer than a day are
    counted themselves: a year has 121.75 of three days.

    Args:
        time: int64[n_bars], UTC ns, strictly increasing, n_bars >= 1.
    """
    days = np.unique(time // DAY_NS)
    span = int(days[-1] - days[0]) + 1
    if len(days) >= LEAST_LONG_BARS and np.median(np.diff(days)) > 1.0:
        return long_bars_per_year(len(days), int(days[0]) * DAY_NS, int(days[-1]) * DAY_NS)
    if span >= DAYS_PER_YEAR:
        return float(len(days) / span * DAYS_PER_YEAR)
    if span < SUNDAY_TO_SATURDAY:
        return DAYS_PER_YEAR if _has_weekend(days) or _has_night(time) else DAYS_PER_YEAR * 5 / 7
    return float(np.count_nonzero(_usual_weekdays(days)) / SUNDAY_TO_SATURDAY * DAYS_PER_YEAR)


def long_bars_per_year(n_bars: int, first_ns: int, last_ns: int) -> float:
    """Return how many bars longer than a day a year has.

    Args:
        n_bars: of the dataset, at least 2.
        first_ns: UTC ns, its first bar.
        last_ns: UTC ns, its last bar.
    """
    return (n_bars - 1) / ((last_ns - first_ns) / DAY_NS) * DAYS_PER_YEAR


def _weekday(days: NDArray[np.int64]) -> NDArray[np.int64]:
    return (days + _EPOCH_WEEKDAY) % SUNDAY_TO_SATURDAY


def _usual_weekdays(days: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return bool[7], Sunday first: weekdays that have bars at least half as often as the most frequent one."""
    counts = np.bincount(_weekday(days), minlength=SUNDAY_TO_SATURDAY)
    usual: NDArray[np.bool_] = counts * 2 >= counts.max()
    return usual


def _never_closes(days: NDArray[np.int64]) -> bool:
    """Whether Saturdays and Sundays usually have bars, too."""
    return bool(_usual_weekdays(np.unique(days))[[0, 6]].all())


def _has_weekend(days: NDArray[np.int64]) -> bool:
    return bool(np.isin(_weekday(days), (0, 6)).any())


def _has_night(time: NDArray[np.int64]) -> bool:
    """Whether bars spread over the whole day: a market that opens and closes leaves a third of it empty."""
    hours = np.unique(time % DAY_NS // (DAY_NS // 24))
    return len(hours) >= 16
