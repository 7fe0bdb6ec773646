"""What an optimization would be, before it starts: how much work, how long, how large, and what looks odd."""

from collections.abc import Mapping
from typing import Any

from algotrade.metrics import METRICS
from algotrade.ports import Json
from algotrade.resolve import ResolvedOptimization
from algotrade.spec import DATASET_AXES
from runs.estimates import search_seconds
from runs.known import n_known

TRIAL_BYTES = 2_000
"""A trial's row: 150 metrics of 8 bytes, its columns and the indexes' entries."""
BAR_BYTES = 48
"""A bar: time, four prices, volume."""
VALUE_BYTES = 8
MANY_INTERPRETED = 10_000
"""Trials of a strategy that runs as Python above which a warning is due."""


def evaluation_body(resolved: ResolvedOptimization, request: Mapping[str, Any]) -> Json:
    """Return the figures of a submission that passed the validator.

    Args:
        resolved: the submission.
        request: as it was sent.
    """
    bars = [one.total_bars for one in resolved.spec.datasets]
    known = n_known(resolved)
    return {
        "total": resolved.total,
        "excluded": resolved.total - resolved.n_trials,
        "trials": resolved.n_trials,
        "known": known,
        "bars_per_trial": round(sum(bars) / len(bars)),
        "estimated_seconds": search_seconds(resolved, n_trials=resolved.n_trials - known),
        "estimated_memory_bytes": memory_bytes(resolved),
        "warnings": warnings_of(resolved, request),
    }


def memory_bytes(resolved: ResolvedOptimization) -> int:
    """Return trials x 2,000 + bars x 48 + bars x 8 for each value of a searched parameter.

    An indicator is computed once for each value of the parameter that it depends on.
    """
    spec = resolved.spec
    searched = [values for name, values in spec.axes.items() if name not in DATASET_AXES and len(values) > 1]
    n_arrays = sum(len(values) for values in searched)
    n_bars = sum(one.total_bars for one in spec.datasets)
    return resolved.n_trials * TRIAL_BYTES + n_bars * (BAR_BYTES + VALUE_BYTES * n_arrays)


def warnings_of(resolved: ResolvedOptimization, request: Mapping[str, Any]) -> list[str]:
    """Return what is allowed and may still not be meant, one sentence each."""
    given, spec = request.get("axes") or {}, resolved.spec
    found = []
    for name, values in spec.axes.items():
        asked = given.get(name)
        if asked is None:
            found.append(f"{name} has no axis and takes its default, {values[0]}.")
        elif asked.get("max") is not None and float(asked["max"]) != float(values[-1]):
            found.append(f"{name} ends at {values[-1]}: its steps do not reach {asked['max']}.")
    if not resolved.strategy.compiled and resolved.n_trials > MANY_INTERPRETED:
        title = resolved.strategy.title
        found.append(f"{title} is not compiled; {resolved.n_trials:,} trials of it may take very long.")
    metric = METRICS[spec.objective]
    is_undefined = metric.group == "Trades" and metric.unit != "count" and metric.key != "exposure"
    if is_undefined and "min_trades" not in spec.filters:
        found.append(f"{metric.label} is undefined without trades; such trials are not ranked.")
    return found
