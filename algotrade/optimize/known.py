"""Trials that another optimization has evaluated already, found by their parameters."""

import numpy as np
from numpy.typing import NDArray

from algotrade.spec import DATASET_AXES, OptimizationSpec


def translate(
    combinations: NDArray[np.int64], there: OptimizationSpec, there_on: int, here: OptimizationSpec, here_on: int
) -> NDArray[np.int64]:
    """Return which combinations of one spec have the parameters that combinations of another one have.

    Args:
        combinations: int64[n], indexes in the space of `there`.
        there: the spec that they are of; its rules do not matter.
        there_on: only those of them count that are on this one of its datasets.
        here: the spec in whose space they are looked for.
        here_on: on which of its datasets; the caller knows that both are the same.

    Returns:
        int64[n]: index in the space of `here`; -1 for one that is on another dataset or has parameters that `here` does
        not vary.
    """
    shape = tuple(len(values) for values in there.axes.values())
    digits = dict(zip(there.axes, np.unravel_index(combinations, shape), strict=True))
    is_found = np.ones(len(combinations), dtype=np.bool_)
    found = np.zeros(len(combinations), dtype=np.int64)
    for name in DATASET_AXES:
        if name in there.axes:
            wanted = getattr(there.datasets[there_on], name)
            is_found &= np.array([value == wanted for value in there.axes[name]], dtype=np.bool_)[digits[name]]
    for name, values in here.axes.items():
        places = {_exact(value): place for place, value in enumerate(values)}
        if name in DATASET_AXES:
            digit = np.full(len(combinations), places[_exact(getattr(here.datasets[here_on], name))])
        else:
            table = np.array([places.get(_exact(value), -1) for value in there.axes[name]], dtype=np.int64)
            digit = table[digits[name]]
        is_found &= digit >= 0
        found = found * len(values) + digit
    return np.where(is_found, found, -1)


def _exact(value: object) -> tuple[str, object]:
    """Tell 1, 1.0 and True apart: they are different parameters of a backtest."""
    return type(value).__name__, value
