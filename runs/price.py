"""The price chart: candles of a run's pinned dataset, and upon them what the strategy saw and did.

Strategies never run in a web process: indicators come from the run's artifact, in which the child kept what `on_bar`
saw, whatever became of the strategy's file since. Runs that did not complete have none, and no trades; their candles
come with a mark where they ended.
"""

from collections.abc import Mapping

from algotrade.charts.candles import Buckets, bars_between, buckets, candle_series, indicator_series, trade_markers
from algotrade.charts.panes import PRICE
from algotrade.market.bars import Bars
from algotrade.ports import Json
from runs import artifacts
from runs.drawings import SERIES_PIXELS, integer, result_or_none
from runs.models import Run, RunState

MOST_BARS_AT_FIRST = 2_000
MARGIN = 8
"""A window is sent with the n-th part of its bars more on either side, so that panning does not run into nothing."""


def price_of(run: Run, query: Mapping[str, str]) -> Json:
    """Return the candles of a backtest's range with its indicators and trades, as `windowed` says.

    Returns:
        What `windowed` returns, and `indicators` (name, pane, values), `markers` (columns, see `trade_markers`),
        `notes` (candle and text: where a run failed or was cancelled).

    Raises:
        MarketDataError: the candles are gone or damaged.
    """
    bars = artifacts.bars_of(run)
    end = _last_bar(run)
    series, chosen = windowed(bars, query, focus=end)
    result = result_or_none(run) if run.state == RunState.COMPLETED else None
    series |= {"indicators": [], "markers": {}, "notes": []}
    if end is not None and chosen.first <= end < chosen.last:
        text = "Failed here" if run.state == RunState.FAILED else "Cancelled here"
        series["notes"] = [{"candle": (end - chosen.first) // chosen.size, "text": text}]
    if result is not None and result.n_bars == len(bars):
        panes = (run.result or {}).get("panes", {})
        series["indicators"] = [
            {"name": name, "pane": panes.get(name, PRICE), "values": indicator_series(values, chosen)}
            for name, values in result.indicators.items()
        ]
        series["markers"] = trade_markers(result.trades, chosen)
    return series


def windowed(bars: Bars, query: Mapping[str, str], *, focus: int | None = None) -> tuple[Json, Buckets]:
    """Return the candles that an address asks for, and which bars they are.

    Args:
        bars: all that can be charted.
        query: `px`; and `bars`: so many of them up to the last one, or around `focus`; or `first` and `last`: bars,
            counted from 0, the last one not included; or `from` and `to`: epoch seconds, both included; or nothing:
            all. What is no number is as if it was not there.
        focus: the bar that matters, if one does.

    Returns:
        What `candle_series` returns, and `view`: the bars that were asked for, of which there are more in the series.
    """
    low, high = SERIES_PIXELS
    px = min(max(integer(query.get("px")) or 1_200, low), high)
    asked = {name: integer(query.get(name)) for name in ("bars", "first", "last", "from", "to")}
    margin = 0
    if asked["bars"] is not None:
        n_bars = min(max(asked["bars"], 1), MOST_BARS_AT_FIRST, len(bars))
        last = len(bars) if focus is None else min(focus + n_bars // 4 + 1, len(bars))
        first, margin = max(last - n_bars, 0), n_bars // MARGIN
        last = min(first + n_bars, len(bars))
    elif asked["first"] is not None or asked["last"] is not None:
        first, last = asked["first"] or 0, len(bars) if asked["last"] is None else asked["last"]
    else:
        times = [None if asked[name] is None else int(asked[name] or 0) * 10**9 for name in ("from", "to")]
        first, last = bars_between(bars.time, *times)
    chosen = buckets(first - margin, last + margin, len(bars), px)
    return {**candle_series(bars, chosen), "view": [max(first, 0), min(max(last, first, 0), len(bars))]}, chosen


def _last_bar(run: Run) -> int | None:
    """Return the bar at which a run failed or was cancelled; None for the others, and before the first bar."""
    if run.state not in (RunState.FAILED, RunState.CANCELLED):
        return None
    told = (run.error_detail or {}).get("bar")
    return told if isinstance(told, int) else run.processed - 1 if run.processed else None
