"""Merging of fetched bars: checked as an import is, joined with what the store has, stored aside."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from algotrade.errors import MarketDataError
from algotrade.market.bars import COLUMNS, Bars, timeframe_ns
from algotrade.market.importing.columns import find_columns
from algotrade.market.importing.rows import parse
from algotrade.market.importing.tables import ImportRefused, Table
from algotrade.market.instruments import Instrument
from algotrade.market.store import CandleStore, Dataset
from algotrade.market.ticks import guess_tick, step_text
from algotrade.market.vendors.download import Fetched, missing_times
from algotrade.market.vendors.spec import DownloadSpec
from algotrade.market.zones import UTC_NAME
from algotrade.ports import Json

RANGES_TOLD = 50
"""Ranges of missing bars that a result names, the longest ones."""


@dataclass(frozen=True, slots=True)
class Merged:
    """The version that a download makes, not yet the dataset's newest.

    Attributes:
        dataset: in the store that was written aside.
        base: the version that it continues; None when there was none.
        facts: for people: n_fetched, n_added, n_changed, n_missing, missing (ranges), notes.
    """

    dataset: Dataset
    base: str | None
    facts: Json

    def to_dict(self) -> Json:
        """Return JSON types; `dataset_of` finds the dataset again."""
        return {"dataset": self.dataset.to_dict(), "path": str(self.dataset.path), "base": self.base, **self.facts}


def merge(fetched: Fetched, spec: DownloadSpec, store: CandleStore, aside: CandleStore, source: str) -> Merged:
    """Check the bars, join them with the dataset's newest version, and store the outcome aside.

    A bar that the dataset has already is replaced: the exchange knows better what it was.

    Args:
        fetched: what the download brought.
        spec: what was asked.
        store: where the dataset may be.
        aside: where the new version goes.
        source: whom the candles are from, for people.

    Raises:
        MarketDataError: a bar is none that an import would take.
    """
    bars, tick_size, notes = checked(fetched, spec)
    listed = fetched.instrument
    instrument = Instrument(listed.asset, listed.exchange, tick_size, listed.lot_size, listed.currency)
    with store.undisturbed():
        base = store.newest(spec.asset, spec.exchange, spec.timeframe)
        stored = store.load(base) if base else None
    facts: Json = {"n_fetched": len(bars), "n_added": len(bars), "n_changed": 0}
    if stored is not None:
        facts |= _compared(stored, bars)
        bars = joined(stored, bars)
    calendar = base.calendar if base else UTC_NAME
    timeframe = base.timeframe if base else spec.timeframe
    dataset = aside.add(bars, instrument, timeframe, source=source, calendar=calendar)
    missing = missing_times(fetched.rows, spec)
    facts |= {"n_missing": len(missing), "missing": _ranges(missing, timeframe_ns(spec.timeframe)), "notes": notes}
    return Merged(dataset, base.version if base else None, facts)


def dataset_of(merged: Json) -> Dataset:
    """Return the dataset that `Merged.to_dict` describes."""
    return Dataset.from_dict(merged["dataset"], Path(merged["path"]))


def checked(fetched: Fetched, spec: DownloadSpec) -> tuple[Bars, float, list[str]]:
    """Return the bars, their tick size, and notes, after the checks that a file goes through.

    Raises:
        MarketDataError: a bar is none that an import would take, or bars are closer than the timeframe.
    """
    table = _as_table(fetched)
    found = find_columns(table.names)
    try:
        bars = parse(table, found).bars
    except ImportRefused as error:
        raise MarketDataError(f"The exchange has impossible bars.\n{error}") from error
    step_ns = timeframe_ns(spec.timeframe)
    closest = int(np.diff(bars.time).min()) if len(bars) > 1 else step_ns
    if closest < step_ns:
        raise MarketDataError(
            f"The exchange has bars that are {closest / 1e9:,.0f} s apart, less than the timeframe {spec.timeframe}."
        )
    stated, seen = fetched.instrument.tick_size, guess_tick(bars)
    if seen.share and seen.size < stated:
        note = f"Tick size {step_text(seen.size)}, as seen in the prices; the exchange says {step_text(stated)}."
        return bars, seen.size, [note]
    return bars, stated, []


def joined(stored: Bars, fresh: Bars) -> Bars:
    """Return both, in order of time; of two bars of one time the fresh one."""
    kept = ~np.isin(stored.time, fresh.time)
    time = np.concatenate([stored.time[kept], fresh.time])
    order = np.argsort(time, kind="stable")
    columns = (np.concatenate([getattr(stored, name)[kept], getattr(fresh, name)])[order] for name in COLUMNS)
    return Bars(time[order], *columns)


def _compared(stored: Bars, fresh: Bars) -> Json:
    """Return how many bars are new, and how many were others before."""
    _, old, new = np.intersect1d(stored.time, fresh.time, assume_unique=True, return_indices=True)
    differs = np.zeros(len(old), bool)
    for name in COLUMNS:
        differs |= getattr(stored, name)[old] != getattr(fresh, name)[new]
    return {"n_added": len(fresh) - len(new), "n_changed": int(differs.sum())}


def _as_table(fetched: Fetched) -> Table:
    """Return the rows as a file would have them: texts, from which the very same numbers are read."""
    rows = fetched.rows
    columns: dict[str, Any] = {"time": pa.array(rows[:, 0].astype(np.int64)).cast(pa.string())}
    for at, name in enumerate(COLUMNS, 1):
        columns[name] = pa.array(np.ascontiguousarray(rows[:, at])).cast(pa.string())
    return Table(columns, first_row=1, format="download", names=tuple(columns))


def _ranges(missing: NDArray[np.int64], step_ns: int) -> list[Json]:
    """Return the longest ranges of missing bars, in order: time of the first and the last bar, and how many."""
    if not len(missing):
        return []
    breaks = np.flatnonzero(np.diff(missing) > step_ns)
    first, last = np.append(0, breaks + 1), np.append(breaks, len(missing) - 1)
    longest = np.sort(np.argsort(first - last, kind="stable")[:RANGES_TOLD])
    return [
        {"first_ns": int(missing[begin]), "last_ns": int(missing[end]), "n_bars": int(end - begin) + 1}
        for begin, end in zip(first[longest], last[longest], strict=True)
    ]
