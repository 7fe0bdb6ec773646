"""The report's tables: monthly returns, worst drawdowns, distribution of trade results. Plain NumPy."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from algotrade.results import BacktestResult

N_DRAWDOWNS = 6
TARGET_BUCKETS = 24


@dataclass(frozen=True, slots=True)
class YearOfReturns:
    """One row of the table of monthly returns.

    Attributes:
        year: UTC calendar year.
        months: twelve fractions, January first; None for a month without bars.
        total: return over the year's part of the range, fraction; None as for a month.
    """

    year: int
    months: tuple[float | None, ...]
    total: float | None


@dataclass(frozen=True, slots=True)
class Drawdown:
    """One fall of equity below a peak.

    Attributes:
        start_ns: UTC ns, bar of the peak; the first bar when the peak is the initial cash.
        trough_ns: UTC ns, first bar of the lowest equity.
        recovery_ns: UTC ns, first bar back at the peak, or None while it is open.
        end_ns: UTC ns, the recovery, or the last bar.
        depth: fraction of the peak, in [-1, 0).
    """

    start_ns: int
    trough_ns: int
    recovery_ns: int | None
    end_ns: int
    depth: float

    @property
    def to_trough_seconds(self) -> float:
        """Seconds from the peak to the trough."""
        return (self.trough_ns - self.start_ns) / 1e9

    @property
    def duration_seconds(self) -> float:
        """Seconds from the peak to the recovery, or to the last bar."""
        return (self.end_ns - self.start_ns) / 1e9


@dataclass(frozen=True, slots=True)
class TradeHistogram:
    """How the closed trades' returns are distributed. Losses never share a bucket with gains.

    Attributes:
        width: of a bucket, fraction.
        edges: n_buckets + 1 fractions, ascending, multiples of the width; empty without trades.
        counts: trades with edge <= return < next edge. The first and the last bucket also take what lies beyond them.
        n_trades: closed trades.
    """

    width: float
    edges: tuple[float, ...]
    counts: tuple[int, ...]
    n_trades: int


def monthly_returns(result: BacktestResult, *, initial_cash: float | None = None) -> list[YearOfReturns]:
    """Return the change of equity from month's end to month's end, UTC, one row per year of the range.

    A return's base is the equity at the previous bar before the month (of the first: the initial cash). A month that
    starts with nothing left has the return 0.

    Args:
        result: the raw result.
        initial_cash: account currency before the first bar; the result's own when None.
    """
    first = result.initial_cash if initial_cash is None else initial_cash
    months = result.time.astype("datetime64[ns]").astype("datetime64[M]").astype(np.int64)  # since January 1970
    lasts = np.append(np.flatnonzero(np.diff(months)), len(months) - 1)
    values = result.equity[lasts]
    returns = _changes(np.concatenate([[first], values]))
    by_month = dict(zip(months[lasts].tolist(), returns.tolist(), strict=True))
    years = 1970 + months[lasts] // 12
    year_lasts = np.append(np.flatnonzero(np.diff(years)), len(years) - 1)
    totals = _changes(np.concatenate([[first], values[year_lasts]])).tolist()
    by_year = dict(zip(years[year_lasts].tolist(), totals, strict=True))
    return [
        YearOfReturns(year, tuple(by_month.get((year - 1970) * 12 + month) for month in range(12)), by_year.get(year))
        for year in range(int(years[0]), int(years[-1]) + 1)
    ]


def _changes(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return float64[n - 1], each value over the one before it less 1; 0 after nothing was left. No -0.0."""
    before = values[:-1]
    out = np.zeros(len(before))
    np.divide(values[1:] - before, before, out=out, where=before > 0.0)
    return out + 0.0


def drawdown_series(equity: NDArray[np.float64], initial_cash: float) -> NDArray[np.float64]:
    """Return float64[n_bars], the fraction by which equity is below its peak so far, in [-1, 0].

    Args:
        equity: float64[n_bars], account currency.
        initial_cash: the first peak, > 0.
    """
    peaks = np.maximum.accumulate(equity)
    np.maximum(peaks, initial_cash, out=peaks)
    depths: NDArray[np.float64] = np.maximum(equity / peaks - 1.0, -1.0)
    return depths


def worst_drawdowns(
    result: BacktestResult, *, initial_cash: float | None = None, count: int = N_DRAWDOWNS
) -> list[Drawdown]:
    """Return the deepest falls of equity, the deepest first; equal ones in order of time.

    Args:
        result: the raw result.
        initial_cash: account currency before the first bar; the result's own when None.
        count: how many at most.
    """
    first = result.initial_cash if initial_cash is None else initial_cash
    depths = drawdown_series(result.equity, first)
    under = np.concatenate([[False], depths < 0.0, [False]])
    turns = np.flatnonzero(under[1:] != under[:-1])
    starts, ends = turns[::2], turns[1::2]  # bars [start, end) are under water
    if not len(starts):
        return []
    deepest = np.minimum.reduceat(depths, starts)  # up to the next start; between falls the depth is 0
    time = result.time
    found = []
    for row in np.argsort(deepest, kind="stable")[:count]:
        start, end = int(starts[row]), int(ends[row])
        is_over = end < len(time)
        recovery = int(time[end]) if is_over else None
        found.append(
            Drawdown(
                start_ns=int(time[max(start - 1, 0)]),
                trough_ns=int(time[start + int(np.argmin(depths[start:end]))]),
                recovery_ns=recovery,
                end_ns=int(time[-1]) if recovery is None else recovery,
                depth=float(deepest[row]),
            )
        )
    return found


def trade_histogram(result: BacktestResult) -> TradeHistogram:
    """Return the distribution of the closed trades' returns (profit after commission / value of the entry).

    Buckets are of a round width, about two dozen of them over the middle 98 % of the trades, so that one outlier does
    not press all others into one bucket.
    """
    trades = result.closed_trades
    if not len(trades):
        return TradeHistogram(0.0, (), (), 0)
    returns = trades["profit"] / (trades["qty"] * trades["entry_price"])
    low, high = (float(value) for value in np.quantile(returns, [0.01, 0.99]))
    has_losses, has_others = bool(np.any(returns < 0.0)), bool(np.any(returns >= 0.0))
    low, high = min(low, 0.0) if has_losses else low, max(high, 0.0) if has_others else high
    # The lower bounds keep the edges of nearly equal returns apart in float64.
    width = _round_width(max((high - low) / TARGET_BUCKETS, max(abs(low), abs(high)) / 1_000.0, 1e-6))
    first, last = math.floor(low / width), math.floor(high / width)
    first, last = min(first, -1) if has_losses else first, max(last, 0) if has_others else last
    buckets = np.clip(np.floor(returns / width).astype(np.int64), first, last)
    edges = tuple(round(edge * width, 12) for edge in range(first, last + 2))
    counts = np.bincount(buckets - first, minlength=last - first + 1)
    return TradeHistogram(width, edges, tuple(counts.tolist()), len(trades))


def _round_width(least: float) -> float:
    """Return the smallest of 1, 2, 2.5, 5, 10 times a power of ten that is not below `least`."""
    power = 10.0 ** math.floor(math.log10(least))
    return next((step * power for step in (1.0, 2.0, 2.5, 5.0) if step * power >= least), 10.0 * power)
