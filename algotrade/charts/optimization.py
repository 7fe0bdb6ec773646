"""The charts of an optimization: objective by trial, a heatmap of two axes, slices, parallel coordinates.

All take columns with one entry a trial, in any order, and axes as digits: which of the axis's values a trial has. A
value is NaN where a trial has none. `sign` is 1.0 where larger is better and -1.0 where smaller is.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

MAX_TRIALS = 4_000
"""Points of the objective chart at most."""
MAX_CELLS = 120
"""Cells of a heatmap's side, and places of a slice, at most; neighbouring values share one beyond."""
BEST_LINES = 1_000
OTHER_LINES = 1_000
SEED = 1
PENDING, VALUE, EXCLUDED, FAILED, UNDEFINED = range(5)
"""What is known of a heatmap's cell: none of its trials ran yet; a value; it has no trials; all failed; no value."""


@dataclass(frozen=True, slots=True)
class Heatmap:
    """A heatmap's cells, by [row of y][column of x].

    Attributes:
        value: float64[n_y, n_x], NaN where there is none.
        state: int64[n_y, n_x], of PENDING and so on.
        trial: number of the cell's best trial, int64[n_y, n_x], -1 where there is none.
        best: (column, row) of the best value; None while there is none.
    """

    value: NDArray[np.float64]
    state: NDArray[np.int64]
    trial: NDArray[np.int64]
    best: tuple[int, int] | None


@dataclass(frozen=True, slots=True)
class Slice:
    """A metric by one axis: float64[n_places] each, NaN where no trial has a value; count is int64[n_places]."""

    best: NDArray[np.float64]
    median: NDArray[np.float64]
    worst: NDArray[np.float64]
    count: NDArray[np.int64]


def objective_series(
    number: NDArray[np.int64],
    objective: NDArray[np.float64],
    is_eligible: NDArray[np.bool_],
    sign: float,
    most: int = MAX_TRIALS,
) -> tuple[NDArray[np.int64], list[tuple[int, float]]]:
    """Return which trials to draw, and how the best value grew.

    Of each bucket of neighbouring numbers the lowest and the highest trial are kept, so no extreme is lost.

    Args:
        number: of the trials, int64[n].
        objective: float64[n]; trials without one are not drawn.
        is_eligible: bool[n]; only these can be the best.
        sign: 1.0 where larger is better, -1.0 where smaller is.
        most: points at most, at least 4.

    Returns:
        Places in the columns, in the order of the numbers; and (number, value) of each trial that was better than all
        eligible ones before it.
    """
    order = np.argsort(number)
    order = order[~np.isnan(objective[order])]
    ranked = order[is_eligible[order]]
    scores = sign * objective[ranked]
    rises = np.flatnonzero(scores > np.concatenate([[-np.inf], np.maximum.accumulate(scores)[:-1]])[: len(scores)])
    best = [(int(number[at]), float(objective[at])) for at in ranked[rises]]
    if len(order) <= most:
        return order, best
    size = -(-len(order) // (most // 2))
    padded = np.concatenate([objective[order], np.full(-len(order) % size, np.nan)]).reshape(-1, size)
    starts = np.arange(len(padded)) * size
    kept = np.unique(np.concatenate([starts + np.nanargmin(padded, axis=1), starts + np.nanargmax(padded, axis=1)]))
    return order[kept], best


def bins(n_values: int, most: int = MAX_CELLS) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the place of each of an axis's values, int64[n_values], and the first value of each place."""
    size = max(1, -(-n_values // most))
    place = np.arange(n_values) // size
    return place, np.arange(0, n_values, size)


def heatmap(
    x: NDArray[np.int64],
    y: NDArray[np.int64],
    shape: tuple[int, int],
    number: NDArray[np.int64],
    value: NDArray[np.float64],
    is_failed: NDArray[np.bool_],
    planned: NDArray[np.int64],
    sign: float,
    *,
    is_mean: bool = False,
) -> Heatmap:
    """Return the best (or the mean) value of the trials of each cell.

    Args:
        x: column of each trial, int64[n].
        y: row of each trial, int64[n].
        shape: (columns, rows).
        number: of the trials, int64[n]; among equals the lowest is the cell's best.
        value: float64[n]; NaN for trials that are not to be shown.
        is_failed: bool[n].
        planned: trials of each cell that the optimization has, int64[rows, columns].
        sign: 1.0 where larger is better, -1.0 where smaller is.
        is_mean: whether a cell shows the mean instead of the best.
    """
    n_x, n_y = shape
    cell = y * n_x + x
    n_cells = n_x * n_y
    defined = ~np.isnan(value)
    order = np.lexsort((number, np.where(defined, -sign * value, np.inf), cell))
    order = order[defined[order]]
    cells, first = np.unique(cell[order], return_index=True)
    shown, trial = np.full(n_cells, np.nan), np.full(n_cells, -1, dtype=np.int64)
    shown[cells], trial[cells] = value[order[first]], number[order[first]]
    if is_mean and len(order):
        counts = np.bincount(cell[order], minlength=n_cells)
        sums = np.bincount(cell[order], weights=value[order], minlength=n_cells)
        shown = np.divide(sums, counts, out=np.full(n_cells, np.nan), where=counts > 0)
    there = np.bincount(cell, minlength=n_cells)
    failed = np.bincount(cell, weights=is_failed, minlength=n_cells)
    state = np.select(
        [~np.isnan(shown), planned.ravel() == 0, there == 0, failed == there],
        [VALUE, EXCLUDED, PENDING, FAILED],
        UNDEFINED,
    )
    best = None
    if len(cells):
        at = int(np.nanargmax(sign * shown))
        best = (at % n_x, at // n_x)
    grid = (n_y, n_x)
    return Heatmap(shown.reshape(grid), state.reshape(grid).astype(np.int64), trial.reshape(grid), best)


def slices(place: NDArray[np.int64], n_places: int, value: NDArray[np.float64], sign: float) -> Slice:
    """Return best, median and worst value of the trials at each place of one axis.

    Args:
        place: of each trial, int64[n].
        n_places: places of the axis.
        value: float64[n]; trials without one do not count.
        sign: 1.0 where larger is better, -1.0 where smaller is.
    """
    order = np.lexsort((sign * value, place))
    order = order[~np.isnan(value[order])]
    ranked, count = value[order], np.bincount(place[order], minlength=n_places)
    ends = np.cumsum(count)
    best, median, worst = (np.full(n_places, np.nan) for _ in range(3))
    some = count > 0
    first, last = (ends - count)[some], ends[some] - 1
    best[some], worst[some] = ranked[last], ranked[first]
    median[some] = (ranked[(first + last) // 2] + ranked[(first + last + 1) // 2]) / 2
    return Slice(best, median, worst, count.astype(np.int64))


def parallels(
    number: NDArray[np.int64],
    objective: NDArray[np.float64],
    is_eligible: NDArray[np.bool_],
    sign: float,
    *,
    n_best: int = BEST_LINES,
    n_other: int = OTHER_LINES,
) -> NDArray[np.int64]:
    """Return which trials to draw as lines: the best ones, and of the others as many by chance, the same ones always.

    Returns:
        Places in the columns, the best first; only trials with an objective.
    """
    group = np.where(is_eligible, 0, 1)
    order = np.lexsort((number, -sign * objective, group))
    order = order[~np.isnan(objective[order])]
    best, others = order[:n_best], order[n_best:]
    if len(others) > n_other:
        others = others[np.sort(np.random.default_rng(SEED).choice(len(others), n_other, replace=False))]
    return np.concatenate([best, others])


def json_list(values: NDArray[Any]) -> list[Any]:
    """Return an array as JSON types, None for what JSON has no number for; rows of a table as lists."""
    if values.dtype.kind != "f":
        return list(values.tolist())
    return list(np.where(np.isfinite(values), values.astype(object), np.array(None)).tolist())
