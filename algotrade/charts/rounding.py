"""Numbers as short as a chart needs them: what is sent of a series is mostly digits."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

DIGITS = 8
"""Significant digits of the largest number sent. Rounding keeps order, so extremes stay extremes."""


def short(values: NDArray[np.float64], digits: int = DIGITS) -> list[float]:
    """Return finite values rounded to `digits` significant digits of the largest of them; never coarser than to units.

    Args:
        values: float64[n], finite.
        digits: significant digits of the largest.
    """
    largest = float(np.abs(values).max(initial=0.0))
    decimals = digits - 1 - math.floor(math.log10(largest)) if largest > 0.0 else 0
    rounded = np.round(values, min(max(decimals, 0), 15)) + 0.0  # no -0.0
    are_whole = decimals <= 0 and largest < 2.0**53
    numbers: list[float] = (rounded.astype(np.int64) if are_whole else rounded).tolist()  # "100.0" is two bytes more
    return numbers


def short_or_none(values: NDArray[np.float64], digits: int = DIGITS) -> list[Any]:
    """Return values as `short` does, None for those that are not finite: JSON has no NaN."""
    is_finite = np.isfinite(values)
    numbers: list[Any] = short(np.where(is_finite, values, 0.0), digits)
    return [number if there else None for number, there in zip(numbers, is_finite.tolist(), strict=True)]
