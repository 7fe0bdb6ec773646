"""Candles on disk: immutable versions named by their content, memory-mapped, written whole or not at all.

    <root>/<asset>-<exchange>-<timeframe>/      a hyphen of the exchange is written ~
        <version>.arrow     Arrow IPC file, uncompressed, one record batch: each column is one contiguous map
        <version>.json      what is known of it
        current.json        which version is the newest

Bars never change under a run: a changed import is a new version, and runs pin theirs. Whoever pins one, or writes one,
holds the store meanwhile (`holding`); a dataset is taken away only by who holds it alone.
"""

import contextlib
import json
import re
import secrets
import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
import pyarrow as pa

from algotrade.durable import NEW, sync_folder, write_aside
from algotrade.errors import MarketDataError, error_text
from algotrade.market.bar_files import content_hash, holds_version, read_bars, write_bars
from algotrade.market.bars import DAY_NS, Bars, timeframe_name, timeframe_ns
from algotrade.market.calendar import (
    LEAST_LONG_BARS,
    empty_days,
    find_gaps,
    long_bars_per_year,
    trading_days_per_year,
)
from algotrade.market.holding import StoreBusy, exclusive, one_writer, shared
from algotrade.market.instruments import Instrument
from algotrade.market.versions import NO_HISTORY, History, compare
from algotrade.market.zones import UTC_NAME

_DELETED = ".deleted-"
"""How the names of folders that are being deleted begin."""
VERSION = re.compile(r"[0-9a-f]{64}")


class DatasetChanged(MarketDataError):
    """Somebody else made a new version of the dataset that was to be continued; nothing was changed."""


@dataclass(frozen=True, slots=True)
class Dataset:
    """One version of one asset's candles.

    Attributes:
        asset, exchange, timeframe: its name.
        version: SHA-256 (hex) of times and columns.
        n_bars: how many bars.
        first_ns, last_ns: UTC ns, open of the first and the last bar.
        instrument: tick, lot, currency.
        n_gaps, n_missing_bars: gaps, and the bars missing in them.
        n_empty_weekdays: days without any bar, of weekdays that usually have some.
        days_per_year: observed trading days of a year.
        size_bytes: of the file.
        synthetic: whether it was generated, not observed.
        source: where it came from, for people.
        path: the Arrow file.
        calendar: the zone whose midnights begin its days.
        history: when it was stored, and what it did to the version before.
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
    calendar: str = UTC_NAME
    history: History = NO_HISTORY

    @property
    def key(self) -> str:
        """What only this dataset is called, fit for an address: SPY-NYSE-1h; a hyphen of the exchange is a tilde."""
        return _folder_name(self.asset, self.exchange, self.timeframe)

    @property
    def slug(self) -> str:
        """SPY-NYSE-1h."""
        return f"{self.asset}-{self.exchange}-{self.timeframe}"

    @property
    def label(self) -> str:
        return f"{self.asset} {self.timeframe}"

    def to_dict(self) -> dict[str, Any]:
        """Return what is stored beside the candles."""
        out: dict[str, Any] = {
            name: getattr(self, name) for name in self.__slots__ if name not in ("instrument", "path", "history")
        }
        return {**out, "instrument": self.instrument.to_dict(), "history": asdict(self.history)}

    @classmethod
    def from_dict(cls, data: dict[str, Any], path: Path) -> Self:
        """Build a dataset from `to_dict`'s output and the file's place."""
        instrument = Instrument(asset=data["asset"], exchange=data["exchange"], **data["instrument"])
        history = History.from_dict(data.get("history", {}))
        if timeframe_ns(data["timeframe"]) > DAY_NS and data["n_bars"] >= LEAST_LONG_BARS:
            # What was stored before bars longer than a day were counted themselves has 365.25 of them in a year.
            per_year = long_bars_per_year(data["n_bars"], data["first_ns"], data["last_ns"])
            data = {**data, "days_per_year": per_year}
        return cls(**{**data, "instrument": instrument, "history": history, "path": path})


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
            if not folder.name.startswith(".") and (folder / "current.json").is_file():
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
        if not VERSION.fullmatch(version):
            raise MarketDataError(f"There is no version {version[:80]!r}: it must be 64 digits from 0 to 9 and a to f.")
        if not (folder / f"{version}.json").is_file():
            raise MarketDataError(f"The candles of {asset} {timeframe} have no version {version[:12]!r} any more.")
        return self._read(folder / f"{version}.json")

    def newest(self, asset: str, exchange: str, timeframe: str) -> Dataset | None:
        """Return a dataset's newest version; None when there is none that can be read."""
        try:
            return self.get(asset, exchange, timeframe)
        except MarketDataError:
            return None

    def timeframe_of(self, asset: str, exchange: str, timeframe: str) -> str:
        """Return what a dataset's timeframe is called: as it is typed where there is such a dataset, else 2h for 120m.

        Raises:
            MarketDataError: there is no such timeframe.
        """
        in_largest_unit = timeframe_name(timeframe_ns(timeframe))
        exact = self.root / _folder_name(asset, exchange, timeframe)
        return timeframe if (exact / "current.json").is_file() else in_largest_unit

    def by_key(self, key: str, version: str | None = None) -> Dataset:
        """Return the dataset of a key, its newest version or the one asked for; raises as `get`."""
        parts = key.rsplit("-", 2)
        if len(parts) < 3:
            keys = ", ".join(dataset.key for dataset in self.datasets()) or "none yet"
            raise MarketDataError(f"There is no dataset {key[:60]!r}. There are: {keys}.")
        asset, exchange, timeframe = parts
        return self.get(asset, exchange.replace("~", "-"), timeframe, version)

    def versions(self, dataset: Dataset) -> list[Dataset]:
        """Return every version of a dataset that can be read, the newest import first."""
        found = []
        for path in dataset.path.parent.glob("*.json"):
            if path.name != "current.json":
                try:
                    found.append(self._read(path))
                except MarketDataError:
                    continue  # damaged: `survey` tells of the newest, and older ones nobody misses
        current = self.newest(dataset.asset, dataset.exchange, dataset.timeframe)
        newest = current.version if current else ""
        return sorted(found, key=lambda one: (one.version != newest, -one.history.stored_ns, one.version))

    @contextmanager
    def undisturbed(self) -> Iterator[None]:
        """Let nobody delete a dataset meanwhile: what is found can be loaded.

        Raises:
            StoreBusy: a deletion does not come to its end.
        """
        with shared(self.root):
            yield

    @contextmanager
    def pinned(self, versions: Iterable[tuple[str, str, str, str]]) -> Iterator[None]:
        """Let nobody delete versions while it is written down elsewhere that they are needed.

        Args:
            versions: asset, exchange, timeframe and version of each.

        Raises:
            MarketDataError: one of them is not there any more, or (StoreBusy) a deletion does not come to its end.
        """
        with self.undisturbed():
            for asset, exchange, timeframe, version in versions:
                self.get(asset, exchange, timeframe, version)
            yield

    def delete(self, dataset: Dataset, may_go: Callable[[], bool] = lambda: True) -> bool:
        """Delete a dataset with all its versions, for good.

        Until `may_go` has said yes nothing is touched, and from then on nothing is put back: a process that is killed
        leaves the dataset whole, or out of sight and needed by nobody, for `clear` to remove.

        Args:
            dataset: any version of it.
            may_go: asked while nobody can pin a version, or store another.

        Returns:
            Whether it was deleted.

        Raises:
            StoreBusy: others go on storing or pinning.
            OSError: the disk does not let go of it; the dataset is still there.
        """
        folder = dataset.path.parent
        aside = folder.with_name(f"{_DELETED}{folder.name}-{secrets.token_hex(4)}")
        with exclusive(self.root):
            if not folder.is_dir() or not may_go():
                return False
            folder.rename(aside)
            sync_folder(self.root)  # a power cut must not bring back a dataset of which half the files are gone
        self._known = {path: known for path, known in self._known.items() if path.parent != folder}
        shutil.rmtree(aside, ignore_errors=True)
        return True

    def clear(self, seconds: float) -> None:
        """Remove what processes that were killed this long ago left: datasets being deleted, versions being written."""
        if not self.root.is_dir():
            return
        for folder in self.root.glob(f"{_DELETED}*"):
            if _is_older(folder, seconds):
                shutil.rmtree(folder, ignore_errors=True)
        with contextlib.suppress(StoreBusy), exclusive(self.root, 0.0):  # who still writes a file holds the store
            for path in self.root.glob(f"*/{NEW}*"):
                if _is_older(path, seconds):
                    path.unlink(missing_ok=True)

    def load(self, dataset: Dataset) -> Bars:
        """Return a dataset's bars, memory-mapped: every process shares one copy.

        Raises:
            MarketDataError: the file is missing or damaged.
        """
        try:
            bars = read_bars(dataset.path)
        except (OSError, pa.ArrowException) as error:
            raise MarketDataError(f"The candles of {dataset.slug} cannot be read: {error_text(error)}.") from error
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
        self,
        bars: Bars,
        instrument: Instrument,
        timeframe: str,
        *,
        synthetic: bool = False,
        source: str = "",
        calendar: str = UTC_NAME,
        derived_from: Dataset | None = None,
    ) -> Dataset:
        """Store bars as the newest version; the newest one's bars again make no new version.

        Args:
            bars: what is stored.
            instrument: what is traded.
            timeframe: duration of a bar.
            synthetic: whether the bars were generated, not observed.
            source: where they came from, for people.
            calendar: the zone whose midnights begin days.
            derived_from: the version that they were resampled from.

        Raises:
            MarketDataError: there are no bars, or times do not increase, or a name is not allowed; or (StoreBusy) a
                deletion does not come to its end.
            OSError: the disk is full or not writable; nothing of the new version is visible then.
        """
        step_ns = timeframe_ns(timeframe)
        if not len(bars):
            raise MarketDataError("There is no bar to store.")
        if len(bars) > 1 and int(np.diff(bars.time).min()) <= 0:
            raise MarketDataError("The times of bars must increase.")
        gaps = find_gaps(bars.time, step_ns, calendar)
        n_empty_weekdays = len(empty_days(bars.time, step_ns, calendar))
        folder = self.root / _folder_name(instrument.asset, instrument.exchange, timeframe)
        version = content_hash(bars)
        path = folder / f"{version}.arrow"
        with shared(self.root):
            folder.mkdir(exist_ok=True)
            if not holds_version(path, version):
                write_aside(path, lambda file: write_bars(bars, file))
            with one_writer(folder):
                there = self.newest(instrument.asset, instrument.exchange, timeframe)
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
                    n_empty_weekdays=n_empty_weekdays,
                    days_per_year=trading_days_per_year(bars.time),
                    size_bytes=path.stat().st_size,
                    synthetic=synthetic,
                    source=source,
                    path=path,
                    calendar=calendar,
                    history=self._history(there, bars, version, derived_from),
                )
                if there is not None and replace(dataset, source=there.source) == there:
                    return there
                _describe(dataset, folder)
        return dataset

    def take_over(self, dataset: Dataset, base: str | None) -> Dataset:
        """Make a dataset of another store, on the same file system, the newest version here. Its file moves.

        Args:
            dataset: of the other store.
            base: the version that it continues; None when there was no dataset of that name.

        Raises:
            DatasetChanged: the newest version here is another one by now; nothing was changed.
            OSError: the disk is full or not writable; nothing of the new version is visible then.
        """
        folder = self.root / _folder_name(dataset.asset, dataset.exchange, dataset.timeframe)
        with shared(self.root):
            folder.mkdir(exist_ok=True)
            return self._take_over(dataset, base, folder)

    def _take_over(self, dataset: Dataset, base: str | None, folder: Path) -> Dataset:
        with one_writer(folder):
            there = self._current(folder) if (folder / "current.json").is_file() else None
            if (there.version if there else None) != base:
                raise DatasetChanged(f"The candles of {dataset.slug} were changed meanwhile.")
            history = self._history(there, self.load(dataset), dataset.version, None)
            path = folder / dataset.path.name
            if not holds_version(path, dataset.version):
                dataset.path.replace(path)
            moved = replace(dataset, path=path, history=history)
            _describe(moved, folder)
        return moved

    def _history(self, there: Dataset | None, bars: Bars, version: str, derived_from: Dataset | None) -> History:
        """Return where new bars come from; the newest version's bars again keep what was told of them."""
        key, derived_version = (derived_from.key, derived_from.version) if derived_from else ("", "")
        if there is not None and there.version == version:
            return replace(there.history, derived_from=key, derived_version=derived_version)
        previous, changes = "", None
        if there is not None:
            previous = there.version
            with contextlib.suppress(MarketDataError):  # damaged candles can be replaced, not compared
                changes = compare(self.load(there), bars)
        return History(time.time_ns(), previous, changes, key, derived_version)

    def _folder(self, asset: str, exchange: str, timeframe: str) -> Path | None:
        """Return the folder of a name, or None for a name that no stored dataset can have (`../x`)."""
        try:
            Instrument(asset=asset, exchange=exchange, tick_size=1.0)
            timeframe_ns(timeframe)
        except MarketDataError:
            return None
        return self.root / _folder_name(asset, exchange, self.timeframe_of(asset, exchange, timeframe))

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
            words = error_text(error)
            raise MarketDataError(f"{path.name} of {path.parent.name} is damaged: {words}.") from error
        self._known[path] = (stamp, dataset)
        return dataset


def _describe(dataset: Dataset, folder: Path) -> None:
    """Write what is known of a version whose candles are in place, and make it the newest."""
    text = json.dumps(dataset.to_dict(), indent=1).encode()
    write_aside(folder / f"{dataset.version}.json", lambda file: file.write(text))
    write_aside(folder / "current.json", lambda file: file.write(text))


def _is_older(path: Path, seconds: float) -> bool:
    """Whether nobody has changed a file or folder for so long; False when it is gone."""
    try:
        return time.time() - path.stat().st_ctime > seconds
    except FileNotFoundError:
        return False


def _folder_name(asset: str, exchange: str, timeframe: str) -> str:
    """Return the name that only this dataset has: BTC-USD on X and BTC on USD-X are two."""
    return f"{asset}-{exchange.replace('-', '~')}-{timeframe}"
