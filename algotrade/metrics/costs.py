"""Metrics of what trading cost."""

from algotrade.account import CHARGES
from algotrade.metrics.registry import Formula, UndefinedMetricError, metric
from algotrade.metrics.stats import Stats


@metric(
    "Commissions",
    "money",
    "Costs",
    "Everything paid, the open trade's entry included; in net profit.",
    has_sides=True,
    less_is_better=True,
)
def commissions(s: Stats) -> float:
    """Return the fees paid, >= 0."""
    return s.commission


@metric(
    "Commissions, closed trades",
    "money",
    "Costs",
    "The part of the commissions on closed trades.",
    has_sides=True,
    less_is_better=True,
)
def commissions_closed(s: Stats) -> float:
    """Return the fees of closed trades, >= 0."""
    return s.commission_closed


@metric(
    "Slippage",
    "money",
    "Costs",
    "Money lost against the prices without slippage; in net profit.",
    has_sides=True,
    less_is_better=True,
)
def slippage(s: Stats) -> float:
    """Return what slippage cost, >= 0."""
    return s.slippage


@metric(
    "Turnover",
    "ratio",
    "Costs",
    "Value of all fills / mean equity / years: times the equity was traded per year.",
    less_is_better=True,
)
def turnover(s: Stats) -> float:
    """Return the annual turnover; 0 without fills.

    Raises:
        UndefinedMetricError: the mean equity is not above 0.
    """
    mean_equity = s.curve_sum / s.n_bars
    if mean_equity <= 0.0:
        raise UndefinedMetricError("The mean equity is not above 0.")
    return s.traded / mean_equity * s.days_per_year / s.n_days


def _total(name: str, place: int) -> Formula:
    """Return the formula that tells a charge."""

    def total(s: Stats) -> float:
        return s.charges[place]

    total.__name__ = name
    return total


for _place, _charge in enumerate(CHARGES.values()):
    metric(_charge.label, "money", "Costs", _charge.help, less_is_better=True)(_total(_charge.name, _place))
