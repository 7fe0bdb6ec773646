"""Ranking of trials: the objective and the filters of a spec, over metric vectors."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from algotrade.metrics import METRICS
from algotrade.metrics.vector import PLACES
from algotrade.spec import OptimizationSpec


def objective_of(spec: OptimizationSpec, vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the objective of each trial, float64[n_trials]; NaN where it is undefined.

    Args:
        spec: names the objective.
        vectors: float64[n_trials, len(METRIC_KEYS)].
    """
    return vectors[:, PLACES[spec.objective]]


def ranking_condition(objective: str, filters: Mapping[str, float]) -> str:
    """Return what a trial does that is ranked, for people: "No trial …".

    Args:
        objective: key of the metric that ranks.
        filters: bounds by key, as `is_eligible` takes them.
    """
    has_value = f"has a value for {METRICS[objective].label}"
    return f"passes the filters and {has_value}" if filters else has_value


def is_eligible(filters: Mapping[str, float], vectors: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Tell which trials keep every filter, bool[n_trials]; an undefined metric keeps none.

    Args:
        filters: bounds by key: min_ or max_ and a metric's key; `max_drawdown` is the deepest drawdown that is allowed,
            a fraction, with or without its minus sign.
        vectors: float64[n_trials, len(METRIC_KEYS)].
    """
    mask = np.ones(len(vectors), dtype=np.bool_)
    for name, bound in filters.items():
        if name == "max_drawdown":
            mask &= vectors[:, PLACES[name]] >= -abs(bound)
            continue
        side, _, metric = name.partition("_")
        values = vectors[:, PLACES[metric]]
        mask &= values >= bound if side == "min" else values <= bound
    return mask
