"""STATS: the sums over a backtest from which every metric is a short formula.

One record per side of the account. The compiled pass (stats_nb.py) fills them; the formulas (costs.py, returns.py,
risk.py, trades.py) read them as `Stats`. Declared once, here: the dtype follows from the annotations.
"""

from typing import NamedTuple, get_type_hints

import numpy as np

from algotrade.account import CHARGE_NAMES

SIDES = ("all", "long", "short")
"""Names of the rows of a STATS array, in order."""


class Stats(NamedTuple):
    """Sums over one side of one backtest.

    A side's **curve** is what the account would have been, had only that side's returns happened: it starts at the
    initial cash and grows, bar by bar, by the side's profit over the whole account's equity before the bar. The curve
    of `all` is the equity itself, and so is the curve of the only side that was ever held. Daily values are taken at
    each UTC day's last bar; the value before the first day is the initial cash. Money is in account currency.

    Attributes:
        initial_cash: money before the first bar, > 0.
        final_equity: money after the last bar, the whole account's.
        days_per_year: observed trading days per year of the dataset.
        daily_risk_free: risk-free return of one trading day, fraction.
        n_bars: bars of the range.
        n_days: UTC days with a bar.
        profit: money, open trade included; of `all` the change of equity, of a side the sum over its trades.
        hold_return: last close over first close - 1.
        is_ruined: 1 if the account was liquidated, else 0.
        max_drawdown: deepest fall of the curve below its peak so far, fraction in [-1, 0].
        max_drawdown_money: the largest such fall in money, <= 0.
        longest_drawdown_ns: longest time from a peak until the curve was back, or until the last bar.
        drawdown_sum: sum of the depths of all falls, fractions <= 0.
        n_drawdowns: falls, the one that is still open included.
        n_bars_under_water: bars that closed below a peak.
        squared_drawdown_sum: over the days, of the squared fraction below the peak so far.
        curve_sum: over the bars, of the curve.
        mean_return: of the daily returns, fraction.
        variance: of the daily returns, with n_days - 1; 0 when they differ by rounding only.
        downside_square: mean of min(daily return - daily_risk_free, 0) squared.
        upside_sum, downside_sum: of the daily returns' parts above and below daily_risk_free, both >= 0.
        skewness: third standardised moment of the daily returns (population); 0 without variance.
        kurtosis: fourth one, 3 for a normal distribution; 0 without variance.
        best_day, worst_day: daily returns.
        value_at_risk: the best among the worst 5 % of the days (rounded up to whole days), a return.
        conditional_value_at_risk: mean of these days.
        beta: slope of the daily returns over those of the close; 0 when the close has no variance.
        hold_mean_return: mean daily return of the close.
        hold_variance: as `variance`, of the close.
        best_month, worst_month: returns from month's end to month's end, UTC.
        n_bars_exposed: bars at whose close a position was held.
        n_trades, n_wins, n_losses: closed trades; a win has a profit > 0, a loss < 0, after commission.
        n_open: 1 if a trade was open after the last bar, else 0.
        open_profit: of the open trade, after the commission of its entry.
        gross_profit: of the winners, >= 0.
        gross_loss: of the losers, <= 0.
        largest_win, largest_loss: money, 0 without any.
        profit_variance: of the closed trades' profits, with n_trades - 1.
        return_sum: of the closed trades' returns: profit over the value of the entry.
        best_return, worst_return: of the closed trades.
        bars_held: sum over closed trades of exit bar - entry bar.
        longest_win_streak, longest_loss_streak: closed trades in a row; a trade of no profit ends both.
        adverse_sum, favourable_sum: of the closed trades' worst (<= 0) and best (>= 0) open profit before commission.
        commission: everything paid; of a side what its trades paid.
        commission_closed: the part on closed trades.
        slippage: money lost against the unslipped price.
        traded: sum over fills of quantity x price.
        charges: of `all`, what was charged by the time, in the order of CHARGE_NAMES; of the sides 0.
    """

    initial_cash: float
    final_equity: float
    days_per_year: float
    daily_risk_free: float
    n_bars: int
    n_days: int
    profit: float
    hold_return: float
    is_ruined: int
    max_drawdown: float
    max_drawdown_money: float
    longest_drawdown_ns: int
    drawdown_sum: float
    n_drawdowns: int
    n_bars_under_water: int
    squared_drawdown_sum: float
    curve_sum: float
    mean_return: float
    variance: float
    downside_square: float
    upside_sum: float
    downside_sum: float
    skewness: float
    kurtosis: float
    best_day: float
    worst_day: float
    value_at_risk: float
    conditional_value_at_risk: float
    beta: float
    hold_mean_return: float
    hold_variance: float
    best_month: float
    worst_month: float
    n_bars_exposed: int
    n_trades: int
    n_wins: int
    n_losses: int
    n_open: int
    open_profit: float
    gross_profit: float
    gross_loss: float
    largest_win: float
    largest_loss: float
    profit_variance: float
    return_sum: float
    best_return: float
    worst_return: float
    bars_held: int
    longest_win_streak: int
    longest_loss_streak: int
    adverse_sum: float
    favourable_sum: float
    commission: float
    commission_closed: float
    slippage: float
    traded: float
    charges: tuple[float, ...]

    @classmethod
    def of(cls, row: np.void) -> "Stats":
        """Return what a STATS record has."""
        values = row.item()
        return cls._make((*values[:N_SUMS], values[N_SUMS:]))


_SUMS = {name: kind for name, kind in get_type_hints(Stats).items() if name != "charges"}
N_SUMS = len(_SUMS)
STATS = np.dtype(
    [(name, np.int64 if kind is int else np.float64) for name, kind in _SUMS.items()]
    + [(name, np.float64) for name in CHARGE_NAMES],
    align=True,
)
