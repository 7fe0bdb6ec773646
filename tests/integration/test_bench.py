"""`manage.py bench runtime`, on a small scale: every figure is taken from a product that runs."""

import pytest

from runs.bench.runtime import Extent, measure
from tests.stack import Product

pytestmark = pytest.mark.timeout(120)


def test_runtime_is_measured_to_the_end():
    extent = Extent(submissions=6, parallel=3, starts=2, cancels=1, sockets=20, seconds=1.0)
    goals = {goal.name: goal for goal in measure(lambda _text: None, extent, Product)}
    assert len(goals) == 7
    assert all(goal.figure is not None for goal in goals.values())
    assert goals["pages that were cut off"].figure == 0
