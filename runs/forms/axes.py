"""The rows in which a form's parameters are searched: a range, a list, a choice of values, or one fixed value."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from algotrade.optimize.space import AxisError, parse_axis
from algotrade.spec import ParamValue
from algotrade.strategies.base import Param
from runs.forms.fields import FormField, bounds_of
from runs.forms.proposals import propose
from runs.typed import as_text, plain

SHOWN_FIRST = 3
SHOWN_WHOLE = 5
MOST_LISTED = 24
"""Most values of a range that the field for a list begins with."""
"""Most values that a preview lists whole."""
PARTS = (("min", "Min"), ("max", "Max"), ("step", "Step"))


@dataclass(frozen=True, slots=True)
class AxisRow:
    """One parameter as the template draws it.

    Attributes:
        name, unit, help, bounds: of the parameter.
        kind: "number" (min, max and step, a list of values, or a fixed value) or "values" (ticked ones).
        is_searched: whether it is optimized.
        is_list: whether its values are listed one by one.
        fields: the controls of a range.
        listed: the control of a list.
        fixed: the control of the value that it has when it is not optimized.
        options: element id, value, label and whether it is ticked, of a choice.
        preview: the values in short.
        error: what is wrong with it.
        blamed: element id of the control that the error is about.
        is_first_error: whether the control to blame takes the focus.
    """

    name: str
    unit: str
    help: str
    bounds: str
    kind: str
    is_searched: bool
    is_list: bool
    fields: tuple[FormField, ...]
    listed: FormField | None
    fixed: FormField | None
    options: tuple[tuple[str, str, str, bool], ...]
    preview: str
    error: str = ""
    blamed: str = ""
    is_first_error: bool = False

    @property
    def id(self) -> str:
        """Return the row's element id."""
        return element_id(f"axes.{self.name}")

    @property
    def optimize_id(self) -> str:
        """Return the element id of the box that says whether it is optimized."""
        return element_id(f"search.{self.name}")

    @property
    def as_list_id(self) -> str:
        """Return the element id of the box that says whether its values are listed."""
        return element_id(f"as_list.{self.name}")


def element_id(name: str) -> str:
    """Return the element id of a control."""
    return FormField(name, "", "").id


class AxisInput:
    """What was typed for one parameter, or is proposed for it."""

    def __init__(self, param: Param, data: Mapping[str, str], *, is_fresh: bool, is_proposed: bool) -> None:
        """Read the fields of `param` from `data`.

        Args:
            param: the parameter.
            data: values by field name; several values of one field are lines.
            is_fresh: whether nothing was typed yet, so that what is missing is proposed.
            is_proposed: whether a fresh form searches it.
        """
        self.param, self.data, self.is_fresh = param, data, is_fresh
        self.is_number = param.kind in ("int", "float")
        self.is_list = self.is_number and f"as_list.{param.name}" in data
        self.is_searched = f"search.{param.name}" in data if not is_fresh else is_proposed
        self.fixed = data.get(f"parameters.{param.name}", as_text(param.default))

    def given(self) -> dict[str, Any]:
        """Return the axis as the API takes it."""
        if not self.is_number:
            return {"values": self._ticked()}
        if not self.is_searched:
            return {"fixed": self.fixed if self.fixed.strip() else self.param.default}
        if self.is_list:
            return {"values": self._listed()}
        return self._stepped()

    def _stepped(self) -> dict[str, Any]:
        typed = self._range()
        return {"min": typed["min"], "max": typed["max"], "step": typed["step"].strip() or None}

    def row(self, error: str, *, is_first_error: bool) -> AxisRow:
        """Return the row with its values in short, and its error, if there is one."""
        preview, part = "", ""
        try:
            values = parse_axis(self.param, self.given()).values
            preview = in_short(values) if self.is_searched or not self.is_number else ""
        except AxisError as wrong:
            part = wrong.part
            if not self.is_number and not self._ticked():
                error = error and "Pick at least one value."
            if self.is_list and not self._listed():
                error = error and "List at least one value, such as 20, 50, 100."
        return AxisRow(
            name=self.param.name,
            unit=self.param.unit or "",
            help=self.param.help or "",
            bounds=bounds_of(self.param),
            kind="number" if self.is_number else "values",
            is_searched=self.is_searched,
            is_list=self.is_list,
            fields=self._fields(),
            listed=self._list_field(),
            fixed=self._number("parameters", "Fixed value", self.fixed) if self.is_number else None,
            options=self._options(),
            preview=preview,
            error=error,
            blamed=self._blamed(part) if error else "",
            is_first_error=is_first_error,
        )

    def _fields(self) -> tuple[FormField, ...]:
        if not self.is_number:
            return ()
        typed = self._range()
        return tuple(self._number(part, label, typed[part]) for part, label in PARTS)

    def _listed(self) -> list[str]:
        return self.data.get(f"list.{self.param.name}", "").replace(",", " ").replace(";", " ").split()

    def _list_field(self) -> FormField | None:
        """Return the control of a list; it begins with the values of the range, so that one only changes them."""
        if not self.is_number:
            return None
        name = f"list.{self.param.name}"
        text = self.data.get(name)
        if text is None:
            try:
                values = parse_axis(self.param, self._stepped()).values
            except AxisError:
                values = ()
            text = ", ".join(as_text(value) for value in values) if len(values) <= MOST_LISTED else ""
        return FormField(name, "Values", text, kind="text")

    def _number(self, part: str, label: str, value: str) -> FormField:
        low, high = ("" if bound is None else as_text(bound) for bound in (self.param.low, self.param.high))
        step = "1" if self.param.kind == "int" else "any"
        if part == "step":
            low, high = ("1" if self.param.kind == "int" else "0"), ""
        return FormField(f"{part}.{self.param.name}", label, value, step=step, low=low, high=high)

    def _range(self) -> dict[str, str]:
        name = self.param.name
        if not self.is_fresh:
            return {part: self.data.get(f"{part}.{name}", "") for part, _ in PARTS}
        proposed = (plain(number) for number in propose(self.param, self._around()))
        return {part: self.data.get(f"{part}.{name}", text) for (part, _), text in zip(PARTS, proposed, strict=True)}

    def _around(self) -> ParamValue:
        try:
            return self.param.parse(self.fixed)
        except ValueError:
            return self.param.default

    def _choices(self) -> tuple[str, ...]:
        return ("true", "false") if self.param.kind == "bool" else self.param.choices

    def _ticked(self) -> list[str]:
        sent = self.data.get(f"values.{self.param.name}")
        if sent is not None:
            return sent.split("\n")
        if not self.is_fresh:
            return []
        return list(self._choices()) if self.is_searched else [self.fixed]

    def _options(self) -> tuple[tuple[str, str, str, bool], ...]:
        if self.is_number:
            return ()
        labels = {"true": "yes", "false": "no"} if self.param.kind == "bool" else {}
        ticked = self._ticked()
        first = element_id(f"values.{self.param.name}")
        return tuple(
            (f"{first}-{place}", value, labels.get(value, value), value in ticked)
            for place, value in enumerate(self._choices())
        )

    def _blamed(self, part: str) -> str:
        name = self.param.name
        if not self.is_number:
            return element_id(f"values.{name}") + "-0"
        if not self.is_searched:
            return element_id(f"parameters.{name}")
        return element_id(f"list.{name}" if self.is_list else f"{part if part in dict(PARTS) else 'min'}.{name}")


def in_short(values: tuple[ParamValue, ...]) -> str:
    """Return how many values there are, and which: 29: 4, 6, 8 … 60."""
    texts = [as_text(value) for value in values]
    if len(texts) > SHOWN_WHOLE:
        return f"{len(texts):,}: {', '.join(texts[:SHOWN_FIRST])} … {texts[-1]}"
    return f"{len(texts)}: {', '.join(texts)}"
