"""Columns of a file: which is what, by name, by place where names are missing, or as somebody says."""

from collections.abc import Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from algotrade.errors import MarketDataError
from algotrade.market.importing.numerals import is_number
from algotrade.market.importing.tables import Table, unnamed
from algotrade.market.importing.times import parse_times

PRICES = ("open", "high", "low", "close")
ROLES = ("time", "clock", *PRICES, "volume")
"""What a column can be; a clock is the time of day where `time` is only the date."""
ALIASES = {
    "time": ("timestamp", "time", "datetime", "date", "open time", "opentime", "open_time", "ts", "unix", "t"),
    "clock": ("time",),
    "open": ("open", "o"),
    "high": ("high", "h"),
    "low": ("low", "l"),
    "close": ("close", "c"),
    "volume": ("volume", "vol", "v"),
}
_PANDAS_INDEX = "__index_level_0__"
_INDEX_NAMES = (unnamed(1), "unnamed: 0")
"""What the first column is called when a program wrote its index without a name, or read and wrote it once more."""
SAMPLE_ROWS = 100
"""Rows at both ends of a file whose values tell what a column without a name is."""


def find_columns(names: Sequence[str], chosen: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return which column is what, as far as names tell.

    Args:
        names: the file's columns.
        chosen: column by role, where a person knows better; "" says that there is none.

    Raises:
        MarketDataError: a chosen column is not there, or has two roles.
    """
    return _as_chosen(_by_name(names), names, chosen or {})


def find_in(table: Table, chosen: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return which column of a table is what: where names do not tell, values do; raises as `find_columns`."""
    chosen = chosen or {}
    if not table.has_header:
        return _as_chosen(_by_place(table), table.names, chosen)
    found = find_columns(table.names, chosen)
    index = index_column(table.names, found, chosen)
    if index and _holds_times(_ends(table.columns[index])):
        found["time"] = index
    return found


def index_column(names: Sequence[str], found: Mapping[str, str], chosen: Mapping[str, str] | None = None) -> str:
    """Return the column that may be a program's index, and so the time that no name tells; empty when there is none."""
    if "time" in found or "time" in (chosen or {}) or names[0] in found.values():
        return ""
    return names[0] if names[0].casefold() in _INDEX_NAMES else ""


def check_columns(found: Mapping[str, str], names: Sequence[str]) -> None:
    """Refuse a table without a column that bars need.

    Raises:
        MarketDataError: one is missing; the message names it.
    """
    missing = [name for name in ("time", *PRICES) if name not in found]
    if missing:
        shown = ", ".join(repr(name[:40]) for name in names[:20])
        raise MarketDataError(
            f"There is no column for {', '.join(missing)}. The file has {shown}; "
            "known are timestamp (or date, time), open, high, low, close, volume."
        )


def _by_name(names: Sequence[str]) -> dict[str, str]:
    by_alias = {name.casefold(): name for name in reversed(names)}
    if _PANDAS_INDEX in names:
        by_alias.setdefault("timestamp", _PANDAS_INDEX)
    found = {}
    for wanted, aliases in ALIASES.items():
        match = next((by_alias[alias] for alias in aliases if alias in by_alias), None)
        if match is not None:
            found[wanted] = match
    if "date" in by_alias and "time" in by_alias and not {"timestamp", "datetime"} & set(by_alias):
        found["time"], found["clock"] = by_alias["date"], by_alias["time"]
    else:
        found.pop("clock", None)
    return found


def _by_place(table: Table) -> dict[str, str]:
    """Return the columns of a file without a header: time (or date and time of day), four prices, volume."""
    names, found = list(table.names), {}
    first = _ends(table.columns[names[0]])
    second = _ends(table.columns[names[1]])
    if not any(is_number(text) for text in second.to_pylist()):
        if _holds_times(pc.binary_join_element_wise(first, second, " ")):
            found = {"time": names.pop(0), "clock": names.pop(0)}
    elif _holds_times(first):
        found = {"time": names.pop(0)}
    if not found:
        return {}
    return found | dict(zip((*PRICES, "volume"), names, strict=False))


def _as_chosen(found: dict[str, str], names: Sequence[str], chosen: Mapping[str, str]) -> dict[str, str]:
    """Return the columns with those that a person chose; raises as `find_columns`."""
    for role, name in chosen.items():
        if role not in ROLES:
            raise MarketDataError(f"A column cannot be {role[:40]!r}; it can be {', '.join(ROLES)}.")
        if name and name not in names:
            raise MarketDataError(f"The file has no column {name[:60]!r} for {role}.")
        found.pop(role, None)
        if name:
            found[role] = name
    twice = [name for name in set(found.values()) if list(found.values()).count(name) > 1]
    if twice and chosen:
        roles = " and ".join(role for role, name in found.items() if name == twice[0])
        raise MarketDataError(f"The column {twice[0][:60]!r} is chosen for {roles}; each needs its own.")
    return found


def _ends(column: pa.StringArray) -> pa.StringArray:
    """Return a column's first and last rows."""
    if len(column) <= 2 * SAMPLE_ROWS:
        return column
    return pa.concat_arrays([column.slice(0, SAMPLE_ROWS), column.slice(len(column) - SAMPLE_ROWS)])


def _holds_times(column: pa.StringArray) -> bool:
    return not parse_times(column).faulty
