"""Panes: where indicators are drawn, on the price or below it."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

PRICE = "price"
"""The pane of the candles."""
LARGEST_DISTANCE = 1 / 3
"""How far an indicator is from the close in the middle of its values, fraction of the close, to stand on the price."""
SAMPLES = 2_000


def panes(
    indicators: Mapping[str, NDArray[np.float64]], close: NDArray[np.float64], declared: Mapping[str, str]
) -> dict[str, str]:
    """Return the pane of each indicator: PRICE, or the name of a pane below it; equal names share one.

    What its author declared holds. Of the others, one whose values are about as large as the close stands on the price;
    the rest stand below, together with those whose values overlap theirs for the most part (MACD and its signal).

    Args:
        indicators: float64[n_bars] by name; NaN where one is not ready.
        close: float64[n_bars].
        declared: panes by indicator.
    """
    rows = np.unique(np.linspace(0, len(close) - 1, min(len(close), SAMPLES)).astype(np.int64))
    found: dict[str, str] = {}
    below: dict[str, tuple[float, float]] = {}
    for name, values in indicators.items():
        if name in declared:
            found[name] = declared[name]
            continue
        sample, price = np.asarray(values[rows]), close[rows]
        is_ready = np.isfinite(sample) & (price != 0.0)
        sample, price = sample[is_ready], price[is_ready]
        if not len(sample):
            found[name] = PRICE  # never ready: nothing to draw, and no empty pane
        elif float(np.median(np.abs(sample / price - 1.0))) <= LARGEST_DISTANCE:
            found[name] = PRICE
        else:
            span = float(sample.min()), float(sample.max())
            found[name] = next((other for other, held in below.items() if _are_alike(span, held)), name)
            below.setdefault(found[name], span)
    return found


def _are_alike(one: tuple[float, float], other: tuple[float, float]) -> bool:
    """Whether two ranges overlap in half of the wider one or more."""
    wider = max(one[1] - one[0], other[1] - other[0])
    return min(one[1], other[1]) - max(one[0], other[0]) >= wider / 2 and wider > 0.0
