"""A trial's metrics as bytes, those of an earlier time, too."""

import numpy as np

from algotrade.metrics import METRICS
from algotrade.metrics.vector import METRIC_KEYS, as_long_as_now, from_vector, to_vector


def test_vector_has_a_place_for_every_metric_and_its_sides():
    sided = [f"{side}.{key}" for side in ("long", "short") for key, metric in METRICS.items() if metric.has_sides]
    assert sorted(METRIC_KEYS) == sorted([*METRICS, *sided])


def test_vector_that_was_stored_before_a_metric_lacks_that_one_alone():
    values = {key: float(place) for place, key in enumerate(METRIC_KEYS)}
    stored = to_vector(values).tobytes()[:-8]
    assert from_vector(stored) == values | {METRIC_KEYS[-1]: None}
    assert np.isnan(np.frombuffer(as_long_as_now(stored))[-1])
    assert as_long_as_now(to_vector(values).tobytes()) == to_vector(values).tobytes()
