"""Base classes of an author: Strategy, and Param for each of its parameters."""

import json
import math
from types import ModuleType
from typing import Any, ClassVar, Self

from algotrade.errors import StrategyError
from algotrade.market.bars import Bars
from algotrade.spec import ParamValue
from algotrade.strategies.rules import Rule
from algotrade.text_values import to_flag, to_number

LARGEST_INT = 2**53
"""Largest whole number a parameter may be: up to here float64 and int64 agree."""


class Param:
    """One parameter of a strategy, declared as a class attribute: ``fast = Param(10, low=2, high=200)``.

    Forms, the API, validation, axes of optimizations and documentation all come from it. Within the strategy,
    `self.fast` is the parameter's value, and `params.fast` in `on_bar`; of a choice, `on_bar` sees one truth value
    each: `params.side_both`.

    Attributes:
        name: the attribute's name.
        kind: int, float, bool or choice, as the default says; choice when there are choices.
        default: the value when none is given.
        low, high: bounds, both inclusive; None: unbounded.
        step: how far apart neighbouring values are in forms and axes.
        unit, help: for people.
        choices: the texts that are allowed, for a choice.
    """

    def __init__(
        self,
        default: ParamValue,
        *,
        low: float | None = None,
        high: float | None = None,
        step: float | None = None,
        unit: str = "",
        help: str = "",
        choices: tuple[str, ...] | list[str] = (),
    ) -> None:
        """Declare a parameter.

        Raises:
            StrategyError: the default is not within bounds and choices, or one of the others has another type.
        """
        texts: dict[str, object] = {"unit": unit, "help": help, **{f"choice {n}": c for n, c in enumerate(choices, 1)}}
        for name, text in texts.items():
            if not isinstance(text, str):
                raise StrategyError(f"The {name} of a parameter must be a text; it is {_shown(text)}.")
        for name, bound in (("low", low), ("high", high), ("step", step)):
            if bound is not None and (isinstance(bound, bool) or not isinstance(bound, int | float)):
                raise StrategyError(f"The {name} of a parameter must be a number; it is {_shown(bound)}.")
        if step is not None and not 0 < step < math.inf:
            raise StrategyError(f"The step of a parameter must be above 0; it is {_shown(step)}.")
        self.name = ""
        self.kind = "choice" if choices else type(default).__name__
        if self.kind not in ("int", "float", "bool", "choice"):
            raise StrategyError(f"A parameter is a number, true or false, or one of its choices; {default!r} is none.")
        self.low = None if low == -math.inf else low
        self.high = None if high == math.inf else high
        self.step = step if step is not None else (1 if self.kind == "int" else None)
        self.unit, self.help = unit, help
        self.choices = tuple(choices)
        try:
            self.default: ParamValue = self.parse(default)
        except ValueError as error:
            raise StrategyError(f"The default {default!r} of a parameter is not allowed: {error}") from error

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        """Return how the parameter would be declared."""
        return f"Param({self.default!r}, low={self.low}, high={self.high}, choices={self.choices})"

    # A strategy's `self.fast` is the value, which the class attribute cannot tell a type checker.
    def __get__(self, instance: object | None, owner: type) -> Any:
        """Return this declaration on the class; an instance holds the value itself."""
        return self

    def parse(self, value: object) -> ParamValue:
        """Return the value in the parameter's type; texts are read as forms send them.

        Raises:
            ValueError: it has another type or is out of bounds; the message says the value and what is allowed.
        """
        match self.kind:
            case "choice":
                if value in self.choices:
                    return str(value)
            case "bool":
                flag = to_flag(value)
                if flag is not None:
                    return flag
            case _:
                number = self._number(value)
                if number is not None and self._is_within(number):
                    return number
        raise ValueError(f"Must be {self.allowed}; it is {_shown(value)}.")

    @property
    def allowed(self) -> str:
        """What values are allowed, in words: a whole number from 2 to 200."""
        if self.kind == "choice":
            return "one of " + ", ".join(self.choices)
        if self.kind == "bool":
            return "true or false"
        noun = "a whole number" if self.kind == "int" else "a number"
        if self.low is not None and self.high is not None:
            return f"{noun} from {self.low:,} to {self.high:,}"
        if self.low is not None:
            return f"{noun} of at least {self.low:,}"
        return f"{noun} of at most {self.high:,}" if self.high is not None else noun

    def to_dict(self) -> dict[str, Any]:
        """Return the declaration as JSON types."""
        names = ("name", "kind", "default", "low", "high", "step", "unit", "help")
        return {**{name: getattr(self, name) for name in names}, "choices": list(self.choices)}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """Build a declaration from `to_dict`'s output."""
        values = {name: value for name, value in data.items() if name not in ("name", "kind")}
        param = cls(**values)
        param.name = data["name"]
        return param

    def _number(self, value: object) -> int | float | None:
        if isinstance(value, str):
            value = to_number(value)
        if isinstance(value, bool) or not isinstance(value, int | float):
            return None
        try:
            number = float(value)
        except OverflowError:
            return None
        if not math.isfinite(number):
            return None
        if self.kind == "float":
            return number + 0.0
        return int(number) if number.is_integer() and abs(number) <= LARGEST_INT else None

    def _is_within(self, number: float) -> bool:
        return (self.low is None or number >= self.low) and (self.high is None or number <= self.high)


class Strategy:
    """A trading strategy: parameters, indicators, and what to do at each bar.

    Attributes:
        title: what pages show; the file's name in words when empty.
        rules: what must hold between parameters, such as "fast < slow".
        compiled: whether `on_bar` is compiled (the default) or runs as Python, for one that needs any library.
        panes: where charts draw indicators, by name: "price" is upon the candles, any other text names a pane below
            them. Those that are not named stand upon the candles when their values are about as large as the close.
    """

    title: ClassVar[str] = ""
    rules: ClassVar[list[str]] = []
    compiled: ClassVar[bool] = True
    panes: ClassVar[dict[str, str]] = {}

    def indicators(self, bars: Bars) -> dict[str, Any]:
        """Return arrays by name, float64[n_bars] each; value t may depend on bars up to t only (this is checked)."""
        return {}

    @staticmethod
    def on_bar(bars: Any, ind: Any, params: Any, broker: Any) -> None:
        """Decide at the close of a bar.

        Args:
            bars: open, high, low, close, volume up to this bar; `bars.close[-1]` is now, the future is not there.
            ind: the indicators, likewise: `ind.fast[-1]` is now.
            params: the parameters' values.
            broker: takes orders (`buy`, `sell`, `close`) and tells the account (`position`, `cash`, `equity`).
        """
        raise StrategyError("A strategy needs an on_bar method.")


def parameters_of(cls: type[Strategy]) -> tuple[Param, ...]:
    """Return a strategy's parameters in the order of declaration, base classes first."""
    found: dict[str, Param] = {}
    for base in reversed(cls.__mro__):
        found.update({name: value for name, value in vars(base).items() if isinstance(value, Param)})
    return tuple(found.values())


def description_of(cls: type[Strategy]) -> dict[str, Any]:
    """Return what a strategy says of itself, as JSON types: title, doc, params, rules, compiled.

    Raises:
        StrategyError: a part of it is of no use, such as a rule that is no expression; the message says which.
    """
    params = parameters_of(cls)
    names = {param.name for param in params}
    for name in sorted(names & set(vars(Strategy))):
        raise StrategyError(f"A parameter cannot be called {name!r}: every strategy has an attribute of that name.")
    description = {
        "title": cls.title,
        "doc": (cls.__doc__ or "").strip(),
        "params": [param.to_dict() for param in params],
        "rules": [rule.text for rule in _rules_of(cls, names)],
        "compiled": bool(cls.compiled),
    }
    _check_panes(cls.panes)
    if not isinstance(cls.title, str):
        raise StrategyError(f"The title must be a text; it is {_shown(cls.title)}.")
    try:
        text = json.dumps(description, allow_nan=False, ensure_ascii=False).encode()
    except ValueError as error:  # NaN, or half of a surrogate pair
        raise StrategyError(f"{cls.__name__} has text that cannot be stored: {error}.") from error
    if b"\\u0000" in text:
        raise StrategyError(f"{cls.__name__} has text that cannot be stored: a null character.")
    return description


def _check_panes(panes: object) -> None:
    texts = [text for item in panes.items() for text in item] if isinstance(panes, dict) else [None]
    if not all(isinstance(text, str) for text in texts):
        raise StrategyError(f'The panes must be a dict such as {{"rsi": "below"}}; they are {_shown(panes)}.')


def _rules_of(cls: type[Strategy], names: set[str]) -> list[Rule]:
    if not isinstance(cls.rules, list | tuple):
        raise StrategyError(f'The rules must be a list such as ["fast < slow"]; they are {_shown(cls.rules)}.')
    try:
        rules = [Rule.parse(text) for text in cls.rules]
    except ValueError as error:
        raise StrategyError(str(error)) from error
    for rule in rules:
        for name in sorted(rule.names - names):
            raise StrategyError(f"The rule {rule.text!r} names {name!r}, which is not a parameter.")
    return rules


def strategy_class(module: ModuleType) -> type[Strategy]:
    """Return the one strategy that a module defines.

    Raises:
        StrategyError: it defines none or several, or one without `on_bar`.
    """
    classes = [
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, Strategy) and value.__module__ == module.__name__
    ]
    # A class that another one of the file derives from is scaffolding, not a second strategy.
    leaves = [cls for cls in classes if not any(other is not cls and issubclass(other, cls) for other in classes)]
    if len(leaves) != 1:
        names = ", ".join(cls.__name__ for cls in leaves) or "none"
        raise StrategyError(f"{module.__name__}.py must define exactly one strategy; it defines {names}.")
    cls = leaves[0]
    if cls.on_bar is Strategy.on_bar:
        raise StrategyError(f"The strategy {cls.__name__} has no on_bar method.")
    if not isinstance(_static(cls, "on_bar"), staticmethod):
        raise StrategyError(f"{cls.__name__}.on_bar must be a @staticmethod with (bars, ind, params, broker).")
    return cls


def with_parameters(cls: type[Strategy], values: dict[str, ParamValue]) -> Strategy:
    """Return an instance whose attributes are the parameters' values."""
    instance = cls()
    for name, value in values.items():
        setattr(instance, name, value)
    return instance


def _static(cls: type, name: str) -> object:
    return next(vars(base)[name] for base in cls.__mro__ if name in vars(base))


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
