"""CSV files as tables of text: comma, semicolon or tab, UTF-8, with a header or without."""

import codecs
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from algotrade.errors import MarketDataError
from algotrade.market.importing.numerals import is_number
from algotrade.market.importing.tables import (
    ERRORS_SHOWN,
    ImportRefused,
    Table,
    Tell,
    all_named,
    check_rows,
    tell_nobody,
)

HEAD_BYTES = 64 * 1024
BLOCK_BYTES = 4 << 20
LONGEST_LINE = 1 << 20
LEAST_NUMBERS = 4
"""Numbers that a first row must hold to be one of candles, and no header: the four prices."""
_DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab"}


def read_csv(path: Path, head: bytes, tell: Tell = tell_nobody) -> Table:
    """Read a CSV file's columns as text.

    Args:
        path: the file.
        head: its first HEAD_BYTES.
        tell: hears how far reading is, in bytes.

    Raises:
        MarketDataError: it is no UTF-8 text, empty, too large, or a row has another number of columns.
    """
    _check_head(path.name, head)
    _check_text(path)
    delimiter = _delimiter(head)
    cells = _first_row(head, delimiter)
    has_header = not _is_data(cells)
    names = all_named(cells if has_header else [""] * len(cells))
    broken: list[str] = []
    n_broken = 0

    def note_broken(row: pacsv.InvalidRow) -> str:
        nonlocal n_broken
        n_broken += 1
        if len(broken) < ERRORS_SHOWN:
            problem = f"{row.actual_columns} columns where the header has {row.expected_columns}."
            broken.append(f"Row {row.number}: {problem}")
        return "skip"

    try:
        batches = _read(path, names, delimiter, int(has_header), note_broken, tell)
    except (pa.ArrowInvalid, UnicodeDecodeError) as error:
        raise MarketDataError(f"{path.name} is not readable as CSV in UTF-8: {error}.") from error
    if broken:
        if delimiter == "," and not sum(map(len, batches)):
            broken = [f"{broken[0]} So has every row: decimal commas need columns set off by semicolons.", *broken[1:]]
        raise ImportRefused(broken, n_broken)
    table = pa.Table.from_batches(batches) if batches else pa.table({name: pa.array([], pa.string()) for name in names})
    columns = {name: pc.utf8_trim_whitespace(table[name].combine_chunks()) for name in table.column_names}
    first_row = 2 if has_header else 1
    n_rows = _rows_before_blank_end(list(columns.values()), first_row)
    if not n_rows:
        raise MarketDataError(f"{path.name} has a header and no rows.")
    return Table(
        {name: column.slice(0, n_rows) for name, column in columns.items()},
        first_row=first_row,
        format=f"CSV, separated by {_DELIMITERS[delimiter]}",
        names=names,
        has_header=has_header,
    )


def _read(
    path: Path, names: tuple[str, ...], delimiter: str, n_skipped: int, note_broken: pacsv.InvalidRow, tell: Tell
) -> list[pa.RecordBatch]:
    """Return the file block by block, so that somebody can be told how far it is."""
    size = path.stat().st_size
    batches, n_rows = [], 0
    with pa.OSFile(str(path)) as file:
        reader = pacsv.open_csv(
            file,
            read_options=pacsv.ReadOptions(
                use_threads=False, column_names=list(names), skip_rows=n_skipped, block_size=BLOCK_BYTES
            ),
            parse_options=pacsv.ParseOptions(
                delimiter=delimiter, invalid_row_handler=note_broken, ignore_empty_lines=False
            ),
            convert_options=pacsv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False, check_utf8=True
            ),
        )
        for batch in reader:
            batches.append(batch)
            n_rows += len(batch)
            check_rows(n_rows)
            tell("Reading", min(file.tell(), size), size)
    return batches


def _check_head(name: str, head: bytes) -> None:
    """Refuse what is no text before a parser meets it."""
    if not head.strip():
        raise MarketDataError(f"{name} is empty.")
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise MarketDataError(f"{name} is UTF-16; save it as UTF-8.")
    if b"\n" not in head and len(head) >= HEAD_BYTES:
        raise MarketDataError(f"{name} has a first line of more than 64 KB; it is not a CSV of candles.")
    if b"\n" not in head.strip():
        raise MarketDataError(f"{name} has a single line; a header and rows are needed.")


def _check_text(path: Path) -> None:
    """Refuse bytes that are no UTF-8 text, and lines that no row of candles fills, with the row they are in."""
    decoder, row, length = codecs.getincrementaldecoder("utf-8")(), 1, 0
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
                raise MarketDataError(f"Row {row}: {path.name} holds NUL bytes here; it is not CSV text.")
            end = chunk.find(b"\n")
            length += len(chunk) if end < 0 else end
            if length > LONGEST_LINE:
                raise MarketDataError(f"Row {row}: the line is longer than {LONGEST_LINE:,} bytes; it is not a candle.")
            row += chunk.count(b"\n")
            if end >= 0:
                length = len(chunk) - chunk.rindex(b"\n") - 1


def _delimiter(head: bytes) -> str:
    """Return the separator of the first row: semicolon or tab, where it sets off five columns, else the most used."""
    first = head.split(b"\n", 1)[0].decode("utf-8", "replace")
    # Without a header, decimal commas in the first row may be as many as what separates it.
    surely = (delimiter for delimiter in (";", "\t") if first.count(delimiter) >= LEAST_NUMBERS)
    return next(surely, max(_DELIMITERS, key=first.count))


def _first_row(head: bytes, delimiter: str) -> list[str]:
    """Return the first row's cells, cleaned: names, unless they are candles already."""
    text = head.decode("utf-8-sig", "replace").split("\n", 1)[0].rstrip("\r")
    cells = [cell.strip().strip('"').strip() for cell in text.split(delimiter)]
    if not any(cells):
        raise MarketDataError("The first row is empty; it must name the columns: timestamp,open,high,low,close,volume.")
    return cells


def _is_data(cells: list[str]) -> bool:
    """Whether a first row is one of candles: numbers, besides what begins with a digit as a date and a clock do."""
    others = [cell for cell in cells if cell and not is_number(cell)]
    n_numbers = sum(map(is_number, cells))
    return n_numbers >= LEAST_NUMBERS and all(cell[0].isdecimal() for cell in others)


def _rows_before_blank_end(columns: list[pa.StringArray], first_row: int) -> int:
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
        raise ImportRefused([f"Row {row + first_row}: the row is empty." for row in blank[:ERRORS_SHOWN]], len(blank))
    return n_rows
