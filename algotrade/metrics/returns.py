"""Metrics of what was gained."""

from algotrade.metrics.registry import UndefinedMetricError, metric
from algotrade.metrics.stats import Stats


@metric(
    "Net profit",
    "money",
    "Returns",
    "Final equity - initial cash, the open trade included. A side's is the sum over its trades.",
    has_sides=True,
    is_signed=True,
)
def net_profit(s: Stats) -> float:
    """Return the gain in account currency; 0 without trades."""
    return s.profit


@metric(
    "Total return",
    "fraction",
    "Returns",
    "Net profit / initial cash. The sides add up to the whole.",
    has_sides=True,
    is_signed=True,
)
def total_return(s: Stats) -> float:
    """Return the gain over the whole run as a fraction of the initial cash."""
    return s.profit / s.initial_cash


@metric("Final equity", "money", "Returns", "Cash + value of the position at the last close.")
def final_equity(s: Stats) -> float:
    """Return the account's worth after the last bar."""
    return s.final_equity


@metric(
    "Open profit",
    "money",
    "Returns",
    "Profit of the trade that was still open at the end, after the commission of its entry.",
    has_sides=True,
    is_signed=True,
)
def open_profit(s: Stats) -> float:
    """Return the unrealised part of the net profit; 0 when no trade was open."""
    return s.open_profit


@metric(
    "Gross profit",
    "money",
    "Returns",
    "Sum of the profits of winning closed trades, after commission.",
    has_sides=True,
    is_signed=True,
)
def gross_profit(s: Stats) -> float:
    """Return what the winners made, >= 0."""
    return s.gross_profit


@metric(
    "Gross loss",
    "money",
    "Returns",
    "Sum of the losses of losing closed trades, after commission.",
    has_sides=True,
    is_signed=True,
)
def gross_loss(s: Stats) -> float:
    """Return what the losers lost, <= 0."""
    return s.gross_loss


@metric(
    "CAGR",
    "fraction",
    "Returns",
    "(final equity / initial cash) ^ (trading days per year / trading days) - 1.",
    is_signed=True,
)
def cagr(s: Stats) -> float:
    """Return the compound annual growth rate; -1 when nothing is left.

    Raises:
        UndefinedMetricError: the range is so short and the gain so large that the rate exceeds every float.
    """
    growth = max(s.final_equity / s.initial_cash, 0.0)
    try:
        return float(growth ** (s.days_per_year / s.n_days)) - 1.0
    except OverflowError:
        raise UndefinedMetricError(f"{s.n_days} trading days are too few to annualise this return.") from None


@metric(
    "Buy and hold",
    "fraction",
    "Returns",
    "Last close / first close - 1: the initial cash invested at the first close, without costs.",
    is_signed=True,
)
def buy_and_hold_return(s: Stats) -> float:
    """Return what holding the asset over the range would have made."""
    return s.hold_return


@metric("Excess return", "fraction", "Returns", "Total return - buy and hold.", is_signed=True)
def excess_return(s: Stats) -> float:
    """Return by how much the run beat (> 0) or missed (< 0) holding the asset."""
    return total_return(s) - s.hold_return


@metric(
    "Best month", "fraction", "Returns", "Largest change of equity from month's end to month's end.", is_signed=True
)
def best_month(s: Stats) -> float:
    """Return the best calendar month's return (UTC); the first and the last month may be partial."""
    return s.best_month


@metric(
    "Worst month", "fraction", "Returns", "Smallest change of equity from month's end to month's end.", is_signed=True
)
def worst_month(s: Stats) -> float:
    """Return the worst calendar month's return (UTC); the first and the last month may be partial."""
    return s.worst_month


@metric("Best day", "fraction", "Returns", "Largest daily return.", is_signed=True)
def best_day(s: Stats) -> float:
    """Return the best UTC day's return."""
    return s.best_day


@metric("Worst day", "fraction", "Returns", "Smallest daily return.", is_signed=True)
def worst_day(s: Stats) -> float:
    """Return the worst UTC day's return."""
    return s.worst_day
