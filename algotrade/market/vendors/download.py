"""A download: page by page through a range, what is missing once more, and every trouble that may pass waited out."""

from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from algotrade.errors import MarketDataError
from algotrade.market.bars import timeframe_ns
from algotrade.market.instruments import Instrument
from algotrade.market.vendors.pages import Pages
from algotrade.market.vendors.spec import DownloadSpec
from algotrade.market.vendors.vendor import COLUMNS, Rows, TryAgain, Vendor

MOST_TRIES = 8
"""How often one question is asked before the download fails; what was fetched stays for a resume."""
FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 60.0
MOST_PATIENCE_SECONDS = 300.0
"""Longest wait that a vendor may ask for."""
MS_NS = 1_000_000
Answer = TypeVar("Answer")


class Watcher(Protocol):
    """Hears of a download's progress. Each method may raise RunCancelled: the download then stops at once."""

    def phase(self, name: str) -> None:
        """Tell that a phase begins: fetching_bars, filling_gaps."""

    def advance(self, n_fetched: int, n_total: int, n_asked: int) -> None:
        """Tell how far it is.

        Args:
            n_fetched: bars that are there.
            n_total: bars that there will be if none of those to come is missing.
            n_asked: bars that the vendor sent in this attempt.
        """

    def wait(self, reason: str, seconds: float) -> None:
        """Tell why, and let the time pass."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a download brought.

    Attributes:
        rows: float64[n_bars, 6], in order, each time once.
        instrument: tick, lot and currency, as the vendor says.
        n_requests: questions that were answered in this attempt; answers from files do not count.
    """

    rows: Rows
    instrument: Instrument
    n_requests: int


class Download:
    """One attempt at one download."""

    def __init__(self, vendor: Vendor, spec: DownloadSpec, pages: Pages, watcher: Watcher) -> None:
        self._vendor, self._spec, self._pages, self._watcher = vendor, spec, pages, watcher
        self._step_ns = timeframe_ns(spec.timeframe)
        self._parts: list[Rows] = []
        self._n_fetched = self._n_asked = self._n_requests = 0
        self._newest = -1
        """Open time of the newest bar so far, UTC ns."""

    def run(self) -> Fetched:
        """Fetch the range; bars that the vendor does not have stay missing.

        Raises:
            MarketDataError: the vendor has no such asset or timeframe, refuses, does not answer again and again, or has
                no bar of the range at all.
            RunCancelled: the watcher said so.
        """
        instrument = self._find()
        self._watcher.phase("fetching_bars")
        self._advance(self._spec.start_ns)
        self._fetch_range()
        rows = self._joined()
        missing = missing_times(rows, self._spec)
        if len(missing):
            self._watcher.phase("filling_gaps")
            self._fill(missing)
            rows = self._joined()
        if not len(rows):
            raise MarketDataError(
                f"{self._vendor.title} has no {self._spec.timeframe} bar of {self._spec.asset} in this range."
            )
        self._watcher.advance(len(rows), len(rows), self._n_asked)
        return Fetched(rows, instrument, self._n_requests)

    def _find(self) -> Instrument:
        timeframes = self._vendor.timeframes()
        if self._spec.timeframe not in timeframes:
            raise MarketDataError(
                f"{self._vendor.title} has no bars of {self._spec.timeframe}. It has {', '.join(timeframes)}."
            )
        known = self._patiently(self._vendor.instruments)
        found = known.get(self._spec.asset)
        if found is None:
            near = get_close_matches(self._spec.asset.upper(), known, 5, 0.5) or sorted(known)[:5]
            raise MarketDataError(
                f"{self._vendor.title} has no {self._spec.asset}. It has {len(known):,} assets"
                + (f", such as {', '.join(near)}." if near else ".")
            )
        return found

    def _fetch_range(self) -> None:
        """Go through the range once. Each page begins with the last bar of the one before."""
        cursor, end = self._spec.start_ns, self._spec.end_ns
        while cursor <= end:
            limit = min(self._vendor.page_bars, (end - cursor) // self._step_ns + 1)
            rows = self._page("page", cursor, limit)
            time = _times(rows)
            self._take(rows[(time >= cursor) & (time <= end)])
            if self._newest > cursor:
                cursor, known_until = self._newest, self._newest + self._step_ns
            else:  # nothing further in the time of this page
                cursor = known_until = cursor + limit * self._step_ns
            self._advance(known_until)
            if known_until > end:
                return

    def _fill(self, missing: NDArray[np.int64]) -> None:
        """Ask once more for what is missing: pages that were lost on their way differ from bars that nobody has."""
        at = 0
        while at < len(missing):
            first = int(missing[at])
            until = int(np.searchsorted(missing, first + self._vendor.page_bars * self._step_ns, side="left"))
            limit = (int(missing[until - 1]) - first) // self._step_ns + 1
            rows = self._page("gap", first, limit)
            found = rows[np.isin(_times(rows), missing[at:until])]
            self._parts.append(found)
            self._n_fetched += len(np.unique(found[:, 0]))
            at = until
            self._watcher.advance(self._n_fetched, self._n_fetched + len(missing) - at, self._n_asked)

    def _page(self, kind: str, since_ns: int, limit: int) -> Rows:
        """Return the answer to a question: from its file, or from the vendor."""
        known = self._pages.get(kind, since_ns, limit)
        if known is not None:
            return known
        rows = self._patiently(lambda: self._vendor.fetch(self._spec.asset, self._spec.timeframe, since_ns, limit))
        self._n_requests += 1
        self._n_asked += len(rows)
        self._pages.put(kind, since_ns, limit, rows)
        return rows

    def _patiently(self, ask: Callable[[], Answer]) -> Answer:
        """Ask until there is an answer; wait as long as the vendor wants, and longer each time, within bounds."""
        for tried in range(1, MOST_TRIES):
            try:
                return ask()
            except TryAgain as error:
                pause = min(FIRST_PAUSE_SECONDS * 2 ** (tried - 1), LONGEST_PAUSE_SECONDS)
                asked = min(error.retry_after or 0.0, MOST_PATIENCE_SECONDS)
                self._watcher.wait(str(error), max(pause, asked))
        try:
            return ask()
        except TryAgain as error:
            raise MarketDataError(f"{error} It was asked {MOST_TRIES} times. Fetched bars are kept.") from error

    def _take(self, rows: Rows) -> None:
        """Keep rows; those up to the newest one were counted before."""
        if not len(rows):
            return
        self._parts.append(rows)
        time = _times(rows)
        self._n_fetched += len(np.unique(time[time > self._newest]))
        self._newest = max(self._newest, int(time.max()))

    def _advance(self, next_ns: int) -> None:
        """Tell the progress; what is missing before `next_ns` is no longer counted as to come."""
        to_come = max(0, (self._spec.end_ns - next_ns) // self._step_ns + 1)
        self._watcher.advance(self._n_fetched, self._n_fetched + to_come, self._n_asked)

    def _joined(self) -> Rows:
        """Return all rows in order of time; of two of one time, what came later."""
        rows = np.concatenate([np.empty((0, COLUMNS)), *self._parts])
        rows = rows[np.argsort(rows[:, 0], kind="stable")]
        last: Rows = rows[np.diff(rows[:, 0], append=np.inf) > 0]
        return last


def missing_times(rows: Rows, spec: DownloadSpec) -> NDArray[np.int64]:
    """Return int64[n] UTC ns, the times at which bars of the range are missing.

    An exchange may count its days and weeks from another moment than we do: the grid is the bars' own.
    """
    step_ns = timeframe_ns(spec.timeframe)
    time = _times(rows)
    anchor = int(time[0]) if len(time) else spec.start_ns
    first = spec.start_ns + (anchor - spec.start_ns) % step_ns
    return np.setdiff1d(np.arange(first, spec.end_ns + 1, step_ns, dtype=np.int64), time, assume_unique=True)


def _times(rows: Rows) -> NDArray[np.int64]:
    """Return int64[n] UTC ns."""
    return rows[:, 0].astype(np.int64) * MS_NS
