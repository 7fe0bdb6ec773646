"""Options of an import, read from typed text, with a message for each field that is wrong."""

from collections.abc import Callable, Mapping
from typing import Any

from algotrade.errors import MarketDataError
from algotrade.market.bars import timeframe_ns
from algotrade.market.importing.columns import ROLES
from algotrade.market.importing.imports import ImportOptions
from algotrade.market.importing.preview import guess
from algotrade.market.instruments import DEFAULT_LOT_SIZE, Instrument
from algotrade.market.zones import UTC_NAME, zone

NAMES = ("asset", "exchange", "timeframe")
FIELDS = (*NAMES, "currency", "tick_size", "lot_size", "time_zone", "calendar")
COLUMN_PREFIX = "columns."
_LABELS = {"tick_size": "tick size", "lot_size": "lot size"}


class WrongOptions(MarketDataError):
    """Something is wrong with what is said of a file.

    Attributes:
        fields: message by field.
    """

    def __init__(self, fields: Mapping[str, str]) -> None:
        self.fields = dict(fields)
        super().__init__(" ".join(self.fields.values()))


def guessed(file_name: str) -> dict[str, Any]:
    """Return what a file's name tells, as options for a first look."""
    found = guess(file_name)
    return {name: value for name in NAMES if (value := getattr(found, name))}


def read_options(typed: Mapping[str, Any], *, for_check: bool = False) -> dict[str, Any]:
    """Return the options that were typed, complete.

    Args:
        typed: text by field; columns are `columns.time` and so on.
        for_check: whether the file is only looked through: it needs no names yet, and they stay empty.

    Raises:
        WrongOptions: a field is missing or wrong; the message of each says what was typed and what is allowed.
    """
    problems: dict[str, str] = {}
    text = {name: str(typed.get(name) or "").strip() for name in FIELDS}
    for name in NAMES:
        if not text[name] and not for_check:
            problems[name] = f"The {name} is missing."
    numbers: dict[str, float | None] = {"tick_size": None, "lot_size": DEFAULT_LOT_SIZE}
    for name in numbers:
        if text[name]:
            try:
                numbers[name] = float(text[name])
            except ValueError:
                problems[name] = f"The {_LABELS[name]} must be a number; it is {text[name][:40]!r}."
    currency, time_zone = text["currency"] or "USD", text["time_zone"] or UTC_NAME
    calendar = text["calendar"] or UTC_NAME
    tick_size, lot_size = numbers["tick_size"], numbers["lot_size"]
    checks: dict[str, Callable[[], object]] = {
        "asset": lambda: Instrument(text["asset"], "X", 1.0),
        "exchange": lambda: Instrument("X", text["exchange"], 1.0),
        "timeframe": lambda: timeframe_ns(text["timeframe"]),
        "currency": lambda: Instrument("X", "X", 1.0, currency=currency),
        "tick_size": lambda: Instrument("X", "X", 1.0 if tick_size is None else tick_size),
        "lot_size": lambda: Instrument("X", "X", 1.0, DEFAULT_LOT_SIZE if lot_size is None else lot_size),
        "time_zone": lambda: zone(time_zone),
        "calendar": lambda: zone(calendar),
    }
    for name, check in checks.items():
        if name not in problems and (text[name] or name not in NAMES):
            try:
                check()
            except MarketDataError as error:
                problems[name] = str(error)
    if problems:
        raise WrongOptions(problems)
    return ImportOptions(
        asset=text["asset"],
        exchange=text["exchange"],
        timeframe=text["timeframe"],
        tick_size=tick_size,
        lot_size=DEFAULT_LOT_SIZE if lot_size is None else lot_size,
        currency=currency,
        time_zone=time_zone,
        calendar=calendar,
        columns=_columns(typed),
    ).to_dict()


def _columns(typed: Mapping[str, Any]) -> dict[str, str]:
    """Return column by role, as far as columns were chosen."""
    return {role: str(typed[COLUMN_PREFIX + role]) for role in ROLES if COLUMN_PREFIX + role in typed}
