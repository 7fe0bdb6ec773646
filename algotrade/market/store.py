"""Candles on disk: immutable versions named by their content, memory-mapped, written whole or not at all.

    <root>/<asset>-<exchange>-<timeframe>/      a hyphen of the exchange is written ~
        <version>.arrow     Arrow IPC file, uncompressed, one record batch: each column is one contiguous map
        <version>.json      what is known of it
        current.json        which version is the newest

Bars never change under a run: a changed import is a new version, and runs pin theirs.
"""

import hashlib
import json
import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import pyarrow as pa

from algotrade.errors import MarketDataError
from algotrade.market.bars import COLUMNS, Bars, timeframe_ns
from algotrade.market.calendar import empty_weekdays, find_gaps, trading_days_per_year
from algotrade.market.instruments import Instrument

_SCHEMA = pa.schema([("time", pa.int64()), *((name, pa.float64()) for name in COLUMNS)])


@dataclass(frozen=True, slots=True)
class Dataset:
    """One version of one asset's candles.

    Attributes:
        asset, exchange, timeframe: its name.
        version: SHA-256 (hex) of times and columns.
        n_bars: how many bars.
        first_ns, last_ns: UTC ns, open of the first and the last bar.
        instrument: tick, lot, currency.
        n_gaps, n_missing_bars: gaps inside days, and the bars missing in them.
        n_empty_weekdays: weekdays without any bar.
        days_per_year: observed trading days of a year.
        size_bytes: of the file.
        synthetic: whether it was generated, not observed.
        source: where it came from, for people.
        path: the Arrow file.
    """

    asset: str
    exchange: str
    timeframe: str
    version: str
    n_bars: int
    first_ns: int
    last_ns: int
    instrument: Instrument
    n_gaps: int
    n_missing_bars: int
    n_empty_weekdays: int
    days_per_year: float
    size_bytes: int
    synthetic: bool
    source: str
    path: Path

    @property
    def slug(self) -> str:
        """SPY-NYSE-1h."""
        return f"{self.asset}-{self.exchange}-{self.timeframe}"

    @property
    def label(self) -> str:
        """SPY 1h."""
        return f"{self.asset} {self.timeframe}"

    def to_dict(self) -> dict[str, Any]:
        """Return what is stored beside the candles."""
        out: dict[str, Any] = {
            name: getattr(self, name) for name in self.__slots__ if name not in ("instrument", "path")
        }
        return {**out, "instrument": self.instrument.to_dict()}

    @classmethod
    def from_dict(cls, data: dict[str, Any], path: Path) -> Self:
        """Build a dataset from `to_dict`'s output and the file's place."""
        instrument = Instrument(asset=data["asset"], exchange=data["exchange"], **data["instrument"])
        return cls(**{**data, "instrument": instrument, "path": path})


class CandleStore:
    """All candles of one installation. Safe to use from several threads and processes."""

    def __init__(self, root: Path) -> None:
        """Keep candles below `root`, which is made when the first ones come."""
        self.root = root
        self._known: dict[Path, tuple[tuple[int, int], Dataset]] = {}

    def datasets(self) -> list[Dataset]:
        """Return the newest version of every dataset, by asset, timeframe and exchange, but for the damaged ones."""
        return self.survey()[0]

    def survey(self) -> tuple[list[Dataset], list[str]]:
        """Return the datasets, and what is wrong with those that cannot be read: one damaged file hides no other."""
        found, problems = [], []
        for folder in sorted(self.root.glob("*")):
            if (folder / "current.json").is_file():
                try:
                    found.append(self._current(folder))
                except MarketDataError as error:
                    problems.append(str(error))
        return sorted(found, key=lambda d: (d.asset, timeframe_ns(d.timeframe), d.exchange)), problems

    def get(self, asset: str, exchange: str, timeframe: str, version: str | None = None) -> Dataset:
        """Return a dataset, its newest version or the one asked for.

        Raises:
            MarketDataError: there is none; the message names those that exist.
        """
        folder = self._folder(asset, exchange, timeframe)
        if folder is None or not (folder / "current.json").is_file():
            names = ", ".join(f"{d.label} ({d.exchange})" for d in self.datasets()) or "none yet"
            raise MarketDataError(f"There are no candles for {asset} {timeframe} on {exchange}. There are: {names}.")
        if version is None:
            return self._current(folder)
        if not version.isalnum() or not (folder / f"{version}.json").is_file():
            raise MarketDataError(f"The candles of {asset} {timeframe} have no version {version[:12]!r} any more.")
        return self._read(folder / f"{version}.json")

    def load(self, dataset: Dataset) -> Bars:
        """Return a dataset's bars, memory-mapped: every process shares one copy.

        Raises:
            MarketDataError: the file is missing or damaged.
        """
        try:
            bars = _read_arrow(dataset.path)
        except (OSError, pa.ArrowException) as error:
            raise MarketDataError(f"The candles of {dataset.slug} cannot be read: {error}.") from error
        if len(bars) != dataset.n_bars:
            raise MarketDataError(
                f"The candles of {dataset.slug} are damaged: {len(bars):,} bars where {dataset.n_bars:,} were stored."
            )
        return bars

    def verify(self, dataset: Dataset) -> None:
        """Read every byte of a dataset and compare it with its version.

        Raises:
            MarketDataError: the file is damaged.
        """
        if content_hash(self.load(dataset)) != dataset.version:
            raise MarketDataError(f"The candles of {dataset.slug} are damaged: their bytes do not match their version.")

    def add(
        self, bars: Bars, instrument: Instrument, timeframe: str, *, synthetic: bool = False, source: str = ""
    ) -> Dataset:
        """Store bars as the newest version; the same bars again make no new file.

        Raises:
            MarketDataError: there are no bars, or times do not increase, or a name is not allowed.
            OSError: the disk is full or not writable; nothing of the new version is visible then.
        """
        step_ns = timeframe_ns(timeframe)
        if not len(bars):
            raise MarketDataError("There is no bar to store.")
        if len(bars) > 1 and int(np.diff(bars.time).min()) <= 0:
            raise MarketDataError("The times of bars must increase.")
        folder = self.root / _folder_name(instrument.asset, instrument.exchange, timeframe)
        folder.mkdir(parents=True, exist_ok=True)
        version = content_hash(bars)
        path = folder / f"{version}.arrow"
        if not _holds(path, version):
            _write_aside(path, lambda file: _write_arrow(bars, file))
        gaps = find_gaps(bars.time, step_ns)
        dataset = Dataset(
            asset=instrument.asset,
            exchange=instrument.exchange,
            timeframe=timeframe,
            version=version,
            n_bars=len(bars),
            first_ns=int(bars.time[0]),
            last_ns=int(bars.time[-1]),
            instrument=instrument,
            n_gaps=len(gaps),
            n_missing_bars=sum(gap.n_missing for gap in gaps),
            n_empty_weekdays=len(empty_weekdays(bars.time)),
            days_per_year=trading_days_per_year(bars.time),
            size_bytes=path.stat().st_size,
            synthetic=synthetic,
            source=source,
            path=path,
        )
        text = json.dumps(dataset.to_dict(), indent=1).encode()
        _write_aside(folder / f"{version}.json", lambda file: file.write(text))
        _write_aside(folder / "current.json", lambda file: file.write(text))
        return dataset

    def _folder(self, asset: str, exchange: str, timeframe: str) -> Path | None:
        """Return the folder of a name, or None for a name that no stored dataset can have (`../x`)."""
        try:
            Instrument(asset=asset, exchange=exchange, tick_size=1.0)
            timeframe_ns(timeframe)
        except MarketDataError:
            return None
        return self.root / _folder_name(asset, exchange, timeframe)

    def _current(self, folder: Path) -> Dataset:
        return self._read(folder / "current.json")

    def _read(self, path: Path) -> Dataset:
        """Return the dataset that a JSON file describes, from memory while the file has not changed."""
        try:
            status = path.stat()
            # Two versions may come within one tick of the file system's clock: the inode tells them apart.
            stamp = (status.st_mtime_ns, status.st_ino)
            known = self._known.get(path)
            if known is not None and known[0] == stamp:
                return known[1]
            data = json.loads(path.read_text())
            dataset = Dataset.from_dict(data, path.with_name(f"{data['version']}.arrow"))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise MarketDataError(f"{path.name} of {path.parent.name} is damaged: {error}.") from error
        self._known[path] = (stamp, dataset)
        return dataset


def _folder_name(asset: str, exchange: str, timeframe: str) -> str:
    """Return the name that only this dataset has: BTC-USD on X and BTC on USD-X are two."""
    return f"{asset}-{exchange.replace('-', '~')}-{timeframe}"


def content_hash(bars: Bars) -> str:
    """Return the SHA-256 (hex) of the six columns, little-endian, in the order time, open, high, low, close, volume."""
    digest = hashlib.sha256()
    for name in ("time", *COLUMNS):
        column = getattr(bars, name)
        digest.update(memoryview(column.astype(column.dtype.newbyteorder("<"), copy=False)).cast("B"))
    return digest.hexdigest()


def _read_arrow(path: Path) -> Bars:
    """Return a file's bars, memory-mapped."""
    with pa.memory_map(str(path)) as source:
        table = pa.ipc.open_file(source).read_all()
    if table.schema != _SCHEMA or table["time"].num_chunks != 1:
        raise pa.ArrowInvalid(f"{path.name} has other columns")
    return Bars(*(table[name].chunk(0).to_numpy(zero_copy_only=True) for name in ("time", *COLUMNS)))


def _holds(path: Path, version: str) -> bool:
    """Whether the file is there and whole: candles that are imported again mend a damaged one."""
    try:
        return content_hash(_read_arrow(path)) == version
    except (OSError, pa.ArrowException):
        return False


def _write_arrow(bars: Bars, file: Any) -> None:
    arrays = [pa.array(getattr(bars, name)) for name in ("time", *COLUMNS)]
    with pa.ipc.new_file(file, _SCHEMA) as writer:
        writer.write_batch(pa.record_batch(arrays, schema=_SCHEMA))


def _write_aside(path: Path, write: Callable[[Any], object]) -> None:
    """Write a file whole and durable, or not at all."""
    descriptor, name = tempfile.mkstemp(prefix=".new-", dir=path.parent)
    aside = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
