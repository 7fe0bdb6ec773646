"""The compiled pass that fills a STATS record per side. Importing it loads numba; everything else here does without.

Signatures are explicit, so a new process loads the compiled code from numba's disk cache instead of compiling it
again. Sums run in the order of bars, days and trades and nothing is reassociated (no fastmath, no NumPy reductions),
so the same result gives the same bits everywhere. Numba notices a change of this file only: constants that the code
uses live here.
"""

import math
from collections.abc import Callable
from typing import Any, TypeVar, cast

import numpy as np
from numba import from_dtype, njit, types
from numpy.typing import NDArray

from algotrade.metrics.stats import STATS
from algotrade.records import FILL, TRADE

ALL, LONG, SHORT = 0, 1, 2
STILL_OPEN = 0  # Reason.NONE
TAIL_FRACTION = 0.05
ROUNDING = 1e-14  # ratios near one that differ by less are equal: a few dozen spacings of float64

Function = TypeVar("Function", bound=Callable[..., Any])


def _compiled(signature: Any) -> Callable[[Function], Function]:
    """Compile the entry at import, or load it from the cache. Bounds checks cost nothing measurable here."""
    decorate: Callable[[Function], Function] = njit(signature, cache=True, nogil=True, boundscheck=True)
    return decorate


def _part(function: Function) -> Function:
    """Make a part of the entry: compiled into it, so that a new process loads one function instead of ten."""
    return cast(Function, njit(nogil=True, boundscheck=True)(function))


def _input(dtype: Any) -> Any:
    """Return the type of a column that may be a read-only memory map; a writable one is accepted, too."""
    return types.Array(dtype, 1, "C", readonly=True)


_floats, _ints = _input(types.float64), _input(types.int64)
_fills, _trades = _input(from_dtype(FILL)), _input(from_dtype(TRADE))
_row = from_dtype(STATS)
_stats = types.Array(_row, 1, "C")


@_part
def exposure_nb(fills: NDArray[np.void], n_bars: int, stats: NDArray[np.void]) -> tuple[bool, bool]:
    """Sum up what each side traded and for how many bars it was held, fill by fill.

    Args:
        fills: FILL[n_fills], in order of bars.
        n_bars: bars of the range.
        stats: STATS[3], `n_bars_exposed` and `traded` of each side are written.

    Returns:
        Whether a long and whether a short position was ever held.
    """
    position, since = 0.0, 0
    n_long, n_short = 0, 0
    long_traded, short_traded = 0.0, 0.0
    was_long, was_short = False, False
    for row in range(fills.shape[0] + 1):
        bar = fills[row].bar if row < fills.shape[0] else n_bars
        n_long += (bar - since) * (position > 0.0)
        n_short += (bar - since) * (position < 0.0)
        since = bar
        if row < fills.shape[0]:
            entry = fills[row]
            value = abs(entry.qty) * entry.price
            # A fill belongs to the side whose position it changes; one through zero to both, by quantity.
            short_part = abs(min(entry.position, 0.0) - min(position, 0.0)) / abs(entry.qty)
            short_traded += short_part * value
            long_traded += (1.0 - short_part) * value
            position = entry.position
            was_long, was_short = was_long or position > 0.0, was_short or position < 0.0
    stats[ALL].n_bars_exposed, stats[ALL].traded = n_long + n_short, long_traded + short_traded
    stats[LONG].n_bars_exposed, stats[LONG].traded = n_long, long_traded
    stats[SHORT].n_bars_exposed, stats[SHORT].traded = n_short, short_traded
    return was_long, was_short


@_part
def split_sides_nb(
    equity: NDArray[np.float64],
    close: NDArray[np.float64],
    fills: NDArray[np.void],
    initial_cash: float,
    curves: NDArray[np.float64],
) -> None:
    """Split the change of equity of every bar into what the long and the short position made of it.

    While one side alone is held it takes the bar's whole change, costs and financing included. In a bar with both (a
    flip) the short side's part is told by its fills and the long side takes the rest, so the two always add up to the
    whole. A side's curve grows by its part over the equity before the bar; it ends at 0, should it ever lose more
    than everything.

    Args:
        equity: float64[n_bars], account currency.
        close: float64[n_bars], quote currency.
        fills: FILL[n_fills], in order of bars.
        initial_cash: account currency.
        curves: float64[2, n_bars], written: the curves of the long and the short side.
    """
    position, before = 0.0, initial_cash
    long_value, short_value = initial_cash, initial_cash
    fill = 0
    for bar in range(equity.shape[0]):
        change = equity[bar] - before
        long_change, short_change = 0.0, 0.0
        if fill < fills.shape[0] and fills[fill].bar == bar:
            price = close[bar - 1] if bar > 0 else close[0]
            has_long, has_short = position > 0.0, position < 0.0
            while fill < fills.shape[0] and fills[fill].bar == bar:
                entry = fills[fill]
                after = entry.position
                short_change += min(position, 0.0) * (entry.price - price)
                short_part = abs(min(after, 0.0) - min(position, 0.0)) / abs(entry.qty)
                short_change -= short_part * entry.commission
                price, position = entry.price, after
                has_long = has_long or position > 0.0
                has_short = has_short or position < 0.0
                fill += 1
            short_change += min(position, 0.0) * (close[bar] - price)
            if not has_long:
                short_change = change
            elif not has_short:
                short_change = 0.0
            long_change = change - short_change
        elif position > 0.0:
            long_change = change
        elif position < 0.0:
            short_change = change
        if before > 0.0:
            if long_change != 0.0:
                long_value = max(long_value * (1.0 + long_change / before), 0.0)
            if short_change != 0.0:
                short_value = max(short_value * (1.0 + short_change / before), 0.0)
        curves[0, bar], curves[1, bar] = long_value, short_value
        before = equity[bar]


@_part
def curve_nb(
    time: NDArray[np.int64],
    curve: NDArray[np.float64],
    ends: NDArray[np.int64],
    initial_cash: float,
    returns: NDArray[np.float64],
    values: NDArray[np.float64],
    out: Any,
) -> None:
    """Walk a side's curve bar by bar: drawdowns, and the daily values and returns for what follows.

    Args:
        time: int64[n_bars], UTC ns.
        curve: float64[n_bars].
        ends: int64[n_days], last bar of each day.
        initial_cash: value of the curve before the first bar.
        returns: float64[n_days], written.
        values: float64[n_days], written: the curve at each day's last bar.
        out: the STATS record to write.
    """
    peak, trough, peak_bar, value = initial_cash, initial_cash, 0, initial_cash
    deepest, deepest_money, depth_sum, longest = 0.0, 0.0, 0.0, 0
    n_drawdowns, n_under_water, squares, total = 0, 0, 0.0, 0.0
    first = 0
    for day in range(ends.shape[0]):  # day by day: a test for the day's end in each bar takes as long as all the rest
        day_value = value
        for bar in range(first, ends[day] + 1):
            value = curve[bar]
            total += value
            if value < peak:
                n_under_water += 1
                trough = min(trough, value)
                continue
            if trough < peak:  # the fall is over: divide once
                depth = max(trough / peak - 1.0, -1.0)
                deepest = min(deepest, depth)
                deepest_money = min(deepest_money, trough - peak)
                depth_sum += depth
                n_drawdowns += 1
                longest = max(longest, time[bar] - time[peak_bar])
            peak, trough, peak_bar = value, value, bar
        first = ends[day] + 1
        squares += max(value / peak - 1.0, -1.0) ** 2
        returns[day] = value / day_value - 1.0 if day_value > 0.0 else 0.0
        values[day] = value
    if trough < peak:  # one that is still open
        depth = max(trough / peak - 1.0, -1.0)
        deepest = min(deepest, depth)
        deepest_money = min(deepest_money, trough - peak)
        depth_sum += depth
        n_drawdowns += 1
        longest = max(longest, time[time.shape[0] - 1] - time[peak_bar])
    out.max_drawdown, out.max_drawdown_money, out.longest_drawdown_ns = deepest, deepest_money, longest
    out.drawdown_sum, out.n_drawdowns, out.n_bars_under_water = depth_sum, n_drawdowns, n_under_water
    out.squared_drawdown_sum, out.curve_sum = squares, total


@_part
def mean_and_variance_nb(values: NDArray[np.float64]) -> tuple[float, float]:
    """Return the mean and the variance (n - 1) of float64[n]; the variance is 0 for n < 2 and for mere rounding."""
    n = values.shape[0]
    mean, squares = 0.0, 0.0
    for row in range(n):
        mean += values[row]
    mean /= n
    for row in range(n):
        squares += (values[row] - mean) ** 2
    variance = squares / (n - 1) if n > 1 else 0.0
    return mean, variance if variance > ROUNDING * ROUNDING else 0.0


@_part
def returns_nb(returns: NDArray[np.float64], risk_free: float, out: Any) -> None:
    """Take the moments, the parts above and below the risk-free rate and the tail of float64[n_days] daily returns."""
    n = returns.shape[0]
    mean, variance = mean_and_variance_nb(returns)
    second, third, fourth = 0.0, 0.0, 0.0
    squares, up, down = 0.0, 0.0, 0.0
    best, worst = returns[0], returns[0]
    for day in range(n):
        value = returns[day]
        off = value - mean
        second += off * off
        third += off * off * off
        fourth += off * off * off * off
        excess = value - risk_free
        if excess < 0.0:
            squares += excess * excess
            down -= excess
        else:
            up += excess
        best, worst = max(best, value), min(worst, value)
    out.mean_return, out.variance, out.downside_square = mean, variance, squares / n
    out.upside_sum, out.downside_sum, out.best_day, out.worst_day = up, down, best, worst
    if variance > 0.0:
        second /= n
        out.skewness = third / n / (second * math.sqrt(second))
        out.kurtosis = fourth / n / (second * second)
    tail_nb(returns, out)


@_part
def tail_nb(returns: NDArray[np.float64], out: Any) -> None:
    """Find the worst days of float64[n_days] by insertion; NumPy's sort would double the time to compile all this."""
    n_tail = max(1, math.ceil(returns.shape[0] * TAIL_FRACTION))
    tail = np.empty(n_tail)  # ascending
    n_kept = 0
    for day in range(returns.shape[0]):
        if n_kept == n_tail and returns[day] >= tail[n_kept - 1]:
            continue
        row = n_kept if n_kept < n_tail else n_tail - 1
        while row > 0 and tail[row - 1] > returns[day]:
            tail[row] = tail[row - 1]
            row -= 1
        tail[row] = returns[day]
        n_kept = min(n_kept + 1, n_tail)
    total = 0.0
    for row in range(n_tail):
        total += tail[row]
    out.value_at_risk, out.conditional_value_at_risk = tail[n_tail - 1], total / n_tail


@_part
def against_hold_nb(
    close: NDArray[np.float64], ends: NDArray[np.int64], returns: NDArray[np.float64], out: Any
) -> None:
    """Compare float64[n_days] daily returns with those of the close, float64[n_bars], held from the first close on."""
    n = ends.shape[0]
    hold = np.empty(n)
    before = close[0]
    for day in range(n):
        hold[day] = close[ends[day]] / before - 1.0
        before = close[ends[day]]
    mean, variance = mean_and_variance_nb(hold)
    covariance = 0.0
    for day in range(n):
        covariance += (returns[day] - out.mean_return) * (hold[day] - mean)
    out.hold_return = close[-1] / close[0] - 1.0
    out.hold_mean_return, out.hold_variance = mean, variance
    out.beta = covariance / (n - 1) / variance if variance > 0.0 else 0.0


@_part
def months_nb(values: NDArray[np.float64], month_ends: NDArray[np.int64], initial_cash: float, out: Any) -> None:
    """Find the best and the worst return from month's end to month's end, of float64[n_days] daily values."""
    before = initial_cash
    best, worst = -math.inf, math.inf
    for month in range(month_ends.shape[0]):
        value = values[month_ends[month]]
        change = value / before - 1.0 if before > 0.0 else 0.0
        best, worst = max(best, change), min(worst, change)
        before = value
    out.best_month, out.worst_month = best, worst


@_part
def trades_nb(trades: NDArray[np.void], side: int, out: Any) -> None:
    """Sum up TRADE[n_trades] of one side (1 long, -1 short, 0 both)."""
    n, win_streak, loss_streak = 0, 0, 0
    profit_sum, open_profit = 0.0, 0.0
    for row in range(trades.shape[0]):
        trade = trades[row]
        if side not in (0, trade.side):
            continue
        profit = trade.profit
        out.profit += profit
        out.commission += trade.commission
        out.slippage += trade.slippage
        if trade.exit_reason == STILL_OPEN:
            out.n_open += 1
            open_profit += profit
            continue
        result = profit / (trade.qty * trade.entry_price)
        if n == 0:
            out.best_return, out.worst_return = result, result
        n += 1
        profit_sum += profit
        out.return_sum += result
        out.best_return, out.worst_return = max(out.best_return, result), min(out.worst_return, result)
        out.bars_held += trade.exit_bar - trade.entry_bar
        out.adverse_sum += trade.mae
        out.favourable_sum += trade.mfe
        out.commission_closed += trade.commission
        win_streak = win_streak + 1 if profit > 0.0 else 0
        loss_streak = loss_streak + 1 if profit < 0.0 else 0
        out.longest_win_streak = max(out.longest_win_streak, win_streak)
        out.longest_loss_streak = max(out.longest_loss_streak, loss_streak)
        if profit > 0.0:
            out.n_wins += 1
            out.gross_profit += profit
            out.largest_win = max(out.largest_win, profit)
        elif profit < 0.0:
            out.n_losses += 1
            out.gross_loss += profit
            out.largest_loss = min(out.largest_loss, profit)
    out.n_trades, out.open_profit = n, open_profit
    squares = 0.0
    for row in range(trades.shape[0]):
        trade = trades[row]
        if trade.exit_reason != STILL_OPEN and side in (0, trade.side):
            squares += (trade.profit - profit_sum / n) ** 2
    out.profit_variance = squares / (n - 1) if n > 1 else 0.0


@_part
def side_nb(
    time: NDArray[np.int64],
    close: NDArray[np.float64],
    curve: NDArray[np.float64],
    ends: NDArray[np.int64],
    month_ends: NDArray[np.int64],
    initial_cash: float,
    risk_free: float,
    out: Any,
) -> None:
    """Fill all of a side's record that its curve, float64[n_bars], determines."""
    returns, values = np.empty(ends.shape[0]), np.empty(ends.shape[0])
    curve_nb(time, curve, ends, initial_cash, returns, values, out)
    returns_nb(returns, risk_free, out)
    against_hold_nb(close, ends, returns, out)
    months_nb(values, month_ends, initial_cash, out)


@_part
def idle_side_nb(n_bars: int, n_days: int, initial_cash: float, risk_free: float, whole: Any, out: Any) -> None:
    """Fill the record of a side that was never held: its curve stays at the initial cash."""
    returns_nb(np.zeros(n_days), risk_free, out)
    out.curve_sum = n_bars * initial_cash
    out.hold_return, out.hold_mean_return, out.hold_variance = (
        whole.hold_return,
        whole.hold_mean_return,
        whole.hold_variance,
    )


@_part
def same_side_nb(whole: Any, out: Any) -> None:
    """Fill the record of the only side that was held: its curve is the equity, and so is all that comes of it."""
    out.max_drawdown, out.max_drawdown_money = whole.max_drawdown, whole.max_drawdown_money
    out.longest_drawdown_ns, out.drawdown_sum = whole.longest_drawdown_ns, whole.drawdown_sum
    out.n_drawdowns, out.n_bars_under_water = whole.n_drawdowns, whole.n_bars_under_water
    out.squared_drawdown_sum, out.curve_sum = whole.squared_drawdown_sum, whole.curve_sum
    out.mean_return, out.variance, out.downside_square = whole.mean_return, whole.variance, whole.downside_square
    out.upside_sum, out.downside_sum = whole.upside_sum, whole.downside_sum
    out.best_day, out.worst_day = whole.best_day, whole.worst_day
    out.skewness, out.kurtosis = whole.skewness, whole.kurtosis
    out.value_at_risk, out.conditional_value_at_risk = whole.value_at_risk, whole.conditional_value_at_risk
    out.hold_return, out.hold_mean_return = whole.hold_return, whole.hold_mean_return
    out.hold_variance, out.beta = whole.hold_variance, whole.beta
    out.best_month, out.worst_month = whole.best_month, whole.worst_month


@_compiled(
    types.void(
        _ints,
        _ints,
        _ints,
        _floats,
        _floats,
        _fills,
        _trades,
        types.float64,
        types.float64,
        types.float64,
        types.int64,
        _stats,
    )
)
def stats_nb(
    time: NDArray[np.int64],
    ends: NDArray[np.int64],
    month_ends: NDArray[np.int64],
    close: NDArray[np.float64],
    equity: NDArray[np.float64],
    fills: NDArray[np.void],
    trades: NDArray[np.void],
    initial_cash: float,
    days_per_year: float,
    daily_risk_free: float,
    is_ruined: int,
    stats: NDArray[np.void],
) -> None:
    """Fill STATS[3], which must be zero on entry, in the order of SIDES.

    Args:
        time: int64[n_bars], UTC ns, bar open.
        ends: int64[n_days], the index of each UTC day's last bar.
        month_ends: int64[n_months], the index in `ends` of each UTC month's last day.
        close: float64[n_bars], quote currency.
        equity: float64[n_bars], account currency, marked at each close.
        fills: FILL[n_fills], in order of bars.
        trades: TRADE[n_trades], closed ones in exit order, then the open one.
        initial_cash: account currency.
        days_per_year: observed trading days per year.
        daily_risk_free: risk-free return of one trading day, fraction.
        is_ruined: 1 or 0.
        stats: STATS[3], written.
    """
    n_bars = time.shape[0]
    was_long, was_short = exposure_nb(fills, n_bars, stats)
    for side in range(3):
        row = stats[side]
        row.initial_cash, row.final_equity = initial_cash, equity[n_bars - 1]
        row.days_per_year, row.daily_risk_free = days_per_year, daily_risk_free
        row.n_bars, row.n_days, row.is_ruined = n_bars, ends.shape[0], is_ruined
        trades_nb(trades, (0, 1, -1)[side], row)
    side_nb(time, close, equity, ends, month_ends, initial_cash, daily_risk_free, stats[ALL])
    if was_long and was_short:
        curves = np.empty((2, n_bars))
        split_sides_nb(equity, close, fills, initial_cash, curves)
        side_nb(time, close, curves[0], ends, month_ends, initial_cash, daily_risk_free, stats[LONG])
        side_nb(time, close, curves[1], ends, month_ends, initial_cash, daily_risk_free, stats[SHORT])
    else:
        for side, was_held in ((LONG, was_long), (SHORT, was_short)):
            if was_held:
                same_side_nb(stats[ALL], stats[side])
            else:
                idle_side_nb(n_bars, ends.shape[0], initial_cash, daily_risk_free, stats[ALL], stats[side])
    whole = stats[ALL]
    whole.profit = equity[n_bars - 1] - initial_cash
    whole.commission, whole.slippage = 0.0, 0.0
    for fill in range(fills.shape[0]):  # what was paid on a position that left no trade counts, too
        whole.commission += fills[fill].commission
        whole.slippage += fills[fill].slippage
