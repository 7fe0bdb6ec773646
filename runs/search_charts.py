"""The charts of an optimization as its page asks for them: names, labels and columns become series and cells.

Trials are numbered from 0 here, as in the addresses of their pages.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from algotrade.charts import search as charts
from algotrade.metrics import METRICS
from algotrade.metrics.vector import PLACES
from algotrade.ports import Json
from runs.models import Run
from runs.searches import Search, sampler, search_of
from runs.trial_columns import TrialColumns, columns_of

SMALLER_IS_BETTER = frozenset(
    {
        "volatility", "max_drawdown_money", "max_drawdown_duration_days", "time_under_water", "ulcer_index", "ruined",
        "losing_trades", "longest_losing_streak", "commissions", "commissions_closed", "slippage", "turnover",
    }
)  # fmt: skip
"""Metrics of which the least is the best, unless the search asks for the most; drawdowns and losses are negative."""
AGGREGATES = ("best", "mean")


def objective_data(run: Run) -> Json:
    """Return objective by trial, and the best one so far."""
    columns, spec = columns_of(run), search_of(run).spec
    kept, best = charts.objective_series(columns.number, columns.objective, columns.is_eligible, _sign(spec.direction))
    return {
        "rev": columns.rev,
        "total": run.total,
        "number": columns.number[kept].tolist(),
        "value": charts.json_list(columns.objective[kept]),
        "best": [[number, value if np.isfinite(value) else None] for number, value in best],
    }


def grid_data(run: Run, *, x: str = "", y: str = "", metric: str = "", agg: str = "best") -> Json:
    """Return a heatmap of two axes; by default the first two that are searched, and the objective.

    Raises:
        ValueError: an axis, the metric or the aggregate is none.
    """
    search = search_of(run)
    if agg not in AGGREGATES:
        raise ValueError(f"agg must be one of {', '.join(AGGREGATES)}; it is {agg[:60]!r}.")
    names = [*search.searched, "", ""]
    x = x or next(name for name in names if name != y)
    y = y or next(name for name in names if name != x or not name)
    key, sign = _metric(search, metric)
    columns = columns_of(run, [key])
    (x_values, x_of), (y_values, y_of) = _Axis.of(search, x), _Axis.of(search, y)
    if x and x == y:
        raise ValueError(f"x and y must be two axes; both are {x!r}.")
    everyone = sampler(run).combinations(0, run.total)
    shape = (len(x_values), len(y_values))
    planned = np.bincount(y_of(everyone) * shape[0] + x_of(everyone), minlength=shape[0] * shape[1])
    found = charts.heatmap(
        x_of(columns.combination),
        y_of(columns.combination),
        shape,
        columns.number,
        _shown(columns, search, key),
        columns.is_failed,
        planned,
        sign,
        is_mean=agg == "mean",
    )
    return {
        "rev": columns.rev,
        **_metric_facts(key),
        "objective": key == search.spec.objective,
        "direction": "maximize" if sign > 0 else "minimize",
        "x": {"name": x, "values": x_values},
        "y": {"name": y, "values": y_values},
        "cells": charts.json_list(found.value),
        "state": found.state.tolist(),
        "trial": [[number if number >= 0 else None for number in row] for row in found.trial.tolist()],
        "best": None if found.best is None else list(found.best),
        "over": [name for name in search.searched if name not in (x, y)],
    }


def slices_data(run: Run, *, metric: str = "") -> Json:
    """Return best, median and worst of a metric by each searched axis.

    Raises:
        ValueError: there is no such metric.
    """
    search = search_of(run)
    key, sign = _metric(search, metric)
    columns = columns_of(run, [key])
    value = _shown(columns, search, key)
    found = []
    for name in search.searched:
        values, place_of = _Axis.of(search, name)
        one = charts.slices(place_of(columns.combination), len(values), value, sign)
        parts = {part: charts.json_list(getattr(one, part)) for part in ("best", "median", "worst", "count")}
        found.append({"name": name, "values": values, **parts})
    return {"rev": columns.rev, **_metric_facts(key), "slices": found}


def parallel_data(run: Run) -> Json:
    """Return the searched values and the objective of the best trials and of some of the others."""
    search, columns = search_of(run), columns_of(run)
    kept = charts.parallels(columns.number, columns.objective, columns.is_eligible, _sign(search.spec.direction))
    n_defined = int(np.count_nonzero(~np.isnan(columns.objective)))
    objective = columns.objective[kept]
    finite = objective[np.isfinite(objective)]
    drawn: list[list[Any]] = []
    axes: list[Json] = []
    for axis in search.space.axes:
        if axis.name not in search.searched:
            continue
        digits = search.digits(axis.name, columns.combination[kept])
        drawn.append([axis.values[digit] for digit in digits.tolist()])
        if isinstance(axis.values[0], str | bool):
            axes.append({"name": axis.name, "kind": "choice", "values": list(axis.values)})
        else:
            low, high = (of(float(value) for value in axis.values) for of in (min, max))
            axes.append({"name": axis.name, "kind": "number", "min": low, "max": high})
    drawn.append(charts.json_list(objective))
    n_best = min(len(kept), charts.BEST_LINES)
    others = f" and {len(kept) - n_best:,} of the others" if len(kept) > n_best else ""
    is_all = len(kept) == n_defined
    return {
        "rev": columns.rev,
        "axes": axes,
        "objective": {
            "label": METRICS[search.spec.objective].label,
            "min": float(finite.min()) if len(finite) else None,
            "max": float(finite.max()) if len(finite) else None,
        },
        "lines": [list(line) for line in zip(*drawn, strict=True)],
        "number": columns.number[kept].tolist(),
        "caption": f"All {n_defined:,} trials" if is_all else f"The best {n_best:,} trials{others}, of {n_defined:,}",
    }


class _Axis:
    """Where trials stand on an axis."""

    def __init__(self, search: Search, name: str, place: NDArray[np.int64]) -> None:
        self._search, self._name, self._place = search, name, place

    @classmethod
    def of(cls, search: Search, name: str) -> "tuple[list[Any], _Axis]":
        """Return the first value of each place, and what tells the place of combinations; no name is one place.

        Raises:
            ValueError: the search has no such axis.
        """
        if not name:
            return [""], cls(search, "", np.zeros(1, dtype=np.int64))
        axis = next((axis for axis in search.space.axes if axis.name == name), None)
        if axis is None:
            known = ", ".join(search.searched) or "none"
            raise ValueError(f"There is no axis {name[:60]!r}. Searched are: {known}.")
        place, first = charts.bins(len(axis.values))
        return [axis.values[at] for at in first.tolist()], cls(search, name, place)

    def __call__(self, combinations: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the place of each combination."""
        if not self._name:
            return np.zeros(len(combinations), dtype=np.int64)
        return self._place[self._search.digits(self._name, combinations)]


def _sign(direction: str) -> float:
    return 1.0 if direction == "maximize" else -1.0


def _metric(search: Search, asked: str) -> tuple[str, float]:
    """Return a metric's key, by default the objective's, and whether more of it is better.

    Raises:
        ValueError: there is no such metric.
    """
    key = asked or search.spec.objective
    if key not in PLACES:
        raise ValueError(f"There is no metric {key[:60]!r}.")
    if key == search.spec.objective:
        return key, _sign(search.spec.direction)
    return key, -1.0 if key.rpartition(".")[2] in SMALLER_IS_BETTER else 1.0


def _metric_facts(key: str) -> Json:
    side, _, name = key.rpartition(".")
    label = METRICS[name].label
    return {"metric": key, "label": f"{label}, {side}" if side else label, "unit": METRICS[name].unit}


def _shown(columns: TrialColumns, search: Search, key: str) -> NDArray[np.float64]:
    """Return a metric's values; of the objective only those that count, so that a chart's best is the table's."""
    if key == search.spec.objective:
        return np.where(columns.is_eligible, columns.objective, np.nan)
    return columns.value(key)
