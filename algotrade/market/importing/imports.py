"""Candles come in: a file is read, checked whole, and stored, or refused with every reason and without a trace.

`csv_files` and `parquet_files` know formats, `rows` knows what a bar is; here they are put together, the same for a
file that somebody uploads, a program posts, or a command names.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from algotrade.errors import MarketDataError
from algotrade.market.bars import Bars, timeframe_ns
from algotrade.market.calendar import Gap, empty_days, find_gaps, trades_on_weekends
from algotrade.market.importing.columns import PRICES, check_columns, find_columns, find_in, index_column
from algotrade.market.importing.csv_files import HEAD_BYTES, read_csv
from algotrade.market.importing.numerals import has_decimal_comma
from algotrade.market.importing.parquet_files import MAGIC, parquet_names, read_parquet
from algotrade.market.importing.rows import Parsed, parse
from algotrade.market.importing.tables import MAX_BYTES, ImportRefused, Table, Tell, tell_nobody
from algotrade.market.instruments import DEFAULT_LOT_SIZE, Instrument
from algotrade.market.store import CandleStore, Dataset
from algotrade.market.ticks import guess_tick
from algotrade.market.versions import Changes
from algotrade.market.zones import UTC_NAME, zone

__all__ = ["ImportOptions", "ImportRefused", "ImportReport", "import_candles", "read_table", "take"]

_ARCHIVES = {
    b"PK\x03\x04": "a ZIP archive",
    b"PK\x05\x06": "a ZIP archive",
    b"\x1f\x8b": "a gzip archive",
    b"BZh": "a bzip2 archive",
    b"\xfd7zXZ": "an xz archive",
    b"7z\xbc\xaf": "a 7-Zip archive",
    b"Rar!": "a RAR archive",
    b"\x28\xb5\x2f\xfd": "a Zstandard archive",
    b"\x04\x22\x4d\x18": "an LZ4 archive",
    b"\x1f\x9d": "a compressed archive",
}
_TAR_AT, _TAR = 257, b"ustar"


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """What a person says of a file.

    Attributes:
        asset: what is traded, such as SPY.
        exchange: where; with asset and timeframe it names the dataset.
        timeframe: duration of a bar, such as 1h.
        tick_size: price step, quote currency; None takes the one that nearly all prices keep.
        lot_size: quantity step, units of the asset.
        currency: what prices are in.
        time_zone: where the clock stood that showed times without an offset.
        calendar: the zone whose midnights begin the dataset's days.
        columns: column by role, where the detected one is wrong.
    """

    asset: str
    exchange: str
    timeframe: str
    tick_size: float | None = None
    lot_size: float = DEFAULT_LOT_SIZE
    currency: str = "USD"
    time_zone: str = UTC_NAME
    calendar: str = UTC_NAME
    columns: Mapping[str, str] = field(default_factory=dict)

    def check(self) -> None:
        """Refuse values that no file could make right.

        Raises:
            MarketDataError: one is out of bounds; the message names it.
        """
        timeframe_ns(self.timeframe)
        self.instrument(1.0 if self.tick_size is None else self.tick_size)
        zone(self.time_zone)
        zone(self.calendar)

    def instrument(self, tick_size: float) -> Instrument:
        """Return what is traded."""
        return Instrument(
            asset=self.asset,
            exchange=self.exchange,
            tick_size=tick_size,
            lot_size=self.lot_size,
            currency=self.currency,
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the options as JSON has them."""
        return {**asdict(self), "columns": dict(self.columns)}


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What came of an import, for people.

    Attributes:
        dataset: what is stored.
        is_new: whether a new version was made; False when the very same bars were there.
        changes: how it differs from the version before; None when there was none.
        gaps: bars missing between a day's first and last, or days missing in daily bars of a market that never closes.
        empty_days_ns: days without any bar, midnights of the calendar as if they were UTC.
        trades_on_weekends: whether Saturdays or Sundays usually have bars.
        n_duplicates: rows that repeated an earlier one and were left out.
        notes: what was assumed or mended, a sentence each.
    """

    dataset: Dataset
    is_new: bool
    changes: Changes | None
    gaps: list[Gap]
    empty_days_ns: list[int]
    trades_on_weekends: bool
    n_duplicates: int
    notes: list[str] = field(default_factory=list)


def import_candles(
    path: Path,
    store: CandleStore,
    *,
    tell: Tell = tell_nobody,
    may_store: Callable[[], bool] = lambda: True,
    source: str = "",
    **options: Any,
) -> ImportReport:
    """Check a file and store its candles.

    Args:
        path: the file, CSV or Parquet.
        store: where the candles go.
        tell: hears how far it is.
        may_store: asked once everything is good; when it says no, nothing is stored.
        source: what people are told that the candles came from; the file's name by default.
        options: the fields of `ImportOptions`.

    Raises:
        MarketDataError: the file, a row or a name is not acceptable, or storing was not wanted; nothing was stored.
    """
    asked = ImportOptions(**options)
    asked.check()
    asked = replace(asked, timeframe=store.timeframe_of(asked.asset, asked.exchange, asked.timeframe))
    table, found = read_table(path, asked.columns, tell)
    parsed, tick_size = take(table, found, asked, tell)
    if not may_store():
        raise MarketDataError("The import was cancelled; nothing was stored.")
    tell("Storing", 0, 1)
    instrument = asked.instrument(tick_size)
    there = store.newest(asked.asset, asked.exchange, asked.timeframe)
    dataset = store.add(parsed.bars, instrument, asked.timeframe, source=source or path.name, calendar=asked.calendar)
    step_ns = timeframe_ns(asked.timeframe)
    return ImportReport(
        dataset=dataset,
        is_new=there is None or there.version != dataset.version,
        changes=None if there is None or there.version == dataset.version else dataset.history.changes,
        gaps=find_gaps(parsed.bars.time, step_ns, asked.calendar),
        empty_days_ns=empty_days(parsed.bars.time, step_ns, asked.calendar),
        trades_on_weekends=trades_on_weekends(parsed.bars.time, asked.calendar),
        n_duplicates=parsed.n_duplicates,
        notes=parsed.notes,
    )


def take(
    table: Table, found: Mapping[str, str], asked: ImportOptions, tell: Tell = tell_nobody
) -> tuple[Parsed, float]:
    """Return the bars of a table, checked, and their tick size; raises as `import_candles`."""
    parsed = parse(table, found, asked.time_zone, tell)
    _check_grid(parsed.bars, asked.timeframe, parsed.notes)
    if asked.tick_size is not None:
        return parsed, asked.tick_size
    tick = guess_tick(parsed.bars)
    parsed.notes.append(tick.note)
    return parsed, tick.size


def read_table(
    path: Path, columns: Mapping[str, str] | None = None, tell: Tell = tell_nobody
) -> tuple[Table, dict[str, str]]:
    """Read a file's columns as text, and find which is what.

    Raises:
        MarketDataError: it is missing, too large, an archive, or neither CSV nor Parquet.
    """
    head = _head(path)
    if head.startswith(MAGIC):
        names = parquet_names(path)
        found = find_columns(names, columns)
        index = index_column(names, found, columns)
        check_columns({"time": index, **found} if index else found, names)
        table = read_parquet(path, frozenset((*found.values(), *([index] if index else ()))), tell)
        return table, find_in(table, columns)
    table = read_csv(path, head, tell)
    found = find_in(table, columns)
    prices = [table.columns[found[name]] for name in PRICES if name in found]
    if has_decimal_comma(prices, is_comma_separated="comma" in table.format):
        table = replace(table, format=f"{table.format}, decimal comma", has_decimal_comma=True)
    return table, found


def _head(path: Path) -> bytes:
    """Return how a file begins.

    Raises:
        MarketDataError: it cannot be read, is too large, or is an archive.
    """
    try:
        size = path.stat().st_size
        if not path.is_file():
            raise MarketDataError(f"{path.name} is not a file.")
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
    except OSError as error:
        raise MarketDataError(f"{path.name} cannot be read: {error.strerror}.") from error
    if size > MAX_BYTES:
        raise MarketDataError(f"{path.name} has {size:,} bytes; at most {MAX_BYTES:,} are read.")
    archive = next((words for magic, words in _ARCHIVES.items() if head.startswith(magic)), "")
    if archive or head[_TAR_AT:].startswith(_TAR):
        raise MarketDataError(f"{path.name} is {archive or 'a tar archive'}; unpack it first.")
    return head


def _check_grid(bars: Bars, timeframe: str, notes: list[str]) -> None:
    """Refuse bars that are closer than the timeframe; tell when most are farther apart."""
    step_ns = timeframe_ns(timeframe)
    if len(bars) < 2:
        return
    step = np.diff(bars.time)
    close = np.flatnonzero(step < step_ns)
    if len(close) > len(step) // 100:
        raise MarketDataError(
            f"The bars are {_duration_text(int(np.median(step)))} apart, which is less than the timeframe {timeframe}."
        )
    if len(close):
        notes.append(f"{len(close):,} bars come less than {timeframe} after the one before.")
    if int(np.median(step)) > step_ns:
        notes.append(
            f"Most bars are {_duration_text(int(np.median(step)))} apart, more than the timeframe {timeframe}."
        )


def _duration_text(nanoseconds: int) -> str:
    return str(pa.scalar(nanoseconds, pa.duration("ns")).cast(pa.duration("s")).as_py())
