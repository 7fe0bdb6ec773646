"""The equity chart: a result's series, small enough to send and true in every extreme.

Lines are reduced by the lowest and the highest bar per pixel bucket. Every point that is sent is a real bar with all
its values, so a cursor on the chart never reads a mixture, and what a chart spikes to is what the account was worth.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from algotrade.charts.rounding import short
from algotrade.metrics import drawdown_series
from algotrade.results import BacktestResult

MAX_POINTS = 3_000
"""Points of one payload at most: less than 150 kB of JSON, and as many as a chart of 1,200 pixels can show."""

MAX_PIXELS = 4_000
DRAWDOWN_DECIMALS = 6
SECOND_NS = 1_000_000_000


def equity_series(
    result: BacktestResult, *, from_ns: int | None = None, to_ns: int | None = None, px: int = 1200
) -> dict[str, Any]:
    """Return equity, buy and hold and drawdown between two times, reduced to what `px` pixels can show.

    The lowest and highest equity and hold and the deepest drawdown of each bucket of bars are kept, and so are the
    first and the last bar of the window. Drawdown is told from the whole run's peak, not the window's.

    Args:
        result: the raw result.
        from_ns: first bar's time at the earliest, UTC ns; the range's start when None.
        to_ns: last bar's time at the latest, UTC ns, inclusive; the range's end when None.
        px: width of the chart in pixels, 1 to 4,000; values beyond are moved to the nearest of these.

    Returns:
        JSON types, columns of equal length, empty when no bar lies in the window: `time` (UTC epoch seconds,
        ascending), `equity` and `hold` (account currency), `drawdown` (fraction <= 0). Hold is the initial cash
        invested at the first close, without costs.
    """
    first = 0 if from_ns is None else int(np.searchsorted(result.time, _as_int64(from_ns), side="left"))
    last = result.n_bars if to_ns is None else int(np.searchsorted(result.time, _as_int64(to_ns), side="right"))
    initial_cash = result.initial_cash
    window = slice(first, max(first, last))
    equity = result.equity[window]
    hold = result.close[window] * (initial_cash / result.close[0])
    drawdown = drawdown_series(result.equity[: window.stop], initial_cash)[first:]
    rows = _kept_rows([equity, hold, drawdown], min(max(px, 1), MAX_PIXELS))
    return {
        "time": (result.time[window][rows] // SECOND_NS).tolist(),
        "equity": short(equity[rows]),
        "hold": short(hold[rows]),
        "drawdown": (np.round(drawdown[rows], DRAWDOWN_DECIMALS) + 0.0).tolist(),  # no -0.0
    }


def _as_int64(time_ns: int) -> np.int64:
    """Return the nearest int64: people may ask until the year 9999, nanoseconds end in 2262."""
    limits = np.iinfo(np.int64)
    return np.int64(min(max(time_ns, int(limits.min)), int(limits.max)))


def _kept_rows(columns: list[NDArray[np.float64]], px: int) -> NDArray[np.int64]:
    """Return the rows to send: every column's extremes per bucket, the first row and the last; at most MAX_POINTS.

    Args:
        columns: float64[n] each.
        px: buckets at most.
    """
    n = len(columns[0])
    if n <= MAX_POINTS:
        return np.arange(n)
    n_buckets = px
    while True:
        size = -(-n // n_buckets)
        picks = [np.array([0, n - 1]), *(_extremes(column, size) for column in columns)]
        rows = np.unique(np.concatenate(picks))
        if len(rows) <= MAX_POINTS:
            return rows
        # Extremes of several columns seldom fall on the same bar in wild series: fewer buckets then.
        n_buckets = n_buckets * MAX_POINTS // len(rows)


def _extremes(column: NDArray[np.float64], size: int) -> NDArray[np.int64]:
    """Return the first row of the lowest and of the highest value of every `size` rows and of the rest after them."""
    n_whole = len(column) // size
    whole = column[: n_whole * size].reshape(n_whole, size)
    starts = np.arange(n_whole) * size
    picks = [starts + whole.argmin(axis=1), starts + whole.argmax(axis=1)]
    rest = column[n_whole * size :]
    if len(rest):
        picks.append(n_whole * size + np.array([rest.argmin(), rest.argmax()]))
    return np.concatenate(picks)
