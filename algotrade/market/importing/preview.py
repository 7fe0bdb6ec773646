"""Preview of a file, before anything is stored: what was detected, first and last rows, what is wrong."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from algotrade.errors import MarketDataError
from algotrade.market.bars import timeframe_name, timeframe_ns
from algotrade.market.calendar import empty_days, find_gaps, trades_on_weekends
from algotrade.market.importing.columns import check_columns
from algotrade.market.importing.imports import ImportOptions, read_table, take
from algotrade.market.importing.rows import Parsed, read_times
from algotrade.market.importing.tables import ImportRefused, Table, Tell, tell_nobody
from algotrade.market.store import CandleStore
from algotrade.market.versions import Changes, compare

ROWS_SHOWN = 5
COLUMNS_SHOWN = 12
CELL_CHARACTERS = 40
NAMES_SHOWN = 200
_TIMEFRAME = re.compile(r"[0-9]{1,5}[smhdw]")
_STAND_IN = "X"
"""A name to check rows under while nobody gave one."""


@dataclass(frozen=True, slots=True)
class Guess:
    """What a file's name tells; empty where it tells nothing."""

    asset: str = ""
    exchange: str = ""
    timeframe: str = ""


@dataclass(frozen=True, slots=True)
class Preview:
    """What a file holds, fit for JSON.

    Attributes:
        format: CSV or Parquet, and how it is separated.
        names: the file's columns.
        found: column by role.
        shown: the columns of `head` and `tail`.
        head, tail: number and cells of the first and last rows.
        n_rows: rows of data.
        needs_zone: whether times have no offset, so that their zone matters.
        time_note: how times were read.
        timeframe: the distance of most bars; empty when it is no timeframe.
        tick_size: the step that nearly all prices keep, or that was named; None while there are faults.
        errors: the first faults.
        n_errors: how many faults there are.
        n_bars, first_ns, last_ns: what would be stored; 0 while there are faults.
        n_gaps, n_missing_bars, n_empty_weekdays: gaps, bars missing in them, days without bars.
        trades_on_weekends: whether Saturdays or Sundays usually have bars.
        n_duplicates: rows left out because they repeat others.
        notes: what was assumed or mended.
        replaces: bars of the dataset of that name; None when there is none.
        changes: what the import does to that one; None when nothing changes.
    """

    format: str
    names: list[str]
    found: dict[str, str]
    shown: list[str]
    head: list[tuple[int, list[str]]]
    tail: list[tuple[int, list[str]]]
    n_rows: int
    needs_zone: bool = False
    time_note: str = ""
    timeframe: str = ""
    tick_size: float | None = None
    errors: list[str] = field(default_factory=list)
    n_errors: int = 0
    n_bars: int = 0
    first_ns: int = 0
    last_ns: int = 0
    n_gaps: int = 0
    n_missing_bars: int = 0
    n_empty_weekdays: int = 0
    trades_on_weekends: bool = False
    n_duplicates: int = 0
    notes: list[str] = field(default_factory=list)
    replaces: int | None = None
    changes: Changes | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Preview":
        """Build it from what `to_dict` made."""
        changes = data.get("changes")
        return cls(**{**data, "changes": Changes(**changes) if changes else None})


def guess(file_name: str) -> Guess:
    """Return what a file's name tells: SPY-1h.csv, or SPY-NYSE-1h.csv as datasets are called here."""
    parts = [part for part in re.split(r"[-_ .]", Path(file_name).stem) if part]
    timeframe = next((part.lower() for part in parts[1:] if _TIMEFRAME.fullmatch(part.lower())), "")
    asset = parts[0] if parts and re.fullmatch(r"[A-Za-z0-9]{1,40}", parts[0]) else ""
    is_full = len(parts) == 3 and parts[2].lower() == timeframe and parts[1].isalnum()
    return Guess(asset, parts[1] if is_full else "", timeframe)


def inspect(path: Path, store: CandleStore, options: Mapping[str, Any], tell: Tell = tell_nobody) -> Preview:
    """Look through a whole file, and store nothing.

    Args:
        path: the file.
        store: where the candles would go.
        options: fields of `ImportOptions` as far as they are known.
        tell: hears how far it is.

    Raises:
        MarketDataError: there are no columns to show: it is no file of candles whatever one says of it.
    """
    table, found = read_table(path, options.get("columns"), tell)
    preview = _shown(table, found)
    asked = ImportOptions(**{"asset": _STAND_IN, "exchange": _STAND_IN, "timeframe": "1d", **options})
    try:
        check_columns(found, table.names)
        times = read_times(table, found, asked.time_zone)
    except MarketDataError as error:
        return replace(preview, errors=[str(error)], n_errors=1)
    detected = _timeframe(times.time)
    preview = replace(preview, needs_zone=times.needs_zone, time_note=times.note, timeframe=detected)
    if not options.get("timeframe"):
        asked = replace(asked, timeframe=detected or "1s")
    try:
        asked.check()
        parsed, tick_size = take(table, found, asked, tell)
    except ImportRefused as error:
        return replace(preview, errors=error.errors, n_errors=error.total)
    except MarketDataError as error:
        return replace(preview, errors=[str(error)], n_errors=1)
    return _with_bars(preview, parsed, tick_size, asked, store)


def _with_bars(preview: Preview, parsed: Parsed, tick_size: float, asked: ImportOptions, store: CandleStore) -> Preview:
    time = parsed.bars.time
    step_ns = timeframe_ns(asked.timeframe)
    gaps = find_gaps(time, step_ns, asked.calendar)
    there = store.newest(asked.asset, asked.exchange, asked.timeframe)
    changes = None
    if there is not None:
        try:
            changes = compare(store.load(there), parsed.bars)
        except MarketDataError:
            there = None  # damaged: whatever comes mends it
    return replace(
        preview,
        tick_size=tick_size,
        n_bars=len(time),
        first_ns=int(time[0]),
        last_ns=int(time[-1]),
        n_gaps=len(gaps),
        n_missing_bars=sum(gap.n_missing for gap in gaps),
        n_empty_weekdays=len(empty_days(time, step_ns, asked.calendar)),
        trades_on_weekends=trades_on_weekends(time, asked.calendar),
        n_duplicates=parsed.n_duplicates,
        notes=parsed.notes,
        replaces=None if there is None else there.n_bars,
        changes=changes if changes is not None and any(asdict(changes).values()) else None,
    )


def _shown(table: Table, found: Mapping[str, str]) -> Preview:
    wanted = [name for name in found.values() if name in table.columns]
    others = [name for name in table.columns if name not in wanted]
    chosen = set((wanted + others)[:COLUMNS_SHOWN])
    shown = [name for name in table.columns if name in chosen]
    last = max(ROWS_SHOWN, table.n_rows - ROWS_SHOWN)
    return Preview(
        format=table.format,
        names=[name[:100] for name in table.names[:NAMES_SHOWN]],
        found=dict(found),
        shown=shown,
        head=[_cells(table, shown, row) for row in range(min(ROWS_SHOWN, table.n_rows))],
        tail=[_cells(table, shown, row) for row in range(last, table.n_rows)],
        n_rows=table.n_rows,
    )


def _cells(table: Table, shown: list[str], row: int) -> tuple[int, list[str]]:
    texts = [str(table.columns[name][row].as_py()) for name in shown]
    return table.first_row + row, [
        text if len(text) <= CELL_CHARACTERS else text[: CELL_CHARACTERS - 1] + "…" for text in texts
    ]


def _timeframe(time: NDArray[np.int64]) -> str:
    """Return the distance at which most bars follow each other."""
    steps, counts = np.unique(np.abs(np.diff(time)), return_counts=True)
    counts = counts[steps > 0]
    steps = steps[steps > 0]
    return timeframe_name(int(steps[np.argmax(counts)])) if len(steps) else ""
