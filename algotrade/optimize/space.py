"""The parameter sets of an optimization: axes, the rules between them, and which combinations remain."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from algotrade.spec import OptimizationSpec, ParamValue
from algotrade.strategies.base import Param
from algotrade.strategies.rules import Rule

MAX_VALUES = 100_000
"""Most values of one axis; a product beyond the limit of combinations is refused before any of it is made."""
_FORMS = '{"min": 2, "max": 50, "step": 2}, {"values": [20, 50, 100]} or {"fixed": 20}'


@dataclass(frozen=True, slots=True)
class Axis:
    """One searched parameter.

    Attributes:
        name: the parameter.
        values: what it is tried with, distinct, in the order of the axis.
    """

    name: str
    values: tuple[ParamValue, ...]


@dataclass(frozen=True)
class Space:
    """All combinations of the axes' values, and the rules that some of them break.

    A combination is known by its index: the last axis changes fastest.

    Attributes:
        axes: one axis a parameter, in the order of the strategy's declaration.
        rules: expressions that must hold between the parameters.
    """

    axes: tuple[Axis, ...]
    rules: tuple[Rule, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        """Values by axis."""
        return tuple(len(axis.values) for axis in self.axes)

    @property
    def n_combinations(self) -> int:
        """Number of combinations before the rules."""
        return math.prod(self.shape)

    @cached_property
    def valid(self) -> NDArray[np.int64]:
        """Indexes of the combinations for which every rule holds, int64[n_valid], ascending.

        Raises:
            ValueError: a rule names something that is no axis, or cannot be worked out for some values.
        """
        mask = np.ones(self.shape, dtype=np.bool_)
        for rule in self.rules:
            mask &= self._mask(rule)
        return np.flatnonzero(mask.ravel()).astype(np.int64)

    def parameters(self, index: int) -> dict[str, ParamValue]:
        """Return the parameter set of a combination."""
        digits = np.unravel_index(index, self.shape) if self.axes else ()
        return {axis.name: axis.values[int(digit)] for axis, digit in zip(self.axes, digits, strict=True)}

    def _mask(self, rule: Rule) -> NDArray[np.bool_]:
        """Return where a rule holds, in a shape that broadcasts to all combinations; only what it names varies."""
        columns: dict[str, NDArray[Any]] = {}
        for place, axis in enumerate(self.axes):
            if axis.name in rule.names:
                shape = [1] * len(self.axes)
                shape[place] = -1
                columns[axis.name] = np.array(axis.values).reshape(shape)
        return rule.mask(columns)


def space_of(spec: OptimizationSpec) -> Space:
    """Return the space that a spec searches."""
    axes = tuple(Axis(name, values) for name, values in spec.axes.items())
    return Space(axes, tuple(Rule.parse(text) for text in spec.rules))


def parse_axis(param: Param, given: object) -> Axis:
    """Return the axis of a parameter as the request gives it.

    Args:
        param: the parameter.
        given: an object with min, max and step, or values, or fixed; None takes the parameter's default.

    Raises:
        ValueError: it has another form, or a value is not allowed; the message says which, and what is.
    """
    if given is None:
        return Axis(param.name, (param.default,))
    if not isinstance(given, Mapping):
        raise ValueError(f"Must be like {_FORMS}; it is {_shown(given)}.")
    match sorted(given):
        case ["fixed"]:
            return Axis(param.name, (param.parse(given["fixed"]),))
        case ["values"]:
            return Axis(param.name, _listed(param, given["values"]))
        case ["max", "min"] | ["max", "min", "step"]:
            return Axis(param.name, _stepped(param, given["min"], given["max"], given.get("step")))
    raise ValueError(f"Must be like {_FORMS}; it has {', '.join(sorted(map(str, given))) or 'nothing'}.")


def _listed(param: Param, values: object) -> tuple[ParamValue, ...]:
    if not isinstance(values, Sequence) or isinstance(values, str) or not 1 <= len(values) <= MAX_VALUES:
        raise ValueError(f"values must be a list of 1 to {MAX_VALUES:,} values; it is {_shown(values)}.")
    return tuple(dict.fromkeys(param.parse(value) for value in values))


def _stepped(param: Param, low: object, high: object, step: object) -> tuple[ParamValue, ...]:
    """Return low, low + step, ... up to high. A float is low + n x step, rounded to what the numbers show."""
    if param.kind not in ("int", "float"):
        raise ValueError(f'min and max are for numbers; list the values of {param.name} as {{"values": [...]}}.')
    first, last = param.parse(low), param.parse(high)
    if step is None and param.step is None:
        raise ValueError(f"step is required for {param.name}, which declares none.")
    width = Param(1.0).parse(param.step if step is None else step)
    assert not isinstance(first, str)
    assert not isinstance(last, str)
    assert not isinstance(width, str)
    if width <= 0 or (param.kind == "int" and width != int(width)):
        kind = "a whole number" if param.kind == "int" else "a number"
        raise ValueError(f"step must be {kind} above 0; it is {_shown(step)}.")
    if first > last:
        raise ValueError(f"min must be at most max; min is {first} and max is {last}.")
    n_values = math.floor((last - first) / width * (1 + 2.0**-50)) + 1
    if n_values > MAX_VALUES:
        raise ValueError(
            f"An axis may have at most {MAX_VALUES:,} values; from {first} to {last} there are {n_values:,}."
        )
    if param.kind == "int":
        return tuple(range(int(first), int(last) + 1, int(width)))
    digits = max(_decimals(first), _decimals(width))
    return tuple(param.parse(min(round(first + n * width, digits), last)) for n in range(n_values))


def _decimals(number: float) -> int:
    """Return the decimals of a number as it is written shortest, so that 0.1 + 2 x 0.1 is 0.3."""
    mantissa, _, exponent = repr(float(number)).partition("e")
    return max(0, len(mantissa.partition(".")[2].rstrip("0")) - int(exponent or 0))


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
