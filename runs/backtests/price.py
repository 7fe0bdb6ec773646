"""The price chart: candles of a run's pinned dataset, and upon them what the strategy saw and did.

Strategies never run in a web process: indicators come from the run's artifact, in which the child kept what `on_bar`
saw, whatever became of the strategy's file since. Runs that did not complete have none, and no trades; their candles
come with a mark where they ended.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from algotrade.charts.candles import Buckets, bars_between, buckets, candle_series, indicator_series, trade_markers
from algotrade.charts.panes import PRICE
from algotrade.market.bars import Bars
from algotrade.ports import Json
from algotrade.results import BacktestResult
from runs import artifacts
from runs.backtests.curves import SERIES_PIXELS, integer, result_or_none
from runs.models import Run, RunState

MOST_BARS_AT_FIRST = 2_000
ENDED_WORDS: dict[str, str] = {RunState.FAILED: "Failed here", RunState.CANCELLED: "Cancelled here"}
TRADES_AT_FIRST = 3
WIDENED = 3
MARGIN = 8
"""A window is sent with the n-th part of its bars more on either side, so that panning does not run into nothing."""


def price_of(run: Run, query: Mapping[str, str]) -> Json:
    """Return what a page draws of a backtest: `price_series` of the window that `chosen_window` reads, and its words.

    A chart opens where something happened: at the end of a failed or cancelled run, or at the last trades.

    Raises:
        MarketDataError: the candles are gone or damaged.
    """
    bars, result = artifacts.bars_of(run), _result_of(run)
    chosen, view = chosen_window(bars.time, query, focus=_last_trades(result) or _once(ended_bar(run)))
    return {**_series(run, bars, chosen, result), "view": view, "ended": ENDED_WORDS.get(run.state, "")}


def bare_price_of(bars: Bars, query: Mapping[str, str], *, ended_at: int | None) -> Json:
    """Return what a page draws of a trial, which keeps no arrays: candles, and the bar at which it failed."""
    chosen, view = chosen_window(bars.time, query, focus=_once(ended_at))
    return {**candle_series(bars, chosen), "view": view, "ended_bar": ended_at, "ended": ENDED_WORDS[RunState.FAILED]}


def price_series(run: Run, bars: Bars, chosen: Buckets) -> Json:
    """Return candles of a backtest with its indicators and trades.

    Args:
        run: the backtest.
        bars: those of its range.
        chosen: which of them.

    Returns:
        What `candle_series` returns, and `indicators` (name, pane, values), `markers` (see `trade_markers`; None unless
        the run completed), `ended_bar` (where it failed or was cancelled, else None).
    """
    return _series(run, bars, chosen, _result_of(run))


def _last_trades(result: BacktestResult | None) -> tuple[int, int] | None:
    """Return the bars from the entry of the last but two trades to the exit of the last one; None without trades."""
    if result is None or not len(result.trades):
        return None
    last = result.trades[-TRADES_AT_FIRST:]
    return int(last["entry_bar"][0]), int(last["exit_bar"][-1])


def _once(bar: int | None) -> tuple[int, int] | None:
    return None if bar is None else (bar, bar)


def _result_of(run: Run) -> BacktestResult | None:
    return result_or_none(run) if run.state == RunState.COMPLETED else None


def _series(run: Run, bars: Bars, chosen: Buckets, result: BacktestResult | None) -> Json:
    series = {**candle_series(bars, chosen), "indicators": [], "markers": None, "ended_bar": ended_bar(run)}
    if result is not None and result.n_bars == len(bars):
        panes = (run.result or {}).get("panes", {})
        series["indicators"] = [
            {"name": name, "pane": panes.get(name, PRICE), "values": indicator_series(values, chosen)}
            for name, values in result.indicators.items()
        ]
        series["markers"] = trade_markers(result.trades, chosen)
    return series


def windowed(bars: Bars, query: Mapping[str, str]) -> Json:
    """Return candles without anything upon them: what `candle_series` returns, and the `view` of `chosen_window`."""
    chosen, view = chosen_window(bars.time, query)
    return {**candle_series(bars, chosen), "view": view}


def chosen_window(
    time: NDArray[np.int64], query: Mapping[str, str], *, focus: tuple[int, int] | None = None
) -> tuple[Buckets, list[int]]:
    """Return the bars that an address asks for, in candles, and those that are to be in view: [first, last + 1].

    Args:
        time: int64[n_bars], UTC ns, of all that can be charted.
        query: `px`; and `bars`: so many of them up to the last one, or to `focus`; or `first` and `last`: bars,
            counted from 0, the last one not included; or `from` and `to`: epoch seconds, both included; or nothing:
            all. What is no number is as if it was not there.
        focus: the first and the last of the bars that matter, if any do. For their sake up to WIDENED times as many
            bars are in view.
    """
    n_bars = len(time)
    low, high = SERIES_PIXELS
    px = min(max(integer(query.get("px")) or 1_200, low), high)
    asked = {name: integer(query.get(name)) for name in ("bars", "first", "last", "from", "to")}
    if asked["bars"] is not None:
        width = min(max(asked["bars"], 1), MOST_BARS_AT_FIRST, n_bars)
        last = n_bars
        if focus is not None:
            last = min(focus[1] + width // 4 + 1, n_bars)
            wanted = min(last - focus[0] + width // MARGIN, WIDENED * width, MOST_BARS_AT_FIRST, n_bars)
            width = max(width, wanted)
            last = max(last, width)
        return buckets(last - width - width // MARGIN, last + width // MARGIN, n_bars, px), [last - width, last]
    if asked["first"] is not None or asked["last"] is not None:
        first, last = asked["first"] or 0, n_bars if asked["last"] is None else asked["last"]
    else:
        start, end = (None if asked[name] is None else int(asked[name] or 0) * 10**9 for name in ("from", "to"))
        first, last = bars_between(time, start, end)
    chosen = buckets(first, last, n_bars, px)
    return chosen, [min(max(first, 0), n_bars), chosen.last]


def ended_bar(run: Run) -> int | None:
    """Return the bar at which a run failed or was cancelled; None for the others, and before the first bar."""
    if run.state not in ENDED_WORDS:
        return None
    bar = failing_bar(run.error_detail)
    return bar if bar is not None else run.processed - 1 if run.processed else None


def failing_bar(detail: Json | None) -> int | None:
    """Return the bar that an error's detail names."""
    bar = (detail or {}).get("bar")
    return bar if isinstance(bar, int) else None
