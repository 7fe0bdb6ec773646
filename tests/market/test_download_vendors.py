"""Whatever a vendor answers, and wherever a download is cut off: every bar once, in order, none invented."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from algotrade.errors import RunCancelled
from algotrade.market.instruments import Instrument
from algotrade.market.vendors.download import Download
from algotrade.market.vendors.pages import Pages
from algotrade.market.vendors.spec import DownloadSpec
from algotrade.market.vendors.vendor import TryAgain

MINUTE_NS = 60 * 10**9
MINUTE_MS = 60_000


class Moody:
    """A vendor with `times` (minutes), whose answers differ in every way that exchanges' answers do."""

    title = "Moody"

    def __init__(self, times, page_bars, *, is_windowed, smaller, draw):
        self.times, self.page_bars = np.array(sorted(times), float), page_bars
        self.is_windowed, self.smaller, self.draw = is_windowed, smaller, draw
        self.n_refused = 0

    def timeframes(self):
        return ("1m",)

    def instruments(self):
        return {"A-B": Instrument("A-B", "moody", 0.01)}

    def fetch(self, _asset, _timeframe, since_ns, limit):
        if self.n_refused < 3 and self.draw(st.integers(0, 4)) == 0:
            self.n_refused += 1
            raise TryAgain("Later.")
        self.n_refused = 0
        first = since_ns // MINUTE_NS
        found = self.times[self.times >= first]
        if self.is_windowed:
            found = found[found < first + limit]
        found = found[: max(2, limit - self.smaller)]
        before = self.times[self.times < first][-2:]  # bars that nobody asked for
        rows = np.repeat(np.concatenate([before, found, found[:1]])[:, None], 6, axis=1)
        rows[:, 0] *= MINUTE_MS
        rows[:, 1:] += 1.0
        return rows[np.array(self.draw(st.permutations(range(len(rows)))), int)]


class Watcher:
    def __init__(self, cut):
        self.cut, self.counts = cut, []

    def phase(self, _name):
        pass

    def wait(self, _reason, _seconds):
        pass

    def advance(self, n_fetched, n_total, _n_asked):
        self.counts.append((n_fetched, n_total))
        if self.cut is not None and len(self.counts) > self.cut:
            raise RunCancelled


@given(data=st.data())
def test_download_brings_every_bar_once_whatever_the_vendor_does(tmp_path_factory, data):
    times = data.draw(st.sets(st.integers(0, 120), min_size=1))
    start, end = sorted((data.draw(st.integers(0, 120)), max(times)))
    vendor = Moody(
        times,
        data.draw(st.integers(2, 30)),
        is_windowed=data.draw(st.booleans()),
        smaller=data.draw(st.integers(0, 3)),
        draw=data.draw,
    )
    spec = DownloadSpec("x", "moody", "A-B", "1m", start * MINUTE_NS, end * MINUTE_NS)
    pages = Pages(tmp_path_factory.mktemp("pages"))
    for cut in (data.draw(st.integers(0, 5)), None):
        watcher = Watcher(cut)
        try:
            rows = Download(vendor, spec, pages, watcher).run().rows
        except RunCancelled:
            continue
        assert (rows[:, 0] / MINUTE_MS).tolist() == [at for at in sorted(times) if start <= at <= end]
        assert watcher.counts[-1] == (len(rows), len(rows))
        assert all(n_fetched <= n_total for n_fetched, n_total in watcher.counts)
