"""Rows: columns of text become bars that can be trusted, or a refusal that names row and column."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from algotrade.market.bars import Bars
from algotrade.market.importing.columns import PRICES, check_columns
from algotrade.market.importing.numerals import with_point
from algotrade.market.importing.tables import ERRORS_SHOWN, ImportRefused, Table, Tell, tell_nobody
from algotrade.market.importing.times import EXAMPLE, Times, parse_times
from algotrade.market.zones import UTC_NAME

LARGEST_PRICE = 1e12


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a table turned out to hold.

    Attributes:
        bars: in order of time, each of them possible.
        n_duplicates: rows that repeated an earlier one and were left out.
        needs_zone: whether times have no offset, so that their zone matters.
        notes: what was assumed or mended, a sentence each.
    """

    bars: Bars
    n_duplicates: int
    needs_zone: bool
    notes: list[str] = field(default_factory=list)


def read_times(table: Table, found: Mapping[str, str], zone: str) -> Times:
    """Return a table's times."""
    text = table.columns[found["time"]]
    if "clock" in found:
        text = pc.binary_join_element_wise(text, table.columns[found["clock"]], " ")
    return parse_times(text, zone)


def parse(table: Table, found: Mapping[str, str], zone: str = UTC_NAME, tell: Tell = tell_nobody) -> Parsed:
    """Turn columns of text into bars.

    Args:
        table: the columns.
        found: column by role, as `find_in` tells.
        zone: where the clock stood that showed times without an offset.
        tell: hears which column is being checked.

    Raises:
        MarketDataError: a column is missing or a row is faulty; the message names row, column and value.
    """
    check_columns(found, table.names)
    n_steps = 3 + len(PRICES)
    tell("Checking", 0, n_steps)
    times = read_times(table, found, zone)
    notes = [times.note]
    if not table.has_header:
        notes.append("There is no header; columns were told by their place: time, open, high, low, close, volume.")
    if table.has_decimal_comma:
        notes.append("Decimal comma: 97,31 in the file is 97.31.")
    errors = [_time_fault(table, row, found["time"], times.reasons) for row in times.faulty[:ERRORS_SHOWN]]
    total = len(times.faulty)
    columns: dict[str, NDArray[np.float64]] = {}
    for step, role in enumerate((*PRICES, "volume"), start=1):
        tell("Checking", step, n_steps)
        if role not in found:
            columns[role] = np.zeros(len(times.time))
            notes.append("There is no volume column; volume is 0.")
            continue
        columns[role], rows = _numbers(_plain(table, found[role]), is_price=role != "volume")
        errors += [_fault(table, row, found[role], role) for row in rows[: max(0, ERRORS_SHOWN - len(errors))]]
        total += len(rows)
    if total:
        raise ImportRefused(errors, total)
    tell("Checking", n_steps - 1, n_steps)
    bars, n_duplicates, is_turned = _ordered(table, found["time"], times.time, columns)
    if is_turned:
        notes.append("The file is newest first; it was turned around.")
    tell("Checking", n_steps, n_steps)
    return Parsed(bars, n_duplicates, times.needs_zone, notes)


def _plain(table: Table, column: str) -> pa.StringArray:
    text = table.columns[column]
    return with_point(text) if table.has_decimal_comma else text


def _numbers(column: pa.StringArray, *, is_price: bool) -> tuple[NDArray[np.float64], list[int]]:
    """Return a column's numbers (NaN where faulty) and the faulty rows."""
    try:
        values = column.cast(pa.float64()).to_numpy(zero_copy_only=False)
    except pa.ArrowInvalid:
        values = np.array([_number(text) for text in column.to_pylist()])
    good = np.isfinite(values) & ((values > 0) if is_price else (values >= 0)) & (values <= LARGEST_PRICE)
    if not is_price:
        good |= np.isfinite(values) & (values > LARGEST_PRICE)
    return values, np.flatnonzero(~good).tolist()


def _number(text: str) -> float:
    """Return a number as CSV writes it; Python reads `1_000` and other alphabets' digits, too."""
    try:
        return float(text) if text.isascii() and "_" not in text else float("nan")
    except ValueError:
        return float("nan")


def _time_fault(table: Table, row: int, column: str, reasons: Mapping[int, str]) -> str:
    return _fault(table, row, column, "time", reasons.get(row, ""))


def _fault(table: Table, row: int, column: str, role: str, reason: str = "") -> str:
    value = str(table.columns[column][row].as_py())
    shown = value if len(value) <= 40 else value[:37] + "..."
    wanted = {
        "time": f"a time such as {EXAMPLE} or Unix seconds",
        "volume": "a finite number of at least 0",
    }.get(role, f"a finite number above 0 and at most {LARGEST_PRICE:.0e}")
    return f"Row {table.first_row + row}, column {column!r}: {shown!r} {reason or f'is not {wanted}'}."


def _ordered(
    table: Table,
    time_column: str,
    time: NDArray[np.int64],
    columns: dict[str, NDArray[np.float64]],
) -> tuple[Bars, int, bool]:
    """Put rows in order, leave out repeated ones, and check each bar.

    Returns:
        The bars, how many rows were left out, and whether the file was newest first.
    """
    rows = np.arange(len(time))
    step = np.diff(time)
    is_turned = bool(np.count_nonzero(step < 0) > np.count_nonzero(step > 0))
    if is_turned:
        rows = rows[::-1]
    ordered = time[rows]
    step = np.diff(ordered)
    back = np.flatnonzero(step < 0)
    if len(back):
        raise ImportRefused(
            [
                f"Row {table.first_row + row}, column {time_column!r}: the time {table.columns[time_column][row]} "
                + (
                    f"is after that of row {table.first_row + row - 1}, in a file that is newest first."
                    if is_turned
                    else f"is before that of row {table.first_row + row - 1}."
                )
                for row in (np.sort(rows[back]) if is_turned else back + 1)[:ERRORS_SHOWN].tolist()
            ],
            len(back),
        )
    repeats = np.flatnonzero(step == 0)
    _check_repeats(table, time_column, rows, repeats, columns)
    rows = np.delete(rows, repeats + 1)
    _check_bars(table, rows, columns)
    return Bars(time[rows], *(columns[name][rows] for name in (*PRICES, "volume"))), len(repeats), is_turned


def _check_repeats(
    table: Table,
    time_column: str,
    rows: NDArray[np.int64],
    repeats: NDArray[np.int64],
    columns: dict[str, NDArray[np.float64]],
) -> None:
    """Refuse two rows of one time that say different things."""
    differs = np.zeros(len(repeats), bool)
    for column in columns.values():
        differs |= column[rows[repeats]] != column[rows[repeats + 1]]
    bad = repeats[differs].tolist()
    errors = [
        f"Row {table.first_row + rows[at + 1]}, column {time_column!r}: the time "
        f"{table.columns[time_column][int(rows[at + 1])]} is there already in row {table.first_row + rows[at]}, "
        "with other values."
        for at in bad[:ERRORS_SHOWN]
    ]
    if errors:
        raise ImportRefused(errors, len(bad))


def _check_bars(table: Table, rows: NDArray[np.int64], columns: dict[str, NDArray[np.float64]]) -> None:
    """Refuse bars whose high is not the highest or whose low is not the lowest price."""
    high, low = columns["high"][rows], columns["low"][rows]
    top = np.maximum(columns["open"][rows], columns["close"][rows])
    bottom = np.minimum(columns["open"][rows], columns["close"][rows])
    errors: list[str] = []
    total = 0
    for bad, name, values, words in (
        (high < np.maximum(top, low), "high", high, "below another price of its bar"),
        (low > np.minimum(bottom, high), "low", low, "above another price of its bar"),
    ):
        at_fault = np.flatnonzero(bad)
        total += len(at_fault)
        errors += [
            f"Row {table.first_row + rows[at]}, column {name!r}: {values[at]:.15g} is {words}."
            for at in at_fault[: max(0, ERRORS_SHOWN - len(errors))].tolist()
        ]
    if errors:
        raise ImportRefused(errors, total)
