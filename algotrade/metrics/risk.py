"""Metrics of what was risked, and of gain per risk.

Daily returns come from the equity at each UTC day's last bar, the first from the initial cash. They are annualised by
the dataset's observed trading days per year. Excess means: above the spec's annual risk-free rate, per trading day.
"""

import math

from algotrade.metrics.registry import UndefinedMetricError, metric
from algotrade.metrics.returns import cagr
from algotrade.metrics.significance import probabilistic_sharpe
from algotrade.metrics.stats import Stats

DAY_NS = 86_400_000_000_000
ROUNDING = 1e-14
"""Deviations of daily returns below this are rounding of equal returns, not risk."""


def _need_days(s: Stats) -> None:
    """Refuse what needs at least two daily returns."""
    if s.n_days < 2:
        raise UndefinedMetricError("There are fewer than two trading days.")


def _deviation(s: Stats) -> float:
    """Return the standard deviation of the daily returns, > 0."""
    _need_days(s)
    if s.variance <= 0.0:
        raise UndefinedMetricError("The daily returns have no variance.")
    return math.sqrt(s.variance)


@metric(
    "Volatility",
    "fraction",
    "Risk",
    "Standard deviation of the daily returns * sqrt(trading days per year).",
    has_sides=True,
    less_is_better=True,
)
def volatility(s: Stats) -> float:
    """Return the annual standard deviation; 0 for zero variance.

    Raises:
        UndefinedMetricError: fewer than two trading days.
    """
    _need_days(s)
    return math.sqrt(s.variance * s.days_per_year)


@metric(
    "Sharpe ratio",
    "ratio",
    "Risk",
    "Mean daily excess return / standard deviation of the daily returns * sqrt(trading days per year).",
    has_sides=True,
    is_signed=True,
)
def sharpe_ratio(s: Stats) -> float:
    """Return the annual Sharpe ratio.

    Raises:
        UndefinedMetricError: fewer than two trading days, or zero variance.
    """
    return (s.mean_return - s.daily_risk_free) / _deviation(s) * math.sqrt(s.days_per_year)


@metric(
    "Sortino ratio",
    "ratio",
    "Risk",
    "Mean daily excess return / root mean square of the negative daily excess returns * sqrt(trading days per year).",
    has_sides=True,
    is_signed=True,
)
def sortino_ratio(s: Stats) -> float:
    """Return the annual Sortino ratio; days above the risk-free rate count as 0 in the divisor.

    Raises:
        UndefinedMetricError: fewer than two trading days, or none below the risk-free rate.
    """
    _need_days(s)
    downside = math.sqrt(s.downside_square)
    if downside <= ROUNDING:
        raise UndefinedMetricError("No day was below the risk-free rate.")
    return (s.mean_return - s.daily_risk_free) / downside * math.sqrt(s.days_per_year)


@metric("Calmar ratio", "ratio", "Risk", "CAGR / -max drawdown.", is_signed=True)
def calmar_ratio(s: Stats) -> float:
    """Return the growth per depth of the worst fall.

    Raises:
        UndefinedMetricError: there was no drawdown, or the CAGR is undefined.
    """
    if s.max_drawdown >= 0.0:
        raise UndefinedMetricError("There was no drawdown.")
    return cagr(s) / -s.max_drawdown


@metric(
    "Omega ratio",
    "ratio",
    "Risk",
    "Sum of the positive daily excess returns / -sum of the negative ones.",
    has_sides=True,
)
def omega_ratio(s: Stats) -> float:
    """Return the gains above the risk-free rate per loss below it.

    Raises:
        UndefinedMetricError: fewer than two trading days, or none below the risk-free rate.
    """
    _need_days(s)
    if s.downside_sum <= ROUNDING:
        raise UndefinedMetricError("No day was below the risk-free rate.")
    return s.upside_sum / s.downside_sum


@metric(
    "Probabilistic Sharpe",
    "fraction",
    "Risk",
    "Probability that the true Sharpe ratio is above 0, given the number of days, their skewness and kurtosis.",
    has_sides=True,
)
def probabilistic_sharpe_ratio(s: Stats) -> float:
    """Return the probability that the Sharpe ratio is no luck. Source: significance.py.

    Raises:
        UndefinedMetricError: fewer than two trading days, zero variance, or returns of two values only.
    """
    daily = (s.mean_return - s.daily_risk_free) / _deviation(s)
    try:
        return probabilistic_sharpe(daily, s.n_days, s.skewness, s.kurtosis)
    except ValueError:
        raise UndefinedMetricError("The daily returns take too few values.") from None


@metric(
    "Max drawdown",
    "fraction",
    "Risk",
    "Deepest fall of equity below its peak so far, at the bars' closes.",
    has_sides=True,
    is_signed=True,
)
def max_drawdown(s: Stats) -> float:
    """Return the worst fall as a fraction of the peak, in [-1, 0]; 0 when equity never fell."""
    return s.max_drawdown


@metric(
    "Max drawdown, money",
    "money",
    "Risk",
    "Largest fall of equity below its peak so far, in money.",
    is_signed=True,
    less_is_better=True,
)
def max_drawdown_money(s: Stats) -> float:
    """Return the largest fall in account currency, <= 0; not always the deepest as a fraction."""
    return s.max_drawdown_money


@metric(
    "Max drawdown duration",
    "days",
    "Risk",
    "Longest time from a peak of equity until it was reached again, or until the last bar; calendar days.",
    has_sides=True,
    less_is_better=True,
)
def max_drawdown_duration_days(s: Stats) -> float:
    """Return the longest wait for a new peak in calendar days; 0 when equity never fell."""
    return s.longest_drawdown_ns / DAY_NS


@metric(
    "Average drawdown",
    "fraction",
    "Risk",
    "Mean depth of the falls of equity below a peak, each counted once at its deepest.",
    has_sides=True,
    is_signed=True,
)
def average_drawdown(s: Stats) -> float:
    """Return the mean fall as a fraction of the peak, in [-1, 0]; 0 when equity never fell."""
    return s.drawdown_sum / s.n_drawdowns if s.n_drawdowns else 0.0


@metric(
    "Time under water",
    "fraction",
    "Risk",
    "Bars that closed below an earlier peak of equity / bars.",
    has_sides=True,
    less_is_better=True,
)
def time_under_water(s: Stats) -> float:
    """Return the part of the bars spent in a drawdown."""
    return s.n_bars_under_water / s.n_bars


@metric(
    "Ulcer index",
    "fraction",
    "Risk",
    "Root mean square of the drawdown at each day's last bar.",
    has_sides=True,
    less_is_better=True,
)
def ulcer_index(s: Stats) -> float:
    """Return depth and length of drawdowns in one figure, >= 0. Source: P. Martin, B. McCann (1989)."""
    return math.sqrt(s.squared_drawdown_sum / s.n_days)


@metric("Recovery factor", "ratio", "Risk", "Net profit / -max drawdown in money.", is_signed=True)
def recovery_factor(s: Stats) -> float:
    """Return how many times the worst fall was earned.

    Raises:
        UndefinedMetricError: there was no drawdown.
    """
    if s.max_drawdown_money >= 0.0:
        raise UndefinedMetricError("There was no drawdown.")
    return s.profit / -s.max_drawdown_money


@metric(
    "Value at risk 95%",
    "fraction",
    "Risk",
    "The daily return that the worst 5% of the days (rounded up to whole days) did not exceed.",
    has_sides=True,
    is_signed=True,
)
def value_at_risk_95(s: Stats) -> float:
    """Return the historical one-day value at risk as a return, negative for a loss.

    Raises:
        UndefinedMetricError: fewer than two trading days.
    """
    _need_days(s)
    return s.value_at_risk


@metric(
    "Conditional VaR 95%",
    "fraction",
    "Risk",
    "Mean daily return of the worst 5% of the days (rounded up to whole days).",
    has_sides=True,
    is_signed=True,
)
def conditional_value_at_risk_95(s: Stats) -> float:
    """Return the expected shortfall of one day as a return, negative for a loss.

    Raises:
        UndefinedMetricError: fewer than two trading days.
    """
    _need_days(s)
    return s.conditional_value_at_risk


@metric("Skewness", "ratio", "Risk", "Third standardised moment of the daily returns.", has_sides=True, is_signed=True)
def skewness(s: Stats) -> float:
    """Return the skewness (population moments).

    Raises:
        UndefinedMetricError: fewer than two trading days, or zero variance.
    """
    _deviation(s)
    return s.skewness


@metric(
    "Kurtosis", "ratio", "Risk", "Fourth standardised moment of the daily returns; 3 for a normal one.", has_sides=True
)
def kurtosis(s: Stats) -> float:
    """Return the plain, not the excess kurtosis (population moments).

    Raises:
        UndefinedMetricError: fewer than two trading days, or zero variance.
    """
    _deviation(s)
    return s.kurtosis


def _need_moving_close(s: Stats) -> None:
    """Refuse what compares with an asset that never moved."""
    _need_days(s)
    if s.hold_variance <= 0.0:
        raise UndefinedMetricError("The daily returns of the close have no variance.")


@metric("Beta", "ratio", "Risk", "Covariance of the daily returns with the close's / variance of the close's.")
def beta(s: Stats) -> float:
    """Return how much of the asset's movement the account took part in.

    Raises:
        UndefinedMetricError: fewer than two trading days, or a close that never moved.
    """
    _need_moving_close(s)
    return s.beta


@metric(
    "Alpha",
    "fraction",
    "Risk",
    "(Mean daily excess return - beta * mean daily excess return of the close) * trading days per year.",
    is_signed=True,
)
def alpha(s: Stats) -> float:
    """Return Jensen's alpha, annual, not compounded.

    Raises:
        UndefinedMetricError: fewer than two trading days, or a close that never moved.
    """
    _need_moving_close(s)
    hold = s.hold_mean_return - s.daily_risk_free
    return (s.mean_return - s.daily_risk_free - s.beta * hold) * s.days_per_year


@metric(
    "Ruined", "flag", "Risk", "1 when the account was liquidated and the run ended there, else 0.", less_is_better=True
)
def ruined(s: Stats) -> float:
    """Tell whether the account was ruined, as 1 or 0."""
    return s.is_ruined
