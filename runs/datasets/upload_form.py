"""The form in which a person corrects what was detected in a file."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from django import forms
from django.forms.utils import flatatt
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from algotrade.market.importing.columns import PRICES, ROLES
from algotrade.market.importing.preview import Preview
from algotrade.market.instruments import DEFAULT_LOT_SIZE
from algotrade.market.ticks import step_text
from algotrade.market.zones import UTC_NAME, zone_names
from runs.datasets.options import COLUMN_PREFIX, WrongOptions, read_options
from runs.display.fields import CheckedForm, PlainField, text_input

ROLE_LABELS = {
    "time": "Time",
    "clock": "Time of day",
    "open": "Open",
    "high": "High",
    "low": "Low",
    "close": "Close",
    "volume": "Volume",
}


class LongSelect(forms.Select):
    """Choice among hundreds, such as zones: Django's own draws each option by two templates, which takes 0.1 s."""

    def render(
        self,
        name: str,
        value: Any,
        attrs: dict[str, Any] | None = None,
        renderer: Any = None,  # noqa: ARG002 - Django's signature
    ) -> SafeString:
        """Return the control's markup."""
        options = ((one, " selected" if one == value else "", label) for one, label in self.choices)
        drawn = format_html_join("", '<option value="{}"{}>{}</option>', options)
        return format_html('<select name="{}"{}>{}</select>', name, flatatt(self.build_attrs(self.attrs, attrs)), drawn)


class UploadForm(CheckedForm):
    """What is said of a file; what was found in it, and was said last time, is what the form begins with.

    Attributes:
        seen: what the file was found to hold.
        read: the options that were typed, without names where these alone are missing; None while others are wrong.
    """

    def __init__(self, options: Mapping[str, Any], seen: Preview, data: Mapping[str, Any] | None = None) -> None:
        super().__init__(data)
        self.seen = seen
        self.read: dict[str, Any] | None = None
        said = {name: str(value or "") for name, value in options.items()}
        self.fields |= {
            "asset": PlainField("Asset", text_input(), initial=said.get("asset", "")),
            "exchange": PlainField("Exchange", text_input(), initial=said.get("exchange", "")),
            "timeframe": PlainField("Timeframe", text_input(), initial=said.get("timeframe") or seen.timeframe),
            **self._instrument_fields(options),
            **self._time_fields(said),
            **self._column_fields(),
        }

    @property
    def wants_import(self) -> bool:
        """Whether the file is to be imported, and not only to be looked through again."""
        return self.data.get("do") == "import"

    @property
    def missing_names(self) -> str:
        """Which names the dataset still lacks; empty when it lacks none."""
        return " and ".join(name for name in ("asset", "exchange") if not self[name].value().strip())

    def clean(self) -> None:
        """Read the options; who only looks through a file need not name it yet."""
        typed = {name: self.data[name] for name in self.data}
        try:
            self.read = read_options(typed, for_check=not self.wants_import)
        except WrongOptions as wrong:
            self.note(wrong.fields)
            with suppress(WrongOptions):
                self.read = read_options(typed, for_check=True)

    def what_fields(self) -> list[forms.BoundField]:
        """Return what names the dataset, and what is traded."""
        return [self[name] for name in ("asset", "exchange", "timeframe", "currency", "tick_size", "lot_size")]

    def time_fields(self) -> list[forms.BoundField]:
        """Return where clocks stood and days begin."""
        return [self[name] for name in ("time_zone", "calendar") if name in self.fields]

    def column_fields(self) -> list[forms.BoundField]:
        """Return which column is what."""
        return [self[COLUMN_PREFIX + role] for role in ROLES]

    def _instrument_fields(self, options: Mapping[str, Any]) -> dict[str, PlainField]:
        """Make what is traded, and in what."""
        named, found = options.get("tick_size"), self.seen.tick_size
        guess = "" if found is None or named is not None else f"guess: {step_text(found)}"
        tick_size = "" if named is None else step_text(named)
        lot_size = step_text(options.get("lot_size", DEFAULT_LOT_SIZE))
        return {
            "currency": PlainField("Currency", text_input(), initial=options.get("currency") or "USD"),
            "tick_size": PlainField("Tick size", text_input(), initial=tick_size, bounds=guess),
            "lot_size": PlainField("Lot size", text_input(), initial=lot_size, bounds="0: no rounding"),
        }

    def _time_fields(self, said: Mapping[str, str]) -> dict[str, PlainField]:
        """Make where clocks stood, unless the file says it, and where days begin."""
        labels = {"time_zone": "Times are of"} if self.seen.needs_zone else {}
        labels["calendar"] = "Days begin at midnight in"
        zones = [(name, name.replace("_", " ")) for name in zone_names()]
        return {
            name: PlainField(label, LongSelect(choices=zones), initial=said.get(name) or UTC_NAME)
            for name, label in labels.items()
        }

    def _column_fields(self) -> dict[str, PlainField]:
        """Make which column is what; a price that was found is somewhere."""
        names = [(name, name) for name in self.seen.names if name]
        fields = {}
        for role in ROLES:
            choices = names if role in PRICES and role in self.seen.found else [("", "None"), *names]
            widget = forms.Select(choices=choices)
            fields[COLUMN_PREFIX + role] = PlainField(ROLE_LABELS[role], widget, initial=self.seen.found.get(role, ""))
        return fields


def is_changed(options: Mapping[str, Any], before: Mapping[str, Any], seen: Preview | None) -> bool:
    """Whether options say something else of a file than those under which it was looked through."""
    if seen is None:
        return True
    chosen = {role: name for role, name in options["columns"].items() if name}
    if chosen and chosen != dict(seen.found):
        return True
    others = ("asset", "exchange", "timeframe", "time_zone", "calendar")
    standard = {"asset": "", "exchange": "", "timeframe": seen.timeframe, "time_zone": UTC_NAME, "calendar": UTC_NAME}
    was = {**standard, **before}
    return any(options[name] != was.get(name) for name in others)
