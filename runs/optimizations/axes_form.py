"""The rows in which a form's parameters are varied: a range, a list, a choice of values, or one fixed value."""

import math
from collections.abc import Mapping
from decimal import Decimal
from functools import cached_property
from typing import Any

from django import forms

from algotrade.optimize.space import AxisError, parse_axis
from algotrade.spec import ParamValue
from algotrade.strategies.base import Param
from runs.display.fields import PlainField, Ticks, bounds_of, number_input, text_input
from runs.display.form_values import as_text, plain

SHOWN_FIRST = 3
SHOWN_WHOLE = 5
"""Most values that a preview lists whole."""
MOST_LISTED = 24
"""Most values of a range that the field for a list begins with."""
RANGE = ("min", "max", "step")
NO_TICKS = "Pick at least one value."
NO_LIST = "List at least one value, such as 20, 50, 100."
NUMBER_PARTS = ("optimize", *RANGE, "as_list", "list", "parameters")


def axis_fields(param: Param, given: Mapping[str, Any], *, is_proposed: bool) -> dict[str, PlainField]:
    """Make the fields of one parameter.

    Args:
        param: the parameter.
        given: what the form begins with, or was sent.
        is_proposed: whether a fresh form varies it.
    """
    name, row = param.name, row_id(param.name)
    fixed = given.get(f"parameters.{name}", param.default)
    if param.kind not in ("int", "float"):
        labels = {"true": "yes", "false": "no"} if param.kind == "bool" else {one: one for one in param.choices}
        ticks = Ticks({"aria-describedby": f"{row}-error"}, labels.items())
        ticked = list(labels) if is_proposed else [as_text(fixed)]
        return {f"values.{name}": PlainField(name, ticks, initial=ticked, called=name)}
    described: dict[str, Any] = {"aria-describedby": f"{row}-error {row}-values"}
    number: dict[str, Any] = {"is_whole": param.kind == "int", **described}
    widgets: dict[str, tuple[str, forms.Widget]] = {
        "optimize": ("Optimize", forms.CheckboxInput({"data-optimize": True, "aria-describedby": False})),
        "min": ("Min", number_input(**number)),
        "max": ("Max", number_input(**number)),
        "step": ("Step", number_input(**number)),
        "as_list": ("List of values", forms.CheckboxInput({"data-list": True, "aria-describedby": False})),
        "list": ("Values", text_input(placeholder="20, 50, 100", spellcheck="false", **described)),
        "parameters": ("Fixed value", number_input(**number)),
    }
    proposed = (plain(number) for number in propose(param, _number(param, fixed)))
    initial = {part: given.get(f"{part}.{name}", number) for part, number in zip(RANGE, proposed, strict=True)}
    initial |= {"optimize": is_proposed, "as_list": False, "parameters": as_text(fixed)}
    initial["list"] = _listed(param, {part: initial[part] for part in RANGE})
    return {
        f"{part}.{name}": PlainField(label, widget, initial=initial[part], called=name)
        for part, (label, widget) in widgets.items()
    }


class AxisRow:
    """One parameter as it is varied: its fields on a form, and what is typed into them.

    Attributes:
        param: the parameter.
        bounds: what it accepts, in short.
        is_number: whether it has min, max and step, a list or a fixed value; else values are ticked.
    """

    def __init__(self, form: forms.Form, param: Param) -> None:
        self.form, self.param = form, param
        self.bounds = bounds_of(param)
        self.is_number = param.kind in ("int", "float")

    @property
    def id(self) -> str:
        return row_id(self.param.name)

    @cached_property
    def fields(self) -> dict[str, forms.BoundField]:
        """Return its fields by part."""
        parts = NUMBER_PARTS if self.is_number else ("values",)
        return {part: self.form[f"{part}.{self.param.name}"] for part in parts}

    @property
    def ticks(self) -> forms.BoundField:
        """Return the choice of values."""
        return self.fields["values"]

    @property
    def range_fields(self) -> list[forms.BoundField]:
        """Return min, max and step."""
        return [self.fields[part] for part in RANGE]

    @property
    def wrong(self) -> forms.BoundField | None:
        """Return the field that is wrong; None where none is."""
        return next((field for field in self.fields.values() if field.errors), None)

    @cached_property
    def given(self) -> dict[str, Any]:
        """Return the axis as the API takes it."""
        typed = {part: field.value() for part, field in self.fields.items()}
        if not self.is_number:
            return {"values": typed["values"]}
        if not typed["optimize"]:
            return {"fixed": typed["parameters"] if typed["parameters"].strip() else self.param.default}
        if typed["as_list"]:
            return {"values": typed["list"].replace(",", " ").replace(";", " ").split()}
        return {"min": typed["min"], "max": typed["max"], "step": typed["step"].strip() or None}

    @property
    def preview(self) -> str:
        """Return the values in short; nothing for a fixed value, and where something is wrong."""
        try:
            values = parse_axis(self.param, self.given).values
        except AxisError:
            return ""
        return "" if "fixed" in self.given else in_short(values)

    def placed(self, message: str) -> tuple[str, str]:
        """Return the field that the validator's message is about, and the message, or what to do without any values."""
        if self.given == {"values": []}:
            message = NO_LIST if self.is_number else NO_TICKS
        return f"{self._blamed()}.{self.param.name}", message

    def _blamed(self) -> str:
        match self.given:
            case {"fixed": _}:
                return "parameters"
            case {"values": _}:
                return "list" if self.is_number else "values"
        try:
            parse_axis(self.param, self.given)
        except AxisError as wrong:
            return wrong.part if wrong.part in RANGE else "min"
        return "min"


def row_id(name: str) -> str:
    """Return the element id of a parameter's row."""
    return "field-axes-" + name.replace("_", "-")


def _number(param: Param, typed: Any) -> ParamValue:
    """Return a typed value of the parameter; its default where it is none."""
    try:
        return param.parse(typed)
    except ValueError:
        return param.default


def _listed(param: Param, stepped: Mapping[str, Any]) -> str:
    """Return the values of a range as a list, so that one only changes them; nothing where there are many."""
    try:
        values = parse_axis(param, stepped).values
    except AxisError:
        return ""
    return ", ".join(as_text(value) for value in values) if len(values) <= MOST_LISTED else ""


def in_short(values: tuple[ParamValue, ...]) -> str:
    """Return how many values there are, and which: 29: 4, 6, 8 … 60."""
    texts = [as_text(value) for value in values]
    if len(texts) > SHOWN_WHOLE:
        return f"{len(texts):,}: {', '.join(texts[:SHOWN_FIRST])} … {texts[-1]}"
    return f"{len(texts)}: {', '.join(texts)}"


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
