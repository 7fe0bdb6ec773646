"""Metrics of the trades. Unless told otherwise they count closed trades, and a profit is after commission."""

import math

from algotrade.metrics.registry import UndefinedMetricError, metric
from algotrade.metrics.stats import Stats


def _need_trades(s: Stats) -> None:
    """Refuse what is a mean over closed trades."""
    if not s.n_trades:
        raise UndefinedMetricError("There are no closed trades.")


def _need_winners(s: Stats) -> None:
    """Refuse what is a mean over winning trades."""
    if not s.n_wins:
        raise UndefinedMetricError("There are no winning trades.")


def _need_losers(s: Stats) -> None:
    """Refuse what divides by the losses."""
    if not s.n_losses:
        raise UndefinedMetricError("There are no losing trades.")


@metric("Closed trades", "count", "Trades", "Round trips that ended.", has_sides=True)
def trades(s: Stats) -> float:
    """Return the number of closed trades."""
    return s.n_trades


@metric("Open trades", "count", "Trades", "Trades that were still open at the end: 0 or 1.", has_sides=True)
def open_trades(s: Stats) -> float:
    """Return the number of trades that were still open after the last bar."""
    return s.n_open


@metric("Winning trades", "count", "Trades", "Closed trades with a profit above 0.", has_sides=True)
def winning_trades(s: Stats) -> float:
    """Return the number of winners."""
    return s.n_wins


@metric("Losing trades", "count", "Trades", "Closed trades with a profit below 0.", has_sides=True, less_is_better=True)
def losing_trades(s: Stats) -> float:
    """Return the number of losers; a trade of exactly no profit is neither."""
    return s.n_losses


@metric("Win rate", "fraction", "Trades", "Winning trades / closed trades.", has_sides=True)
def win_rate(s: Stats) -> float:
    """Return the part of the closed trades that won, in [0, 1].

    Raises:
        UndefinedMetricError: no closed trades.
    """
    _need_trades(s)
    return s.n_wins / s.n_trades


@metric("Profit factor", "ratio", "Trades", "Gross profit / -gross loss.", has_sides=True)
def profit_factor(s: Stats) -> float:
    """Return what was won per unit lost.

    Raises:
        UndefinedMetricError: no closed trades, or none lost.
    """
    _need_trades(s)
    _need_losers(s)
    return s.gross_profit / -s.gross_loss


@metric("Payoff ratio", "ratio", "Trades", "Average win / -average loss.", has_sides=True)
def payoff_ratio(s: Stats) -> float:
    """Return the size of a win in losses.

    Raises:
        UndefinedMetricError: no winning or no losing trades.
    """
    return average_win(s) / -average_loss(s)


@metric(
    "Expectancy",
    "money",
    "Trades",
    "Mean profit of a closed trade.",
    has_sides=True,
    is_signed=True,
)
def expectancy(s: Stats) -> float:
    """Return what a trade made on average, in account currency.

    Raises:
        UndefinedMetricError: no closed trades.
    """
    _need_trades(s)
    return (s.gross_profit + s.gross_loss) / s.n_trades


@metric(
    "Average trade",
    "fraction",
    "Trades",
    "Mean over closed trades of profit / value of the entry.",
    has_sides=True,
    is_signed=True,
)
def average_trade(s: Stats) -> float:
    """Return a trade's mean return on the money that was put into it.

    Raises:
        UndefinedMetricError: no closed trades.
    """
    _need_trades(s)
    return s.return_sum / s.n_trades


@metric(
    "Best trade",
    "fraction",
    "Trades",
    "Largest profit / value of the entry of a closed trade.",
    has_sides=True,
    is_signed=True,
)
def best_trade(s: Stats) -> float:
    """Return the best trade's return on its entry.

    Raises:
        UndefinedMetricError: no closed trades.
    """
    _need_trades(s)
    return s.best_return


@metric(
    "Worst trade",
    "fraction",
    "Trades",
    "Smallest profit / value of the entry of a closed trade.",
    has_sides=True,
    is_signed=True,
)
def worst_trade(s: Stats) -> float:
    """Return the worst trade's return on its entry.

    Raises:
        UndefinedMetricError: no closed trades.
    """
    _need_trades(s)
    return s.worst_return


@metric("Average win", "money", "Trades", "Gross profit / winning trades.", has_sides=True, is_signed=True)
def average_win(s: Stats) -> float:
    """Return what a winner made on average.

    Raises:
        UndefinedMetricError: no winning trades.
    """
    _need_winners(s)
    return s.gross_profit / s.n_wins


@metric("Average loss", "money", "Trades", "Gross loss / losing trades.", has_sides=True, is_signed=True)
def average_loss(s: Stats) -> float:
    """Return what a loser lost on average, < 0.

    Raises:
        UndefinedMetricError: no losing trades.
    """
    _need_losers(s)
    return s.gross_loss / s.n_losses


@metric("Largest win", "money", "Trades", "Largest profit of a closed trade.", has_sides=True, is_signed=True)
def largest_win(s: Stats) -> float:
    """Return the largest profit.

    Raises:
        UndefinedMetricError: no winning trades.
    """
    _need_winners(s)
    return s.largest_win


@metric("Largest loss", "money", "Trades", "Largest loss of a closed trade.", has_sides=True, is_signed=True)
def largest_loss(s: Stats) -> float:
    """Return the largest loss, < 0.

    Raises:
        UndefinedMetricError: no losing trades.
    """
    _need_losers(s)
    return s.largest_loss


@metric("Longest winning streak", "count", "Trades", "Most winning trades in a row, in order of exit.", has_sides=True)
def longest_winning_streak(s: Stats) -> float:
    """Return the most winners in a row; among a side's trades for a side."""
    return s.longest_win_streak


@metric(
    "Longest losing streak",
    "count",
    "Trades",
    "Most losing trades in a row, in order of exit.",
    has_sides=True,
    less_is_better=True,
)
def longest_losing_streak(s: Stats) -> float:
    """Return the most losers in a row; among a side's trades for a side."""
    return s.longest_loss_streak


@metric("Average bars held", "bars", "Trades", "Mean over closed trades of exit bar - entry bar.", has_sides=True)
def average_bars_held(s: Stats) -> float:
    """Return how long a trade lasted on average.

    Raises:
        UndefinedMetricError: no closed trades.
    """
    _need_trades(s)
    return s.bars_held / s.n_trades


@metric("Exposure", "fraction", "Trades", "Bars at whose close a position was held / bars.", has_sides=True)
def exposure(s: Stats) -> float:
    """Return the part of the time in the market, in [0, 1]; the open trade counts."""
    return s.n_bars_exposed / s.n_bars


@metric(
    "SQN",
    "ratio",
    "Trades",
    "sqrt(closed trades) * mean profit / standard deviation of profits.",
    has_sides=True,
    is_signed=True,
)
def sqn(s: Stats) -> float:
    """Return the system quality number. Source: V. Tharp, "Definitive Guide to Position Sizing" (2008).

    Raises:
        UndefinedMetricError: fewer than two closed trades, or all with the same profit.
    """
    if s.n_trades < 2:
        raise UndefinedMetricError("There are fewer than two closed trades.")
    if s.profit_variance <= 0.0:
        raise UndefinedMetricError("All closed trades made the same profit.")
    return math.sqrt(s.n_trades) * expectancy(s) / math.sqrt(s.profit_variance)


@metric(
    "Kelly criterion", "fraction", "Trades", "Win rate - (1 - win rate) / payoff ratio.", has_sides=True, is_signed=True
)
def kelly_criterion(s: Stats) -> float:
    """Return the fraction to stake that grows fastest, if trades stay as they were; < 0 means: do not.

    Raises:
        UndefinedMetricError: no winning or no losing trades, or wins that are nothing beside the losses.
    """
    rate, payoff = win_rate(s), payoff_ratio(s)
    if payoff == 0.0:  # a quotient of the tiniest floats
        raise UndefinedMetricError("The average win is nothing beside the average loss.")
    return rate - (1.0 - rate) / payoff


@metric(
    "Average MAE",
    "money",
    "Trades",
    "Mean over closed trades of the worst open profit before commission (maximum adverse excursion).",
    has_sides=True,
    is_signed=True,
)
def average_mae(s: Stats) -> float:
    """Return how far trades went wrong on average, <= 0.

    Raises:
        UndefinedMetricError: no closed trades.
    """
    _need_trades(s)
    return s.adverse_sum / s.n_trades


@metric(
    "Average MFE",
    "money",
    "Trades",
    "Mean over closed trades of the best open profit before commission (maximum favourable excursion).",
    has_sides=True,
    is_signed=True,
)
def average_mfe(s: Stats) -> float:
    """Return how far trades went right on average, >= 0.

    Raises:
        UndefinedMetricError: no closed trades.
    """
    _need_trades(s)
    return s.favourable_sum / s.n_trades
