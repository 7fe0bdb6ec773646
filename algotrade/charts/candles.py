"""The price chart: candles of any width, indicators and trades upon them, small enough to send.

Bars are counted from 0 at the first bar of what is charted (a run's range, a dataset). A window of few bars is sent as
it is; of a wider one every `size` neighbouring bars become one candle. Candles begin at multiples of `size`, so that
the same bars stay together while somebody pans.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from algotrade.charts.rounding import short, short_or_none
from algotrade.market.bars import SECOND_NS, Bars
from algotrade.records import Reason, Side

RAW_BARS = 2_500
"""Bars up to which a window is sent as it is: 2,000 in view, and an eighth of them more on either side for panning."""
MAX_CANDLES = 1_500
LEAST_CANDLES = 50
PIXELS_PER_CANDLE = 2
VOLUME_DIGITS = 6
INDICATOR_DIGITS = 7


@dataclass(frozen=True, slots=True)
class Buckets:
    """Which bars are drawn, and how many make one candle.

    Attributes:
        first: the first bar.
        last: one past the last bar.
        size: bars of a candle, 1: as they are; the last candle may have fewer.
    """

    first: int
    last: int
    size: int

    @property
    def starts(self) -> NDArray[np.int64]:
        """The first bar of each candle, int64[n_candles]."""
        return np.arange(self.first, self.last, self.size, dtype=np.int64)

    @property
    def ends(self) -> NDArray[np.int64]:
        """The last bar of each candle, int64[n_candles]."""
        return np.minimum(self.starts + self.size, self.last) - 1


def bars_between(time: NDArray[np.int64], from_ns: int | None, to_ns: int | None) -> tuple[int, int]:
    """Return (first, last): the half-open range of bars that open between two times, both inclusive.

    Args:
        time: int64[n_bars], UTC ns, strictly increasing.
        from_ns: UTC ns, of any size; None: from the first bar.
        to_ns: likewise; None: to the last bar.
    """
    limits = np.iinfo(np.int64)
    low, high = int(limits.min), int(limits.max)
    first = 0 if from_ns is None else int(np.searchsorted(time, np.int64(min(max(from_ns, low), high)), "left"))
    last = len(time) if to_ns is None else int(np.searchsorted(time, np.int64(min(max(to_ns, low), high)), "right"))
    return first, max(first, last)


def buckets(first: int, last: int, n_bars: int, px: int = 1200) -> Buckets:
    """Return the candles with which `px` pixels show bars `first` to `last` - 1.

    Args:
        first: the first bar; a candle of several bars may begin before it.
        last: one past the last bar; what is beyond either end of the bars is left out.
        n_bars: of all that is charted.
        px: width of the chart; a candle gets PIXELS_PER_CANDLE of them. At least LEAST_CANDLES and at most MAX_CANDLES
            are made.
    """
    first = min(max(first, 0), n_bars)
    last = min(max(last, first), n_bars)
    if last - first <= RAW_BARS:
        return Buckets(first, last, 1)
    n_candles = min(max(px // PIXELS_PER_CANDLE, LEAST_CANDLES), MAX_CANDLES)
    size = _even_size(-(-(last - first) // n_candles))
    return Buckets(first - first % size, min(last + -last % size, n_bars), size)


def aggregated(bars: Bars, chosen: Buckets) -> Bars:
    """Return one bar for each candle: first open, highest high, lowest low, last close, summed volume, first time."""
    if chosen.first >= chosen.last:
        return bars.slice(0, 0)
    part, at = bars.slice(chosen.first, chosen.last), chosen.starts - chosen.first
    return Bars(
        time=part.time[at],
        open=part.open[at],
        high=np.maximum.reduceat(part.high, at),
        low=np.minimum.reduceat(part.low, at),
        close=part.close[chosen.ends - chosen.first],
        volume=np.add.reduceat(part.volume, at),
    )


def candle_series(bars: Bars, chosen: Buckets) -> dict[str, Any]:
    """Return candles as JSON types.

    Args:
        bars: all that is charted.
        chosen: which of them.

    Returns:
        Columns of equal length, empty when no bar lies in the window: `time` (UTC epoch seconds of each candle's first
        bar), `open`, `high`, `low`, `close` (quote currency), `volume` (units), and where a candle has several bars
        `span` (seconds from the open of its first bar to that of its last); and three numbers: `first_bar`,
        `bars_per_candle`, `n_bars` (of all that is charted).
    """
    candles = aggregated(bars, chosen)
    spans = (bars.time[chosen.ends] - candles.time) // SECOND_NS if chosen.size > 1 else None
    prices = np.concatenate([candles.open, candles.high, candles.low, candles.close])
    columns = np.array(short(prices), dtype=np.float64).reshape(4, -1)  # together: one rounding for all four
    return {
        "time": (candles.time // SECOND_NS).tolist(),
        **{name: column.tolist() for name, column in zip(("open", "high", "low", "close"), columns, strict=True)},
        "volume": short(candles.volume, VOLUME_DIGITS),
        **({} if spans is None else {"span": spans.tolist()}),
        "first_bar": chosen.first,
        "bars_per_candle": chosen.size,
        "n_bars": len(bars),
    }


def indicator_series(values: NDArray[np.float64], chosen: Buckets) -> list[float | None]:
    """Return an indicator at each candle's close, None where it is not ready.

    Args:
        values: float64[n_bars].
        chosen: which bars.
    """
    return short_or_none(np.asarray(values[chosen.ends]), INDICATOR_DIGITS)


def trade_markers(trades: NDArray[np.void], chosen: Buckets) -> dict[str, list[Any]]:
    """Return entries and exits by candle. A candle with two entries or two exits has one marker for all its trades.

    Args:
        trades: TRADE[n_trades]; the bars count as `chosen` does.
        chosen: which bars are drawn.

    Returns:
        Columns of equal length, ascending by candle: `candle` (place in the series), `kind` ("entry", "exit" or
        "several"), `side` ("long" or "short"), `trade` (number from 1; of several the lowest), `trades` (how many),
        `return` (of an exit's trade, fraction of its cost, else None).
    """
    bar, trade, is_exit = _events(trades)
    inside = (bar >= chosen.first) & (bar < chosen.last)
    bar, trade, is_exit = bar[inside], trade[inside], is_exit[inside]
    candle = (bar - chosen.first) // chosen.size
    order = np.lexsort((trade, candle))  # an old trade's exit comes before the next one's entry
    candle, trade, is_exit = candle[order], trade[order], is_exit[order]
    n_candles = len(chosen.starts)
    n_exits, n_entries = (np.bincount(candle[which], minlength=n_candles) for which in (is_exit, ~is_exit))
    n_trades = np.bincount(np.unique(np.stack([candle, trade]), axis=1)[0], minlength=n_candles)
    is_crowded = np.maximum(n_exits, n_entries) > 1
    is_first = np.diff(candle, prepend=-1) > 0
    kept = ~is_crowded[candle] | is_first
    candle, trade, is_exit = candle[kept], trade[kept], is_exit[kept]
    several = is_crowded[candle]
    rows = trades[trade]
    cost = rows["qty"] * rows["entry_price"]
    is_told = is_exit & ~several & (cost > 0.0)
    made = np.divide(rows["profit"], cost, out=np.full(len(rows), np.nan), where=is_told)
    return {
        "candle": candle.tolist(),
        "kind": np.select([several, is_exit], ["several", "exit"], "entry").tolist(),
        "side": np.where(rows["side"] == Side.SHORT, "short", "long").tolist(),
        "trade": (trade + 1).tolist(),
        "trades": np.where(several, n_trades[candle], 1).tolist(),
        "return": short_or_none(made, INDICATOR_DIGITS),
    }


def _events(trades: NDArray[np.void]) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
    """Return bar, trade (from 0) and whether it is an exit, of every entry and of every exit that happened."""
    numbers = np.arange(len(trades))
    closed = numbers[trades["exit_reason"] != Reason.NONE]
    bar = np.concatenate([trades["entry_bar"], trades["exit_bar"][closed]])
    return bar, np.concatenate([numbers, closed]), np.arange(len(bar)) >= len(numbers)


def _even_size(least: int) -> int:
    """Return the smallest of 1, 2, 3, 4, 6, 8, 12, 16 ... that is not below `least`: few steps, so panning is calm."""
    power = 1 << (least - 1).bit_length()
    return power * 3 // 4 if power > 2 and power * 3 // 4 >= least else power
