"""Charts of an optimization as its page asks for them: names, labels and columns become series and cells.

A chart is a function of the run and of the options that its page may set; CHARTS names it, and its address follows.
Trials are numbered from 0 here, as in the addresses of their pages.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from algotrade.charts import optimization as charts
from algotrade.metrics import METRICS
from algotrade.metrics.vector import PLACES
from algotrade.ports import Json
from runs.models import Run
from runs.optimizations.columns import TrialColumns, columns_of
from runs.optimizations.plan import Plan, plan_of, sampler

AGGREGATES = ("best", "mean")
CHARTS: dict[str, Callable[..., Json]] = {}
"""Every chart by its name in addresses: `/optimizations/ID/grid.json` is the chart `grid`."""


def chart(make: Callable[..., Json]) -> Callable[..., Json]:
    """Register a chart under its function's name; its keyword arguments are the options of its address, all texts."""
    CHARTS[make.__name__] = make
    return make


@chart
def objective(run: Run) -> Json:
    """Return objective by trial, and the best one so far."""
    columns, spec = columns_of(run), plan_of(run).spec
    kept, best = charts.objective_series(columns.number, columns.objective, columns.is_eligible, _sign(spec.direction))
    return {
        "rev": columns.rev,
        "total": run.total,
        "number": columns.number[kept].tolist(),
        "value": charts.json_list(columns.objective[kept]),
        "best": [[number, value if np.isfinite(value) else None] for number, value in best],
    }


@chart
def grid(run: Run, *, x: str = "", y: str = "", metric: str = "", agg: str = "best") -> Json:
    """Return a heatmap of two axes; by default the first two that are varied, and the objective.

    Raises:
        ValueError: an axis, the metric or the aggregate is none.
    """
    plan = plan_of(run)
    if agg not in AGGREGATES:
        raise ValueError(f"agg must be one of {', '.join(AGGREGATES)}; it is {agg[:60]!r}.")
    names = [*plan.varied, "", ""]
    x = x or next(name for name in names if name != y)
    y = y or next(name for name in names if name != x or not name)
    key, sign = _metric(plan, metric)
    columns = columns_of(run, [key])
    (x_values, x_of), (y_values, y_of) = _Axis.of(plan, x), _Axis.of(plan, y)
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
        _shown(columns, plan, key),
        columns.is_failed,
        planned,
        sign,
        is_mean=agg == "mean",
    )
    return {
        "rev": columns.rev,
        **_metric_facts(key),
        "objective": key == plan.spec.objective,
        "direction": "maximize" if sign > 0 else "minimize",
        "x": {"name": x, "values": x_values},
        "y": {"name": y, "values": y_values},
        "cells": charts.json_list(found.value),
        "state": found.state.tolist(),
        "trial": [[number if number >= 0 else None for number in row] for row in found.trial.tolist()],
        "best": None if found.best is None else list(found.best),
        "over": [name for name in plan.varied if name not in (x, y)],
    }


@chart
def slices(run: Run, *, metric: str = "") -> Json:
    """Return best, median and worst of a metric by each varied axis.

    Raises:
        ValueError: there is no such metric.
    """
    plan = plan_of(run)
    key, sign = _metric(plan, metric)
    columns = columns_of(run, [key])
    value = _shown(columns, plan, key)
    found = []
    for name in plan.varied:
        values, place_of = _Axis.of(plan, name)
        one = charts.slices(place_of(columns.combination), len(values), value, sign)
        parts = {part: charts.json_list(getattr(one, part)) for part in ("best", "median", "worst", "count")}
        found.append({"name": name, "values": values, **parts})
    return {"rev": columns.rev, **_metric_facts(key), "slices": found}


@chart
def parallel(run: Run) -> Json:
    """Return the varied values and the objective of the best trials and of some of the others."""
    plan, columns = plan_of(run), columns_of(run)
    kept = charts.parallels(columns.number, columns.objective, columns.is_eligible, _sign(plan.spec.direction))
    n_defined = int(np.count_nonzero(~np.isnan(columns.objective)))
    objective = columns.objective[kept]
    finite = objective[np.isfinite(objective)]
    drawn: list[list[Any]] = []
    axes: list[Json] = []
    for axis in plan.space.axes:
        if axis.name not in plan.varied:
            continue
        digits = plan.digits(axis.name, columns.combination[kept])
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
            "label": METRICS[plan.spec.objective].label,
            "min": float(finite.min()) if len(finite) else None,
            "max": float(finite.max()) if len(finite) else None,
        },
        "lines": [list(line) for line in zip(*drawn, strict=True)],
        "number": columns.number[kept].tolist(),
        "caption": f"All {n_defined:,} trials" if is_all else f"The best {n_best:,} trials{others}, of {n_defined:,}",
    }


class _Axis:
    """Where trials stand on an axis."""

    def __init__(self, plan: Plan, name: str, place: NDArray[np.int64]) -> None:
        self._plan, self._name, self._place = plan, name, place

    @classmethod
    def of(cls, plan: Plan, name: str) -> "tuple[list[Any], _Axis]":
        """Return the first value of each place, and what tells the place of combinations; no name is one place.

        Raises:
            ValueError: the optimization has no such axis.
        """
        if not name:
            return [""], cls(plan, "", np.zeros(1, dtype=np.int64))
        axis = next((axis for axis in plan.space.axes if axis.name == name), None)
        if axis is None:
            known = ", ".join(plan.varied) or "none"
            raise ValueError(f"There is no axis {name[:60]!r}. Varied are: {known}.")
        place, first = charts.bins(len(axis.values))
        return [axis.values[at] for at in first.tolist()], cls(plan, name, place)

    def __call__(self, combinations: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the place of each combination."""
        if not self._name:
            return np.zeros(len(combinations), dtype=np.int64)
        return self._place[self._plan.digits(self._name, combinations)]


def _sign(direction: str) -> float:
    return 1.0 if direction == "maximize" else -1.0


def _metric(plan: Plan, asked: str) -> tuple[str, float]:
    """Return a metric's key, by default the objective's, and whether more of it is better.

    Raises:
        ValueError: there is no such metric.
    """
    key = asked or plan.spec.objective
    if key not in PLACES:
        raise ValueError(f"There is no metric {key[:60]!r}.")
    if key == plan.spec.objective:
        return key, _sign(plan.spec.direction)
    return key, -1.0 if METRICS[key.rpartition(".")[2]].less_is_better else 1.0


def _metric_facts(key: str) -> Json:
    side, _, name = key.rpartition(".")
    label = METRICS[name].label
    return {"metric": key, "label": f"{label}, {side}" if side else label, "unit": METRICS[name].unit}


def _shown(columns: TrialColumns, plan: Plan, key: str) -> NDArray[np.float64]:
    """Return a metric's values; of the objective only those that count, so that a chart's best is the table's."""
    if key == plan.spec.objective:
        return np.where(columns.is_eligible, columns.objective, np.nan)
    return columns.value(key)
