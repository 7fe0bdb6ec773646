"""Fields of forms: drawn by Django, judged by the core's validator; and the words for what there is to choose."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.datastructures import MultiValueDict

from algotrade.errors import SpecError
from algotrade.market.store import Dataset
from algotrade.strategies.base import Param
from runs.display.form_values import as_text

Attributes = dict[str, str | bool]


class PlacedField(forms.BoundField):
    """Field on a page: its id, what describes it to screen readers, and the focus where it is the first wrong one."""

    @property
    def auto_id(self) -> str:
        """The control's element id: names of nested fields have dots, which selectors dislike."""
        return super().auto_id.replace(".", "-").replace("_", "-")

    @property
    def is_first_error(self) -> bool:
        """Whether it is the first thing that is wrong."""
        return next(iter(self.form.errors), None) == self.name

    def build_widget_attrs(self, attrs: Attributes, widget: forms.Widget | None = None) -> Attributes:
        """Return the control's attributes; those that its widget has already stay."""
        described = f"{self.auto_id}-error {self.auto_id}-help" if self.help_text else f"{self.auto_id}-error"
        attrs = super().build_widget_attrs({"aria-describedby": described, **self.field.widget.attrs, **attrs}, widget)
        return attrs | {"autofocus": True} if self.is_first_error else attrs


class PlainField(forms.Field):
    """Field that takes what was sent as it is: whether that is allowed, the core's validator says.

    Attributes:
        unit: behind the control.
        bounds: beside the label, what is accepted in short.
        called: how lists of problems call it; empty: by its label, unless the message names it.
        is_wide: whether it takes the room of two.
    """

    def __init__(
        self,
        label: str,
        widget: forms.Widget,
        *,
        initial: Any = "",
        help: str = "",
        unit: str = "",
        bounds: str = "",
        called: str = "",
        is_wide: bool = False,
    ) -> None:
        super().__init__(required=False, label=label, widget=widget, initial=initial, help_text=help)
        self.unit, self.bounds, self.called, self.is_wide = unit, bounds, called, is_wide

    def prepare_value(self, value: Any) -> Any:
        """Return what was sent, or is proposed; a field that was not sent is empty."""
        return "" if value is None else value

    to_python = prepare_value


class CheckedForm(forms.Form):
    """Form that the core's validator judges, so that pages and the API say the same; Django keeps and draws.

    A child adds its fields when it is made, and asks the validator in `check`.
    """

    bound_field_class = PlacedField

    def __init__(
        self,
        data: Mapping[str, Any] | None = None,
        initial: Mapping[str, Any] | None = None,
        auto_id: str = "field-%s",
    ) -> None:
        super().__init__(data, auto_id=auto_id, initial={**(initial or {})})

    @property
    def given(self) -> Mapping[str, Any]:
        """What was sent, else what the form begins with."""
        return self.data if self.is_bound else self.initial

    def check(self) -> None:
        """Ask the validator about `cleaned_data`, and keep what comes of it; a form without one takes whatever is sent.

        Raises:
            SpecError: something is wrong.
        """

    def clean(self) -> None:
        """Put each message of the validator beside the field that it is about."""
        try:
            self.check()
        except SpecError as refusal:
            self.note(refusal.fields)

    def note(self, messages: Mapping[str, str]) -> None:
        """Put each message beside its field; a field has one, and what has no field is about the form."""
        for field, message in (self.placed(*one) for one in messages.items()):
            if field not in self.fields:
                self.add_error(None, message)
            elif not self.has_error(field):
                self.add_error(field, message)

    def placed(self, name: str, message: str) -> tuple[str, str]:
        """Return the field beside which a message of the validator belongs, and the message in the form's own units."""
        return name, message

    def unchanged(self) -> MultiValueDict[str, Any]:
        """Return what a browser sends of a form that is not sent yet, and what it began with beyond its fields."""
        values = {**self.initial, **{field.name: field.value() for field in self}}
        return MultiValueDict({name: value if isinstance(value, list) else [value] for name, value in values.items()})

    @property
    def problems(self) -> list[tuple[str, str]]:
        """Return label and message of everything that is wrong; no label where the message names the field itself."""
        found = ((name, str(message)) for name, messages in self.errors.items() for message in messages)
        return [(self._called(name, message), message) for name, message in found]

    def _called(self, name: str, message: str) -> str:
        field = self.fields.get(name)
        label = str(field.label) if field else ""
        return getattr(field, "called", "") or ("" if label.lower() in message.lower() else label)


class MomentInput(forms.TextInput):
    """Picker of a day, or of a moment where there is a time of day."""

    def get_context(self, name: str, value: Any, attrs: Attributes | None) -> dict[str, Any]:
        """Return what the template draws."""
        context = super().get_context(name, value, attrs)
        context["widget"]["type"] = "datetime-local" if "T" in (value or "") else "date"
        return context


class Ticks(forms.CheckboxSelectMultiple):
    """Boxes for several values; where something is wrong, it is the first one that says so."""

    def id_for_label(self, id_: str, index: str | None = "0") -> str:
        """Return the element id of one box."""
        return f"{id_}-{index}"

    def create_option(
        self,
        name: str,
        value: Any,
        label: Any,
        selected: bool,
        index: int,
        subindex: int | None = None,
        attrs: Attributes | None = None,
    ) -> dict[str, Any]:
        """Return one box."""
        option = super().create_option(name, value, label, selected, index, subindex, attrs)
        if index:
            for mark in ("aria-invalid", "autofocus"):
                option["attrs"].pop(mark, None)
        return option


def number_input(*, is_whole: bool = False, **attributes: str) -> forms.TextInput:
    """Return the control of a number: text, because a browser's own control drops the comma of 1,70 and sends 170."""
    return text_input(inputmode="numeric" if is_whole else "decimal", spellcheck="false", **attributes)


def text_input(**attributes: str | bool) -> forms.TextInput:
    """Return the control of a line of text."""
    return forms.TextInput({"autocomplete": "off", **attributes})


def moment_field(label: str, *, initial: str = "", help: str = "") -> PlainField:
    """Return a field for one end of a range."""
    widget = MomentInput({"step": "1", "autocomplete": "off"})
    return PlainField(label, widget, initial=initial, help=help, called=label)


def dataset_value(dataset: Dataset) -> str:
    """Return the value under which the picker sends a dataset."""
    return f"{dataset.asset}|{dataset.exchange}|{dataset.timeframe}"


def dataset_text(dataset: Dataset) -> str:
    """Return how the picker calls a dataset."""
    sample = ", sample (synthetic)" if dataset.synthetic else ""
    return f"{dataset.label} · {dataset.exchange}{sample}"


def bounds_of(param: Param) -> str:
    """Return what a parameter accepts, in short: its kind, its least and its largest value."""
    if param.kind not in ("int", "float"):
        return ""
    if param.low is None and param.high is None:
        return param.kind
    low = "" if param.low is None else as_text(param.low)
    high = "" if param.high is None else as_text(param.high)
    return f"{param.kind} {low}\N{EN DASH}{high}"
