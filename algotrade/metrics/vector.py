"""A trial's metrics as a vector: which metric stands where, and back to values by key."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from algotrade.metrics import costs, returns, risk, trades  # noqa: F401 - importing registers the metrics
from algotrade.metrics.registry import METRICS, WHOLE_UNITS
from algotrade.metrics.stats import SIDES

METRIC_KEYS: tuple[str, ...] = tuple(
    ("" if side == "all" else f"{side}.") + metric.key
    for side in SIDES
    for metric in METRICS.values()
    if side == "all" or metric.has_sides
)
"""The place of each metric in a vector."""
PLACES = {key: place for place, key in enumerate(METRIC_KEYS)}
VECTOR_BYTES = 8 * len(METRIC_KEYS)


def to_vector(values: Mapping[str, float | None]) -> NDArray[np.float64]:
    """Return float64[len(METRIC_KEYS)], NaN where a metric is undefined."""
    return np.array([np.nan if values[key] is None else values[key] for key in METRIC_KEYS], dtype=np.float64)


def from_vector(data: bytes) -> dict[str, float | None]:
    """Return the values by key of a vector's bytes: counts as int, None where undefined, as `compute_metrics` does."""
    values = np.frombuffer(data, dtype=np.float64).tolist()
    return {key: _value(key, value) for key, value in zip(METRIC_KEYS, values, strict=True)}


def is_count(key: str) -> bool:
    """Whether the metric at a vector's `key` is a whole number."""
    return METRICS[key.rpartition(".")[2]].unit in WHOLE_UNITS


def _value(key: str, value: float) -> float | None:
    if value != value:
        return None
    return int(value) if is_count(key) else value
