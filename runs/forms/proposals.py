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
    below, above = _room(param.low, centre, step), _room(centre, param.high, step)
    n_below = min(STEPS_AROUND, below)
    n_above = min(2 * STEPS_AROUND - n_below, above)
    n_below = min(2 * STEPS_AROUND - n_above, below)  # what there is no room for above comes below
    return centre - n_below * step, centre + n_above * step, step


def _room(low: float | Decimal | None, high: float | Decimal | None, step: Decimal) -> int:
    """Return how many steps fit between two numbers; more than are needed where there is no bound."""
    return 2 * STEPS_AROUND if low is None or high is None else int((_exact(high) - _exact(low)) // step)


def _step(param: Param, centre: Decimal) -> Decimal:
    """Return a tenth of the value, or of the bounds where it is zero, as 1, 2 or 5 times a power of ten."""
    size = abs(centre)
    if not size and param.low is not None and param.high is not None:
        size = _exact(param.high) - _exact(param.low)
    least = _exact(param.step) if param.step else Decimal(1) if param.kind == "int" else None
    wanted = size / (2 * STEPS_AROUND) if size != 0 else least or Decimal("0.1")
    power = Decimal(10) ** math.floor(wanted.log10())
    step = min((Decimal(one) * power for one in NICE), key=lambda one: abs(one - wanted))
    if least is None:
        return step
    return max(least, (step / least).to_integral_value() * least)


def _exact(number: float | Decimal) -> Decimal:
    return Decimal(str(number))
