"""The registry: what a metric is, and the decorator that makes a function one.

A metric is a function of one STATS record, named as its key in the API. Tables, tooltips and objective lists read
METRICS, so a new metric is one decorated function and its test.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from algotrade.errors import AlgotradeError
from algotrade.metrics.stats import Stats

Unit = Literal["fraction", "ratio", "money", "count", "days", "bars", "flag"]
WHOLE_UNITS = ("count", "flag")
"""Units whose values are whole numbers."""
Group = Literal["Returns", "Risk", "Trades", "Costs"]
Formula = Callable[[Stats], float]


class UndefinedMetricError(AlgotradeError):
    """A metric has no value for this result; the message is the reason that people read."""


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric.

    Attributes:
        key: name in the API and in stored results; `long.` and `short.` are put before it for the sides.
        label: name that people read.
        unit: what the value is; fractions are shown as percent, money in account currency, flags (1 or 0) as yes or no.
        group: heading under which it is shown.
        help: the formula, in words.
        has_sides: whether it is told for the long and the short side, too.
        is_signed: whether it is a gain or a loss, shown with its sign and colour.
        less_is_better: whether its least value is the best; drawdowns and losses are negative, so more of them is.
        formula: computes it from one side's STATS record.
    """

    key: str
    label: str
    unit: Unit
    group: Group
    help: str
    has_sides: bool
    is_signed: bool
    less_is_better: bool
    formula: Formula


METRICS: dict[str, Metric] = {}
"""Every metric by key, in the order in which they are shown."""


def metric(
    label: str,
    unit: Unit,
    group: Group,
    text: str,
    *,
    has_sides: bool = False,
    is_signed: bool = False,
    less_is_better: bool = False,
) -> Callable[[Formula], Formula]:
    """Register the decorated function as the metric of its name; arguments as in Metric, `text` is its help."""

    def register(formula: Formula) -> Formula:
        key = formula.__name__
        if key in METRICS:
            raise ValueError(f"There are two metrics {key!r}; keys are unique.")
        METRICS[key] = Metric(key, label, unit, group, text, has_sides, is_signed, less_is_better, formula)
        return formula

    return register
