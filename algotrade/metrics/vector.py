"""A trial's metrics as a vector: which metric stands where, and back to values by key."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from algotrade.account import CHARGE_NAMES
from algotrade.metrics import costs, returns, risk, trades  # noqa: F401 - importing registers the metrics
from algotrade.metrics.registry import METRICS, WHOLE_UNITS
from algotrade.metrics.stats import SIDES

METRIC_KEYS: tuple[str, ...] = (
    *(key for key in METRICS if key not in CHARGE_NAMES),
    *(f"{side}.{metric.key}" for side in SIDES[1:] for metric in METRICS.values() if metric.has_sides),
    *CHARGE_NAMES,
)
"""The place of each metric in a vector. Those of charges, which come with fields of the account, are at its end, so an
older vector is only shorter."""
PLACES = {key: place for place, key in enumerate(METRIC_KEYS)}
VECTOR_BYTES = 8 * len(METRIC_KEYS)
UNDEFINED = np.full(len(METRIC_KEYS), np.nan).tobytes()
"""The bytes of a vector without values."""


def to_vector(values: Mapping[str, float | None]) -> NDArray[np.float64]:
    """Return float64[len(METRIC_KEYS)], NaN where a metric is undefined."""
    return np.array([np.nan if values[key] is None else values[key] for key in METRIC_KEYS], dtype=np.float64)


def as_long_as_now(data: bytes) -> bytes:
    """Return a stored vector's bytes with NaN for the metrics that came later."""
    return data + UNDEFINED[len(data) :]


def from_vector(data: bytes) -> dict[str, float | None]:
    """Return the values by key of a vector's bytes: counts as int, None where undefined, as `compute_metrics` does."""
    values = np.frombuffer(as_long_as_now(data), dtype=np.float64).tolist()
    return {key: _value(key, value) for key, value in zip(METRIC_KEYS, values, strict=True)}


def is_count(key: str) -> bool:
    """Whether the metric at a vector's `key` is a whole number."""
    return METRICS[key.rpartition(".")[2]].unit in WHOLE_UNITS


def _value(key: str, value: float) -> float | None:
    if value != value:
        return None
    return int(value) if is_count(key) else value
