"""How a trial stands among the others: its rank, and the trials beside it."""

from dataclasses import dataclass

import numpy as np

from algotrade.metrics import METRICS
from runs.figures import Figure, value_text
from runs.models import Trial
from runs.searches import search_of
from runs.trial_columns import columns_of


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A trial whose parameters differ in one axis, by one value: a peak that stands alone is told by these.

    Attributes:
        axis, value: what differs.
        number: of the trial, from 0.
        figure: its objective, undefined when it failed.
    """

    axis: str
    value: str
    number: int
    figure: Figure


@dataclass(frozen=True, slots=True)
class Standing:
    """A trial's place among the ranked ones, from 1; None when it is not ranked."""

    rank: int | None
    n_ranked: int


def standing_of(trial: Trial) -> Standing:
    """Return the trial's place; of equals the first trial goes before."""
    columns = columns_of(trial.run)
    is_ranked = columns.is_eligible & ~np.isnan(columns.objective)
    n_ranked = int(np.count_nonzero(is_ranked))
    if not trial.is_eligible or trial.objective is None:
        return Standing(None, n_ranked)
    sign = 1.0 if trial.run.spec["direction"] == "maximize" else -1.0
    values, own = sign * columns.objective[is_ranked], sign * trial.objective
    n_better = np.count_nonzero(values > own)
    n_before = np.count_nonzero((values == own) & (columns.number[is_ranked] < trial.number))
    return Standing(int(n_better + n_before) + 1, n_ranked)


def neighbours_of(trial: Trial) -> list[Neighbour]:
    """Return the trials that lie one value away, in the order of the axes."""
    search, columns = search_of(trial.run), columns_of(trial.run)
    space, metric = search.space, METRICS[search.spec.objective]
    found = []
    stride = 1
    for axis in reversed(space.axes):
        n_values = len(axis.values)
        digit = trial.combination // stride % n_values
        for step in (1, -1):
            if 0 <= digit + step < n_values:
                there = np.flatnonzero(columns.combination == trial.combination + step * stride)
                for place in there[:1]:
                    value = float(columns.objective[place])
                    figure = Figure(metric.label, None if np.isnan(value) else value, metric.unit)
                    text = value_text(axis.values[digit + step])
                    found.append(Neighbour(axis.name, text, int(columns.number[place]), figure))
        stride *= n_values
    return found[::-1]
