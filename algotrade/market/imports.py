"""Candles come in: from columns of text to bars that can be trusted, or a refusal that names row and column.

`read_csv` knows the file format, `parse` everything else: a Parquet reader needs only to bring a Table. Nothing is
stored here before everything is checked, so a refused file leaves no trace.
"""

import codecs
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
from numpy.typing import NDArray

from algotrade.errors import MarketDataError
from algotrade.market.bars import Bars, timeframe_ns
from algotrade.market.calendar import Gap, empty_weekdays, find_gaps
from algotrade.market.instruments import DEFAULT_LOT_SIZE, Instrument
from algotrade.market.store import CandleStore, Dataset
from algotrade.market.times import parse_times

MAX_BYTES = 2 << 30
MAX_COLUMNS = 1_000
LARGEST_PRICE = 1e12
ERRORS_SHOWN = 20

ALIASES = {
    "time": ("timestamp", "time", "datetime", "date", "open time", "opentime", "open_time", "ts", "unix", "t"),
    "clock": ("time",),
    "open": ("open", "o"),
    "high": ("high", "h"),
    "low": ("low", "l"),
    "close": ("close", "c"),
    "volume": ("volume", "vol", "v"),
}
PRICES = ("open", "high", "low", "close")


class ImportRefused(MarketDataError):
    """A file that cannot be taken; `errors` has a line for each of the first faults."""

    def __init__(self, errors: Sequence[str], total: int | None = None) -> None:
        """List at most ERRORS_SHOWN faults of `total`."""
        self.errors = list(errors[:ERRORS_SHOWN])
        count = total or len(errors)
        more = f"\n… and {count - len(self.errors):,} more." if count > len(self.errors) else ""
        super().__init__("\n".join(self.errors) + more)


@dataclass(frozen=True, slots=True)
class Table:
    """Columns of text, as a file has them.

    Attributes:
        columns: one string array per column name, all of one length.
        first_row: the number, as an editor shows it, of the first data row.
    """

    columns: dict[str, pa.StringArray]
    first_row: int


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What came of an import, for people.

    Attributes:
        dataset: what was stored.
        gaps: bars missing between a day's first and last.
        empty_days_ns: weekdays without any bar, UTC midnights.
        n_duplicates: rows that repeated an earlier one and were left out.
        notes: what was assumed or mended, a sentence each.
    """

    dataset: Dataset
    gaps: list[Gap]
    empty_days_ns: list[int]
    n_duplicates: int
    notes: list[str] = field(default_factory=list)


def import_candles(
    path: Path,
    store: CandleStore,
    *,
    asset: str,
    exchange: str,
    timeframe: str,
    tick_size: float | None = None,
    lot_size: float = DEFAULT_LOT_SIZE,
    currency: str = "USD",
) -> ImportReport:
    """Check a CSV file and store its candles.

    Args:
        path: the file.
        store: where the candles go.
        asset: what is traded, such as SPY.
        exchange: where; with asset and timeframe it names the dataset.
        timeframe: duration of a bar, such as 1h.
        tick_size: price step, quote currency; None takes the one seen in the decimals.
        lot_size: quantity step, units of the asset.
        currency: what prices are in.

    Raises:
        MarketDataError: the file, a row or a name is not acceptable; nothing was stored.
    """
    step_ns = timeframe_ns(timeframe)
    Instrument(asset=asset, exchange=exchange, tick_size=tick_size or 1.0, lot_size=lot_size, currency=currency)
    table = read_csv(path)
    bars, n_duplicates, notes = parse(table)
    _check_grid(bars, step_ns, timeframe, notes)
    if tick_size is None:
        tick_size = observed_tick(table)
        notes.append(f"Tick size {tick_size:g}, the smallest step seen in the prices' decimals.")
    instrument = Instrument(asset=asset, exchange=exchange, tick_size=tick_size, lot_size=lot_size, currency=currency)
    dataset = store.add(bars, instrument, timeframe, source=path.name)
    return ImportReport(dataset, find_gaps(bars.time, step_ns), empty_weekdays(bars.time), n_duplicates, notes)


def read_csv(path: Path) -> Table:
    """Read a CSV file's columns as text.

    Raises:
        MarketDataError: it is missing, too large, no UTF-8 text, empty, or a row has another number of columns.
    """
    try:
        size = path.stat().st_size
        if not path.is_file():
            raise MarketDataError(f"{path.name} is not a file.")
        with path.open("rb") as file:
            head = file.read(64 * 1024)
    except OSError as error:
        raise MarketDataError(f"{path.name} cannot be read: {error.strerror}.") from error
    if size > MAX_BYTES:
        raise MarketDataError(f"{path.name} has {size:,} bytes; at most {MAX_BYTES:,} are read.")
    _check_head(path.name, head)
    _check_text(path)
    broken: list[str] = []

    def note_broken(row: pacsv.InvalidRow) -> str:
        broken.append(f"Row {row.number}: {row.actual_columns} columns where the header has {row.expected_columns}.")
        return "skip"

    names = _header(head)
    try:
        table = pacsv.read_csv(
            path,
            read_options=pacsv.ReadOptions(use_threads=False, column_names=names, skip_rows=1, block_size=8 << 20),
            parse_options=pacsv.ParseOptions(
                delimiter=_delimiter(head), invalid_row_handler=note_broken, ignore_empty_lines=False
            ),
            convert_options=pacsv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False, check_utf8=True
            ),
        )
    except (pa.ArrowInvalid, UnicodeDecodeError) as error:
        raise MarketDataError(f"{path.name} is not readable as CSV in UTF-8: {error}.") from error
    if broken:
        raise ImportRefused(broken)
    columns = {name: _strip(table[name].combine_chunks()) for name in names}
    n_rows = _rows_before_blank_end(list(columns.values()))
    if not n_rows:
        raise MarketDataError(f"{path.name} has a header and no rows.")
    return Table({name: column.slice(0, n_rows) for name, column in columns.items()}, first_row=2)


def parse(table: Table) -> tuple[Bars, int, list[str]]:
    """Turn columns of text into bars.

    Returns:
        Bars in order of time, how many repeated rows were left out, and notes on what was assumed.

    Raises:
        MarketDataError: a column is missing or a row is faulty; the message names row, column and value.
    """
    notes: list[str] = []
    found = _find_columns(list(table.columns))
    time_text = table.columns[found["time"]]
    if "clock" in found:
        time_text = pc.binary_join_element_wise(time_text, table.columns[found["clock"]], " ")
    time, faulty, note = parse_times(time_text)
    errors = [_fault(table, row, found["time"]) for row in faulty[:ERRORS_SHOWN]]
    total = len(faulty)
    notes.append(note)
    columns: dict[str, NDArray[np.float64]] = {}
    for name in (*PRICES, "volume"):
        if name not in found:
            columns[name] = np.zeros(len(time))
            notes.append("There is no volume column; volume is 0.")
            continue
        columns[name], rows = _numbers(table.columns[found[name]], is_price=name != "volume")
        errors += [_fault(table, row, found[name]) for row in rows[: max(0, ERRORS_SHOWN - len(errors))]]
        total += len(rows)
    if total:
        raise ImportRefused(errors, total)
    return _ordered(table, found["time"], time, columns, notes)


def observed_tick(table: Table) -> float:
    """Return the smallest price step that the decimals of a table's prices show: 0.01 for 97.31 and 97.3."""
    found = _find_columns(list(table.columns))
    decimals = 0
    for name in PRICES:
        column = table.columns[found[name]]
        is_odd = pc.match_substring_regex(column, r"[eE]|^.{17}")
        plain, odd = column.filter(pc.invert(is_odd)), column.filter(is_odd).unique()
        if len(plain):
            text = pc.utf8_rtrim(_with_point(plain), "0")
            places = pc.subtract(pc.subtract(pc.utf8_length(text), pc.find_substring(text, ".")), 1)
            decimals = max(decimals, int(pc.max(places).as_py()))
        decimals = max([decimals, *(_decimals(float(text)) for text in odd.to_pylist())])
    return float(f"1e-{decimals}")


def _decimals(price: float) -> int:
    """Return the decimals of a price's 15 significant digits: those after them are a program's rounding errors."""
    _, _, exponent = Decimal(f"{price:.15g}").normalize().as_tuple()
    return max(0, -int(exponent))


def _check_head(name: str, head: bytes) -> None:
    """Refuse what is no text before a parser meets it."""
    if not head.strip():
        raise MarketDataError(f"{name} is empty.")
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise MarketDataError(f"{name} is UTF-16; save it as UTF-8.")
    if head.startswith((b"PK", b"\x1f\x8b", b"BZh", b"\xfd7zXZ")):
        raise MarketDataError(f"{name} is an archive; unpack it first.")
    if b"\n" not in head and len(head) >= 64 * 1024:
        raise MarketDataError(f"{name} has a first line of more than 64 KB; it is no CSV of candles.")
    if b"\n" not in head.strip():
        raise MarketDataError(f"{name} has a single line; a header and rows are needed.")


def _check_text(path: Path) -> None:
    """Refuse bytes that are no UTF-8 text, with the row they are in."""
    decoder, row = codecs.getincrementaldecoder("utf-8")(), 1
    with path.open("rb") as file:
        while True:
            chunk = file.read(1 << 20)
            try:
                decoder.decode(chunk, final=not chunk)
            except UnicodeDecodeError as error:
                row += error.object.count(b"\n", 0, error.start)
                raise MarketDataError(f"Row {row}: {path.name} is not UTF-8 here; save it as UTF-8.") from error
            if not chunk:
                return
            if b"\0" in chunk:
                row += chunk.count(b"\n", 0, chunk.index(b"\0"))
                raise MarketDataError(f"Row {row}: {path.name} holds NUL bytes here; it is no CSV text.")
            row += chunk.count(b"\n")


def _delimiter(head: bytes) -> str:
    """Return the separator that the header uses most: comma, semicolon or tab."""
    header = head.split(b"\n", 1)[0].decode("utf-8", "replace")
    return max((",", ";", "\t"), key=header.count)


def _header(head: bytes) -> list[str]:
    """Return the header's names, cleaned."""
    text = head.decode("utf-8-sig", "replace").split("\n", 1)[0].rstrip("\r")
    names = [name.strip().strip('"').strip() for name in text.split(_delimiter(head))]
    if len(names) > MAX_COLUMNS:
        raise MarketDataError(f"The file has {len(names):,} columns; candles have six.")
    if not any(names):
        raise MarketDataError("The first row is empty; it must name the columns: timestamp,open,high,low,close,volume.")
    if all(_is_number(name) for name in names if name):
        raise MarketDataError(
            "The first row holds numbers; it must name the columns: timestamp,open,high,low,close,volume."
        )
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise MarketDataError(f"The header names {', '.join(map(repr, repeated))} more than once.")
    return names


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _find_columns(names: list[str]) -> dict[str, str]:
    """Return which column is what.

    Raises:
        MarketDataError: a needed one is missing.
    """
    by_alias = {name.casefold(): name for name in reversed(names)}
    found = {}
    for wanted, aliases in ALIASES.items():
        match = next((by_alias[alias] for alias in aliases if alias in by_alias), None)
        if match is not None:
            found[wanted] = match
    if "date" in by_alias and "time" in by_alias and not {"timestamp", "datetime"} & set(by_alias):
        found["time"], found["clock"] = by_alias["date"], by_alias["time"]
    else:
        found.pop("clock", None)
    missing = [name for name in ("time", *PRICES) if name not in found]
    if missing:
        raise MarketDataError(
            f"There is no column for {', '.join(missing)}. The header names {', '.join(map(repr, names[:20]))}; "
            "known are timestamp (or date, time), open, high, low, close, volume."
        )
    return found


def _rows_before_blank_end(columns: list[pa.StringArray]) -> int:
    """Return how many rows there are without the blank lines at the end.

    Raises:
        ImportRefused: a line between others is blank.
    """
    filled = np.zeros(len(columns[0]), bool)
    for column in columns:
        filled |= pc.not_equal(column, "").to_numpy(zero_copy_only=False)
    n_rows = int(np.flatnonzero(filled)[-1]) + 1 if filled.any() else 0
    blank = np.flatnonzero(~filled[:n_rows]).tolist()
    if blank:
        raise ImportRefused([f"Row {row + 2}: the row is empty." for row in blank], len(blank))
    return n_rows


def _strip(column: pa.StringArray) -> pa.StringArray:
    return pc.utf8_trim_whitespace(column)


def _with_point(column: pa.StringArray) -> pa.StringArray:
    """Return the texts with a decimal point in each, so that trailing zeros of whole numbers stay whole."""
    has_point = pc.match_substring(column, ".")
    return pc.if_else(has_point, column, pc.binary_join_element_wise(column, "", "."))


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


def _fault(table: Table, row: int, column: str) -> str:
    value = str(table.columns[column][row].as_py())
    shown = value if len(value) <= 40 else value[:37] + "..."
    wanted = {
        "time": "a time such as 2020-01-31T14:00:00Z or Unix seconds",
        "volume": "a finite number of at least 0",
    }.get(_kind(column), f"a finite number above 0 and at most {LARGEST_PRICE:.0e}")
    return f"Row {table.first_row + row}, column {column!r}: {shown!r} is not {wanted}."


def _kind(column: str) -> str:
    name = column.casefold()
    return next((kind for kind, aliases in ALIASES.items() if name in aliases), "")


def _ordered(
    table: Table,
    time_column: str,
    time: NDArray[np.int64],
    columns: dict[str, NDArray[np.float64]],
    notes: list[str],
) -> tuple[Bars, int, list[str]]:
    """Put rows in order, leave out repeated ones, and check each bar."""
    rows = np.arange(len(time))
    step = np.diff(time)
    if len(time) > 1 and (step <= 0).all() and (step < 0).any():
        notes.append("The file is newest first; it was turned around.")
        rows = rows[::-1]
    ordered = time[rows]
    step = np.diff(ordered)
    back = np.flatnonzero(step < 0)
    if len(back):
        raise ImportRefused(
            [
                f"Row {table.first_row + rows[at + 1]}, column {time_column!r}: the time "
                f"{table.columns[time_column][int(rows[at + 1])]} is before that of row {table.first_row + rows[at]}."
                for at in back[:ERRORS_SHOWN].tolist()
            ],
            len(back),
        )
    repeats = np.flatnonzero(step == 0)
    _check_repeats(table, time_column, rows, repeats, columns)
    rows = np.delete(rows, repeats + 1)
    _check_bars(table, rows, columns)
    return Bars(time[rows], *(columns[name][rows] for name in (*PRICES, "volume"))), len(repeats), notes


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
    errors = [
        f"Row {table.first_row + rows[at + 1]}, column {time_column!r}: the time "
        f"{table.columns[time_column][int(rows[at + 1])]} is there already in row {table.first_row + rows[at]}, "
        "with other values."
        for at in repeats[differs].tolist()
    ]
    if errors:
        raise ImportRefused(errors)


def _check_bars(table: Table, rows: NDArray[np.int64], columns: dict[str, NDArray[np.float64]]) -> None:
    """Refuse bars whose high is not the highest or whose low is not the lowest price."""
    high, low = columns["high"][rows], columns["low"][rows]
    top = np.maximum(columns["open"][rows], columns["close"][rows])
    bottom = np.minimum(columns["open"][rows], columns["close"][rows])
    errors = []
    for bad, name, values, words in (
        (high < np.maximum(top, low), "high", high, "below another price of its bar"),
        (low > np.minimum(bottom, high), "low", low, "above another price of its bar"),
    ):
        errors += [
            f"Row {table.first_row + rows[at]}, column {name!r}: {values[at]:.15g} is {words}."
            for at in np.flatnonzero(bad).tolist()
        ]
    if errors:
        raise ImportRefused(errors)


def _check_grid(bars: Bars, step_ns: int, timeframe: str, notes: list[str]) -> None:
    """Refuse bars that are closer than the timeframe; tell when most are farther apart."""
    if len(bars) < 2:
        return
    step = np.diff(bars.time)
    close = np.flatnonzero(step < step_ns)
    if len(close) > len(step) // 100:
        raise MarketDataError(
            f"The bars are {_in_words(int(np.median(step)))} apart, which is less than the timeframe {timeframe}."
        )
    if len(close):
        notes.append(f"{len(close):,} bars come less than {timeframe} after the one before.")
    if int(np.median(step)) > step_ns:
        notes.append(f"Most bars are {_in_words(int(np.median(step)))} apart, more than the timeframe {timeframe}.")


def _in_words(nanoseconds: int) -> str:
    return str(pa.scalar(nanoseconds, pa.duration("ns")).cast(pa.duration("s")).as_py())
