"""Downloads from a local exchange: through every trouble that passes, to the very bars that there were."""

import time

import numpy as np
import pytest

from algotrade.errors import MarketDataError, RunCancelled
from algotrade.market.store import CandleStore
from algotrade.market.vendors import download as downloading
from algotrade.market.vendors.download import Download
from algotrade.market.vendors.exchanges import Exchange
from algotrade.market.vendors.merging import merge
from algotrade.market.vendors.pages import Pages
from algotrade.market.vendors.spec import DownloadSpec
from tests import exchange as fake
from tests.exchange import ASSET, BEGIN, EXCHANGE, HOUR, N_BARS, LocalExchange

SECOND_NS = 1_000_000_000


class Watcher:
    """Notes what it is told; time passes at once. Cancels after so many pages."""

    def __init__(self, pages=None):
        self.phases, self.progress, self.waits, self.left = [], [], [], pages

    def phase(self, name):
        self.phases.append(name)

    def advance(self, n_fetched, n_total, n_asked):
        self.progress.append((n_fetched, n_total))
        if self.left is not None:
            self.left -= 1
            if self.left < 0:
                raise RunCancelled

    def wait(self, reason, seconds):
        self.waits.append((reason, seconds))


@pytest.fixture
def server():
    with LocalExchange() as running:
        yield running


def spec_of(n_bars=N_BARS, begin=BEGIN, **changes):
    end = begin + (n_bars - 1) * HOUR
    names = {"vendor": "ccxt", "exchange": EXCHANGE, "asset": ASSET, "timeframe": "1h"}
    return DownloadSpec(**{**names, "start_ns": begin * SECOND_NS, "end_ns": end * SECOND_NS, **changes})


@pytest.fixture
def fetch(server, tmp_path):
    def fetch_(spec=None, watcher=None, folder="pages"):
        vendor = Exchange(EXCHANGE, server.url)
        vendor._exchange.rateLimit = 1  # the throttle is ccxt's; nothing here is worth waiting for
        vendor._exchange.init_throttler()
        return Download(vendor, spec or spec_of(), Pages(tmp_path / folder), watcher or Watcher()).run()

    return fetch_


def truth(times):
    return np.array([fake.row(at) for at in times])


def test_download_brings_every_bar_of_the_range(server, fetch):
    fetched = fetch()
    np.testing.assert_array_equal(fetched.rows, truth(server.times))
    # 1,000 bars a page, of which each but the first repeats one: 1,000 + 999 + 999 + 2.
    assert server.asked == [(BEGIN + n * HOUR, limit) for n, limit in ((0, 1000), (999, 1000), (1998, 1000), (2997, 3))]
    assert (fetched.instrument.tick_size, fetched.instrument.lot_size, fetched.instrument.currency) == (
        0.01,
        1e-8,
        "USD",
    )


def test_progress_counts_bars_once_and_ends_at_the_total(server, fetch):
    watcher = Watcher()
    fetch(watcher=watcher)
    assert watcher.progress == [(0, 3000), (1000, 3000), (1999, 3000), (2998, 3000), (3000, 3000), (3000, 3000)]
    assert watcher.phases == ["fetching_bars"]


@pytest.mark.parametrize(
    "trouble",
    [fake.fails(500), fake.fails(503), fake.fails(429), fake.malformed, fake.disconnects, fake.broken_bar],
    ids=["500", "503", "429", "malformed", "disconnects", "broken bar"],
)
def test_trouble_that_passes_is_waited_out(server, fetch, trouble):
    server.troubles.extend([None, trouble, trouble])
    watcher = Watcher()
    np.testing.assert_array_equal(fetch(watcher=watcher).rows, truth(server.times))
    assert [seconds for _, seconds in watcher.waits] == [1.0, 2.0]
    assert "Bitstamp" in watcher.waits[0][0]


@pytest.mark.parametrize("trouble", [fake.empty, fake.shuffled, fake.cut, fake.earlier])
def test_wrong_pages_leave_no_hole_and_no_double(server, fetch, trouble):
    server.troubles.extend([None, trouble])
    np.testing.assert_array_equal(fetch().rows, truth(server.times))


def test_wish_of_the_exchange_is_waited_for_within_bounds(server, fetch):
    server.troubles.extend([fake.fails(429, Retry_After="17"), fake.fails(429, Retry_After="86400")])
    watcher = Watcher()
    fetch(watcher=watcher)
    assert [seconds for _, seconds in watcher.waits] == [17.0, downloading.MOST_PATIENCE_SECONDS]


def test_silence_is_waited_for_within_bounds(server, fetch, monkeypatch):
    monkeypatch.setattr("algotrade.market.vendors.exchanges.REQUEST_SECONDS", 0.2)
    server.gate.clear()
    watcher = Watcher()
    watcher.wait = lambda reason, seconds: (watcher.waits.append(reason), server.gate.set())
    np.testing.assert_array_equal(fetch(watcher=watcher).rows, truth(server.times))
    assert "did not answer" in watcher.waits[0]


def test_error_for_an_answer_is_told_as_one(server, fetch):
    server.troubles.append(fake.fails(503))
    watcher = Watcher()
    fetch(watcher=watcher)
    assert watcher.waits[0][0].startswith("Bitstamp answered with status 503: ")


def test_trouble_that_stays_fails_and_keeps_what_was_fetched(server, fetch):
    server.troubles.extend([None, *[fake.fails(500)] * downloading.MOST_TRIES])
    with pytest.raises(MarketDataError, match=r"asked 8 times\. Fetched bars are kept"):
        fetch()
    n_asked = len(server.asked)
    np.testing.assert_array_equal(fetch().rows, truth(server.times))
    assert len(server.asked) == n_asked + 3  # the first of four pages is there


@pytest.mark.parametrize("status", [401, 403, 404, 451])
def test_refusal_is_not_asked_again(server, fetch, status):
    server.troubles.append(fake.fails(status))
    with pytest.raises(MarketDataError, match=f"Bitstamp refuses with status {status}"):
        fetch()
    assert len(server.asked) == 1


def test_bars_that_the_exchange_lacks_are_asked_for_once_more_and_stay_missing(server, fetch):
    server.lacks = {BEGIN + n * HOUR for n in (5, 6, 7, 1500, 2999)}
    watcher = Watcher()
    fetched = fetch(watcher=watcher)
    np.testing.assert_array_equal(fetched.rows, truth(at for at in server.times if at not in server.lacks))
    assert watcher.progress[-1] == (N_BARS - 5, N_BARS - 5)
    assert watcher.phases == ["fetching_bars", "filling_gaps"]
    assert server.asked[-3:] == [(BEGIN + 5 * HOUR, 3), (BEGIN + 1500 * HOUR, 1), (BEGIN + 2999 * HOUR, 1)]


def test_range_before_the_first_bar_is_passed_over(server, fetch):
    fetched = fetch(spec_of(3_500, BEGIN - 2_500 * HOUR))
    np.testing.assert_array_equal(fetched.rows, truth(server.times[:1000]))


def test_bar_that_is_not_finished_at_the_exchange_is_left_out(server, fetch):
    server.clock = BEGIN + 100 * HOUR + 59
    fetched = fetch(spec_of(101))
    np.testing.assert_array_equal(fetched.rows, truth(server.times[:100]))


@pytest.mark.parametrize("n_pages", range(5))
def test_interrupted_download_goes_on_and_equals_the_whole_one(server, fetch, n_pages):
    whole = fetch(folder="whole").rows
    server.asked.clear()
    with pytest.raises(RunCancelled):
        fetch(watcher=Watcher(n_pages))
    resumed = fetch()
    assert resumed.rows.tobytes() == whole.tobytes()
    assert len(server.asked) == 4


def test_torn_page_is_asked_for_again(server, fetch, tmp_path):
    whole = fetch()
    (first, *_) = sorted((tmp_path / "pages").glob("page-*"))
    first.write_bytes(first.read_bytes()[:-100])
    again = fetch()
    assert (again.rows.tobytes(), again.n_requests) == (whole.rows.tobytes(), 1)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"asset": "BTC-EUR"}, "Bitstamp has no BTC-EUR. It has 2 assets, such as BTC-USD"),
        ({"timeframe": "8h"}, "Bitstamp has no bars of 8h. It has 1m, 3m"),
        ({"start_ns": (BEGIN + 10**7 * 3) * SECOND_NS, "end_ns": (BEGIN + 10**7 * 4) * SECOND_NS}, "in this range"),
    ],
)
def test_what_is_not_there_is_told(fetch, changes, message):
    with pytest.raises(MarketDataError, match=message):
        fetch(spec_of(**changes))


@pytest.fixture
def store(tmp_path):
    return CandleStore(tmp_path / "candles")


def stored(fetched, store, spec):
    aside = CandleStore(store.root.parent / "aside")
    merged = merge(fetched, spec, store, aside, "a test")
    return store.take_over(merged.dataset, merged.base), merged.facts


def test_two_downloads_one_after_the_other_are_the_same_dataset_as_one(fetch, store):
    whole, _ = stored(fetch(folder="whole"), CandleStore(store.root.parent / "other"), spec_of())
    first = spec_of(1_700)
    stored(fetch(first, folder="one"), store, first)
    second = spec_of(N_BARS - 1_699, BEGIN + 1_699 * HOUR)
    both, facts = stored(fetch(second, folder="two"), store, second)
    assert (both.version, both.instrument) == (whole.version, whole.instrument)
    assert (facts["n_fetched"], facts["n_added"], facts["n_changed"], facts["n_missing"]) == (1301, 1300, 0, 0)
    store.verify(both)


def test_bar_that_the_exchange_corrected_is_replaced_and_counted(fetch, store):
    spec = spec_of(100)
    fetched = fetch(spec)
    stored(fetched, store, spec)
    fetched.rows[7, 5] += 1
    newer, facts = stored(fetched, store, spec)
    assert (facts["n_added"], facts["n_changed"]) == (0, 1)
    assert store.load(newer).volume[7] == fetched.rows[7, 5]


def test_missing_bars_are_told_as_ranges(server, fetch, store):
    server.lacks = {BEGIN + n * HOUR for n in (5, 6, 7, 50)}
    spec = spec_of(100)
    _, facts = stored(fetch(spec), store, spec)
    hour = HOUR * SECOND_NS
    assert facts["n_missing"] == 4
    assert facts["missing"] == [
        {"first_ns": spec.start_ns + 5 * hour, "last_ns": spec.start_ns + 7 * hour, "n_bars": 3},
        {"first_ns": spec.start_ns + 50 * hour, "last_ns": spec.start_ns + 50 * hour, "n_bars": 1},
    ]


def test_impossible_bar_is_refused_and_nothing_is_stored(fetch, store):
    spec = spec_of(100)
    fetched = fetch(spec)
    fetched.rows[7, 3] = fetched.rows[7, 2] + 1
    with pytest.raises(MarketDataError, match="Row 8, column 'low'"):
        stored(fetched, store, spec)
    assert store.datasets() == []


def test_bars_closer_than_their_timeframe_are_refused(fetch, store):
    spec = spec_of(100)
    fetched = fetch(spec)
    with pytest.raises(MarketDataError, match="3,600 s apart, less than the timeframe 2h"):
        stored(fetched, store, spec_of(50, timeframe="2h"))


def test_version_is_not_lost_to_one_that_came_meanwhile(fetch, store):
    from algotrade.market.store import DatasetChanged

    spec = spec_of(100)
    fetched = fetch(spec)
    late = merge(fetched, spec, store, CandleStore(store.root.parent / "late"), "late")
    stored(fetched, store, spec)
    fetched.rows[7, 5] += 1
    current, _ = stored(fetched, store, spec)
    with pytest.raises(DatasetChanged):
        store.take_over(late.dataset, late.base)
    assert store.datasets() == [current]


def test_limit_of_the_exchange_is_kept_between_requests(server, monkeypatch):
    vendor = Exchange(EXCHANGE, server.url)
    sent, send = [], vendor._session.send
    monkeypatch.setattr(vendor._session, "send", lambda *a, **k: (sent.append(time.monotonic()), send(*a, **k))[1])
    vendor.instruments()
    for n in range(4):
        vendor.fetch(ASSET, "1h", (BEGIN + n * HOUR) * SECOND_NS, 10)
    seconds = vendor._exchange.rateLimit / 1e3
    assert len(sent) == 5
    assert min(np.diff(sent)) > 0.9 * seconds  # it counts whole milliseconds
