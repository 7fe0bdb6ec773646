"""The form in which a person corrects what was detected in a file."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from algotrade.market.columns import PRICES, ROLES
from algotrade.market.instruments import DEFAULT_LOT_SIZE
from algotrade.market.preview import Preview
from algotrade.market.ticks import step_text
from algotrade.market.zones import UTC_NAME, zone_names
from runs.forms.fields import FormField
from runs.uploads.options import COLUMN_PREFIX

ROLE_LABELS = {
    "time": "Time",
    "clock": "Time of day",
    "open": "Open",
    "high": "High",
    "low": "Low",
    "close": "Close",
    "volume": "Volume",
}


@dataclass
class UploadForm:
    """What is said of a file, and what is wrong with it.

    Attributes:
        options: what was said last time.
        seen: what the file was found to hold.
        typed: what was typed now, by field; empty when nothing was.
        errors: message by field.
    """

    options: Mapping[str, Any]
    seen: Preview
    typed: Mapping[str, str] = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)

    def name_fields(self) -> list[FormField]:
        """Return what names the dataset."""
        return [
            self._field("asset", "Asset", self._option("asset")),
            self._field("exchange", "Exchange", self._option("exchange")),
            self._field("timeframe", "Timeframe", self._option("timeframe") or self.seen.timeframe),
        ]

    def instrument_fields(self) -> list[FormField]:
        """Return what is traded, and in what."""
        tick_size = self.options.get("tick_size")
        guess = "" if self.seen.tick_size is None or tick_size is not None else step_text(self.seen.tick_size)
        seen = f"guess: {guess}" if guess else ""
        lot_size = self.options.get("lot_size", DEFAULT_LOT_SIZE)
        return [
            self._field("currency", "Currency", self._option("currency") or "USD"),
            self._field("tick_size", "Tick size", "" if tick_size is None else step_text(tick_size), bounds=seen),
            self._field("lot_size", "Lot size", step_text(lot_size), bounds="0: no rounding"),
        ]

    def time_fields(self) -> list[FormField]:
        """Return where clocks stood and days begin."""
        zones = tuple((name, name.replace("_", " ")) for name in zone_names())
        fields = []
        if self.seen.needs_zone:
            value = self._option("time_zone") or UTC_NAME
            fields.append(self._field("time_zone", "Times are of", value, kind="select", choices=zones))
        value = self._option("calendar") or UTC_NAME
        return [*fields, self._field("calendar", "Days begin at midnight in", value, kind="select", choices=zones)]

    def column_fields(self) -> list[FormField]:
        """Return which column is what."""
        names = tuple((name, name) for name in self.seen.names if name)
        nothing = (("", "None"),)
        return [
            self._field(
                COLUMN_PREFIX + role,
                ROLE_LABELS[role],
                self.seen.found.get(role, ""),
                kind="select",
                choices=names if role in PRICES and role in self.seen.found else nothing + names,
            )
            for role in ROLES
        ]

    def fields(self) -> list[FormField]:
        """Return every field, in the order of the page."""
        return [*self.name_fields(), *self.instrument_fields(), *self.time_fields(), *self.column_fields()]

    def _option(self, name: str) -> str:
        return str(self.options.get(name) or "")

    def _field(self, name: str, label: str, value: str, **more: Any) -> FormField:
        return FormField(
            name=name,
            label=label,
            value=self.typed.get(name, value),
            error=self.errors.get(name, ""),
            is_first_error=name == next(iter(self.errors), ""),
            **{"kind": "text", **more},
        )


def is_changed(options: Mapping[str, Any], before: Mapping[str, Any], seen: Preview | None) -> bool:
    """Whether options say something else of a file than those under which it was looked through."""
    if seen is None:
        return True
    chosen = {role: name for role, name in options["columns"].items() if name}
    if chosen and chosen != dict(seen.found):
        return True
    others = ("asset", "exchange", "timeframe", "time_zone", "calendar")
    was = {"timeframe": seen.timeframe, "time_zone": UTC_NAME, "calendar": UTC_NAME, **before}
    return any(options[name] != was.get(name) for name in others)
