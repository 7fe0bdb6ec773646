"""A file's columns as text, whatever the file's format: what a reader brings, and what is checked before bars."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pyarrow as pa

from algotrade.errors import MarketDataError

MAX_BYTES = 512 << 20
"""Largest file that is read, and most that a compressed one may hold."""
MAX_ROWS = 5_000_000
MAX_COLUMNS = 1_000
ERRORS_SHOWN = 20

Tell = Callable[[str, int, int], None]
"""Hears what is being done, and how much of how much of it is done."""


def tell_nobody(_phase: str, _done: int, _total: int) -> None:
    """Hear nothing."""


class ImportRefused(MarketDataError):
    """A file that cannot be taken.

    Attributes:
        errors: a line for each of the first faults.
        total: how many faults there are.
    """

    def __init__(self, errors: Sequence[str], total: int | None = None) -> None:
        self.errors = list(errors[:ERRORS_SHOWN])
        self.total = total or len(errors)
        more = f"\n… and {self.total - len(self.errors):,} more." if self.total > len(self.errors) else ""
        super().__init__("\n".join(self.errors) + more)


@dataclass(frozen=True, slots=True)
class Table:
    """Columns of text, as a file has them.

    Attributes:
        columns: one string array per column name, all of one length.
        first_row: the number of the first data row: as an editor shows it, or 1 where no header is a row.
        format: CSV or Parquet, with what else was detected, for people.
        names: every column that the file has; a reader may leave out those that are no candles.
        has_header: whether the file names its columns; where not, they are called by their place.
        has_decimal_comma: whether its prices and volumes have a comma before their decimals.
    """

    columns: dict[str, pa.StringArray]
    first_row: int
    format: str
    names: tuple[str, ...]
    has_header: bool = True
    has_decimal_comma: bool = False

    @property
    def n_rows(self) -> int:
        """How many rows of data."""
        return len(next(iter(self.columns.values())))


def unnamed(place: int) -> str:
    """Return what a column without a name is called, by its place, from 1."""
    return f"(column {place})"


def all_named(names: Sequence[str]) -> tuple[str, ...]:
    """Return the names of a file's columns, with one for each that has none; raises as `check_names`."""
    called = tuple(name or unnamed(place) for place, name in enumerate(names, start=1))
    check_names(called)
    return called


def check_names(names: Sequence[str]) -> None:
    """Refuse columns that cannot be told apart, or far too many.

    Raises:
        MarketDataError: there are more than MAX_COLUMNS, or one name occurs twice.
    """
    if len(names) > MAX_COLUMNS:
        raise MarketDataError(f"The file has {len(names):,} columns; candles have six.")
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise MarketDataError(
            f"The header names {', '.join(repr(name[:60]) for name in repeated[:10])} more than once."
        )


def check_rows(n_rows: int) -> None:
    """Refuse more rows than are read.

    Raises:
        MarketDataError: there are more than MAX_ROWS.
    """
    if n_rows > MAX_ROWS:
        raise MarketDataError(f"The file has {n_rows:,} rows or more; at most {MAX_ROWS:,} are read.")
