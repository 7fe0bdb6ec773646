"""The price step of an instrument, guessed from its prices."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from algotrade.market.bars import Bars
from algotrade.market.importing.columns import PRICES

NEARLY_ALL = 0.99
"""Share of prices that must lie on a step: a few prints between ticks (midpoints, averages) make it no finer."""
SAMPLE_BARS = 100_000
MOST_PLACES = 12
FINEST_FRAC = 2e-8
"""Smallest step, as a fraction of the median price: what is finer is a program's digits, and no market's."""
FLOAT32_NOISE = 2.0**-24
"""Relative error of a price that went through single precision: 97.31 comes back as 97.30999755859375."""
MOST_OFF = 0.005
"""How far off a step, in steps, that noise may be: a price of any value would pass in a hundredth of all cases."""
COARSER = (125, 25, 5)
"""Steps that are no power of ten, in units of one: 0.25 is 25 of 0.01."""
LEAST_PRICES = 1_000
"""Prices from which on a coarser step is no chance."""


class Tick(NamedTuple):
    """A guess of a price step.

    Attributes:
        size: quote currency.
        share: of the prices that lie on it, 0 to 1; 0 where no sane step holds nearly all.
    """

    size: float
    share: float

    @property
    def note(self) -> str:
        """For people: what was guessed, and why."""
        if not self.share:
            return f"Tick size {step_text(self.size)} is a guess: the prices keep to no step. Name the right one."
        share = "all" if self.share == 1 else f"{np.floor(self.share * 1e4) / 1e2:.2f}% of the"
        return f"Tick size {step_text(self.size)} is a guess: {share} prices are multiples of it."


def guess_tick(bars: Bars) -> Tick:
    """Return the largest step that nearly all prices are multiples of.

    The sample, of at most SAMPLE_BARS bars spread evenly, is the same each time.

    Args:
        bars: n_bars >= 1.
    """
    stride = -(-len(bars) // SAMPLE_BARS)
    prices = np.concatenate([getattr(bars, name)[::stride] for name in PRICES])
    median = float(np.median(prices))
    for places in range(MOST_PLACES + 1):
        step = float(f"1e-{places}")
        if places and step < FINEST_FRAC * median:
            break
        share = _share(prices, step)
        if share >= NEARLY_ALL:
            return _coarser(prices, places) or Tick(step, share)
    return Tick(float(f"1e{int(np.floor(np.log10(median))) - 4}"), 0.0)


def step_text(step: float) -> str:
    """Return a price or quantity step without an exponent: 0.00001."""
    return f"{step:.15f}".rstrip("0").rstrip(".") if 1e-15 <= step < 1e15 else f"{step:g}"


def _coarser(prices: NDArray[np.float64], places: int) -> Tick | None:
    """Return a step of several units of the last decimal, where nearly all prices keep it."""
    if not places or len(prices) < LEAST_PRICES:
        return None
    for n_units in COARSER:
        step = float(f"{n_units}e-{places}")
        share = _share(prices, step) if step < 1 else 0.0
        if share >= NEARLY_ALL:
            return Tick(step, share)
    return None


def _share(prices: NDArray[np.float64], step: float) -> float:
    n_steps = prices / step
    off = np.abs(n_steps - np.rint(n_steps))
    return float(np.mean(off <= np.minimum(n_steps * FLOAT32_NOISE, MOST_OFF)))
