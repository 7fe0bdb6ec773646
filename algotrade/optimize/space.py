"""The parameter sets of an optimization: axes, the rules between them, and which combinations remain."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from algotrade.spec import OptimizationSpec, ParamValue
from algotrade.strategies.base import Param
from algotrade.strategies.rules import Rule

MAX_VALUES = 100_000
"""Most values of one axis; a product beyond the limit of combinations is refused before any of it is made."""
BLOCK = 1_000_000
"""Combinations that rules are asked about at once: a space of many millions needs the memory of so few."""
_FORMS = '{"min": 2, "max": 50, "step": 2}, {"values": [20, 50, 100]} or {"fixed": 20}'


class AxisError(ValueError):
    """An axis is not one; `part` names which of min, max, step, values and fixed is to blame, "" for its form."""

    def __init__(self, message: str, part: str = "") -> None:
        self.part = part
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class Axis:
    """One varied parameter.

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
    def n_valid(self) -> int:
        """Number of combinations for which every rule holds.

        Axes that no rule connects multiply, so that only connected ones are looked at together.

        Raises:
            ValueError: a rule names something that is no axis, or cannot be evaluated for some values.
        """
        count = 1
        for axes, rules in self._connected():
            part = Space(axes, rules)
            count *= sum(len(block) for block in part.valid_blocks()) if rules else part.n_combinations
        return count

    @cached_property
    def n_connected(self) -> int:
        """Combinations that have to be looked at to count the valid ones."""
        return sum(math.prod(len(axis.values) for axis in axes) for axes, rules in self._connected() if rules)

    @cached_property
    def valid(self) -> NDArray[np.int64]:
        """Indexes of the combinations for which every rule holds, int64[n_valid], ascending.

        Raises:
            ValueError: a rule names something that is no axis, or cannot be evaluated for some values.
        """
        return np.concatenate([np.zeros(0, dtype=np.int64), *self.valid_blocks()])

    def valid_at(self, ranks: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return which combinations `valid[ranks]` are, in the memory of one block and of the answer."""
        if "valid" in self.__dict__:
            return self.valid[ranks]
        order = np.argsort(ranks, kind="stable")
        ascending = ranks[order]
        found = np.empty(len(ranks), dtype=np.int64)
        n_before = 0
        for block in self.valid_blocks():
            first, last = np.searchsorted(ascending, (n_before, n_before + len(block)))
            found[order[first:last]] = block[ascending[first:last] - n_before]
            n_before += len(block)
            if last == len(ranks):
                break
        return found

    def valid_blocks(self) -> Iterator[NDArray[np.int64]]:
        """Yield the indexes of `valid` in ascending order, those of BLOCK combinations at a time.

        Raises:
            ValueError: a rule names something that is no axis, or cannot be evaluated for some values.
        """
        values = {axis.name: np.array(axis.values) for axis in self.axes}
        strides = {axis.name: math.prod(self.shape[place + 1 :]) for place, axis in enumerate(self.axes)}
        named = frozenset[str]().union(*(rule.names for rule in self.rules))
        for first in range(0, self.n_combinations, BLOCK):
            indexes = np.arange(first, min(first + BLOCK, self.n_combinations), dtype=np.int64)
            columns = {
                name: column[indexes // strides[name] % len(column)] for name, column in values.items() if name in named
            }
            mask = np.ones(len(indexes), dtype=np.bool_)
            for rule in self.rules:
                mask &= rule.mask({name: columns[name] for name in columns if name in rule.names})
            yield indexes[mask]

    def parameters(self, index: int) -> dict[str, ParamValue]:
        """Return the parameter set of a combination."""
        digits = np.unravel_index(index, self.shape) if self.axes else ()
        return {axis.name: axis.values[int(digit)] for axis, digit in zip(self.axes, digits, strict=True)}

    def index(self, parameters: Mapping[str, ParamValue]) -> int | None:
        """Return the combination with these parameters; None when some axis does not have its value."""
        index = 0
        for axis in self.axes:
            if parameters[axis.name] not in axis.values:
                return None
            index = index * len(axis.values) + axis.values.index(parameters[axis.name])
        return index

    def _connected(self) -> list[tuple[tuple[Axis, ...], tuple[Rule, ...]]]:
        """Return groups of axes that rules connect, and the rules of each; what no rule names is a group of its own."""
        groups: list[tuple[set[str], list[Rule]]] = [({axis.name}, []) for axis in self.axes]
        for rule in self.rules:
            touched = [group for group in groups if group[0] & rule.names]
            names = set[str](rule.names).union(*(group[0] for group in touched))
            rules = [*(one for group in touched for one in group[1]), rule]
            groups = [group for group in groups if group not in touched] + [(names, rules)]
        return [(tuple(axis for axis in self.axes if axis.name in names), tuple(rules)) for names, rules in groups]


def space_of(spec: OptimizationSpec) -> Space:
    """Return the space that a spec spans."""
    axes = tuple(Axis(name, values) for name, values in spec.axes.items())
    return Space(axes, tuple(Rule.parse(text) for text in spec.rules))


def parse_axis(param: Param, given: object) -> Axis:
    """Return the axis of a parameter as the request gives it.

    Args:
        param: the parameter.
        given: an object with min, max and step, or values, or fixed; None takes the parameter's default.

    Raises:
        AxisError: it has another form, or a value is not allowed; the message says which, and what is.
    """
    if given is None:
        return Axis(param.name, (param.default,))
    if not isinstance(given, Mapping):
        raise AxisError(f"Must be like {_FORMS}; it is {_shown(given)}.")
    match sorted(given):
        case ["fixed"]:
            return Axis(param.name, (_parsed(param, "fixed", given["fixed"]),))
        case ["values"]:
            return Axis(param.name, _listed(param, given["values"]))
        case ["max", "min"] | ["max", "min", "step"]:
            return Axis(param.name, _stepped(param, given["min"], given["max"], given.get("step")))
    raise AxisError(f"Must be like {_FORMS}; it has {', '.join(sorted(map(str, given))) or 'nothing'}.")


def _parsed(param: Param, part: str, value: object) -> ParamValue:
    try:
        return param.parse(value)
    except ValueError as error:
        message = str(error)
        if part in ("min", "max"):
            message = f"{part.capitalize()} must{message.removeprefix('Must')}"
        raise AxisError(message, part) from None


def _listed(param: Param, values: object) -> tuple[ParamValue, ...]:
    if not isinstance(values, Sequence) or isinstance(values, str) or not 1 <= len(values) <= MAX_VALUES:
        raise AxisError(f"values must be a list of 1 to {MAX_VALUES:,} values; it is {_shown(values)}.", "values")
    return tuple(dict.fromkeys(_parsed(param, "values", value) for value in values))


def _stepped(param: Param, low: object, high: object, step: object) -> tuple[ParamValue, ...]:
    """Return low, low + step, ... up to high. A float is low + n x step, rounded to what the numbers show."""
    if param.kind not in ("int", "float"):
        raise AxisError(f'min and max are for numbers; list the values of {param.name} as {{"values": [...]}}.')
    first, last = _parsed(param, "min", low), _parsed(param, "max", high)
    assert not isinstance(first, str)
    assert not isinstance(last, str)
    width = _width(param, step)
    if first > last:
        raise AxisError(f"Max must be at least min. Min is {first} and max is {last}.", "max")
    n_values = math.floor((last - first) / width * (1 + 2.0**-50)) + 1
    if n_values > MAX_VALUES:
        raise AxisError(
            f"An axis may have at most {MAX_VALUES:,} values; from {first} to {last} there are {n_values:,}. "
            "Increase the step.",
            "step",
        )
    if param.kind == "int":
        return tuple(range(int(first), int(last) + 1, int(width)))
    digits = max(_decimals(first), _decimals(width))
    return tuple(param.parse(min(round(first + n * width, digits), last)) for n in range(n_values))


def _width(param: Param, step: object) -> float:
    """Return the step: the declared one where none is given."""
    given = param.step if step is None else step
    if given is None:
        raise AxisError(f"Step is required for {param.name}, which declares none.", "step")
    try:
        width = float(Param(1.0).parse(given))
    except ValueError:
        raise AxisError(f"Step must be a number greater than 0. It is {_shown(given)}.", "step") from None
    if width <= 0:
        raise AxisError(f"Step must be greater than 0. It is {_shown(given)}.", "step")
    if param.kind == "int" and not width.is_integer():
        raise AxisError(f"Step must be a whole number greater than 0. It is {_shown(given)}.", "step")
    return width


def _decimals(number: float) -> int:
    """Return the decimals of a number as it is written shortest, so that 0.1 + 2 x 0.1 is 0.3."""
    mantissa, _, exponent = repr(float(number)).partition("e")
    return max(0, len(mantissa.partition(".")[2].rstrip("0")) - int(exponent or 0))


def _shown(value: object) -> str:
    """Return a value as messages show it; a number that came as a text, as forms send it, without quotes."""
    text = value if isinstance(value, str) and value.strip("+-").replace(".", "", 1).isdecimal() else repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
