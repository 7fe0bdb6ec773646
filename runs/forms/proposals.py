"""Which values a fresh form proposes for an axis: about ten around a value, in steps that people would choose."""

import math
from decimal import Decimal

from algotrade.spec import ParamValue
from algotrade.strategies.base import Param

STEPS_AROUND = 5
"""Steps to each side of the value, where bounds allow."""
NICE = (1, 2, 5, 10)


def propose(param: Param, around: ParamValue) -> tuple[Decimal, Decimal, Decimal]:
    """Return min, max and step of about ten values that include `around`, within the parameter's bounds.

    Raises:
        TypeError: the parameter is no number.
    """
    if isinstance(around, str):
        raise TypeError(f"{param.name} is no number.")
    centre = _exact(around)
    step = _step(param, centre)
    below = None if param.low is None else int((centre - _exact(param.low)) // step)
    above = None if param.high is None else int((_exact(param.high) - centre) // step)
    n_below = STEPS_AROUND if below is None else min(STEPS_AROUND, below)
    n_above = 2 * STEPS_AROUND - n_below if above is None else min(2 * STEPS_AROUND - n_below, above)
    if below is None or below > n_below:  # what there is no room for above comes below
        n_below = 2 * STEPS_AROUND - n_above if below is None else min(2 * STEPS_AROUND - n_above, below)
    return centre - n_below * step, centre + n_above * step, step


def _step(param: Param, centre: Decimal) -> Decimal:
    """Return a tenth of the value, or of the bounds where it is zero, as 1, 2 or 5 times a power of ten."""
    size = abs(centre)
    if not size and param.low is not None and param.high is not None:
        size = _exact(param.high) - _exact(param.low)
    least = _exact(param.step) if param.step else Decimal(1) if param.kind == "int" else None
    wanted = size / (2 * STEPS_AROUND) or least or Decimal("0.1")
    power = Decimal(10) ** math.floor(wanted.log10())
    step = min((Decimal(one) * power for one in NICE), key=lambda one: abs(one - wanted))
    if least is None:
        return step
    return max(least, (step / least).to_integral_value() * least)


def _exact(number: float) -> Decimal:
    return Decimal(repr(number)) if isinstance(number, float) else Decimal(int(number))
