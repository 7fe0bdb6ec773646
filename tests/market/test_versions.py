"""A version tells what it did to the one before; the same bars make none; a dataset goes whole or not at all."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from algotrade.errors import MarketDataError
from algotrade.market.bars import Bars
from algotrade.market.instruments import Instrument
from algotrade.market.store import CandleStore
from algotrade.market.versions import Changes, compare
from tests.engine.market import bars_of

SPY = Instrument(asset="SPY", exchange="NYSE", tick_size=0.01)


@pytest.fixture
def store(tmp_path):
    return CandleStore(tmp_path / "candles")


def bars_at(closes):
    """Return bars by time: a close for each."""
    time = np.array(sorted(closes), np.int64)
    close = np.array([closes[moment] for moment in time.tolist()], float)
    return Bars(time, close, close, close, close, close)


def test_first_version_has_nothing_before_it(store):
    history = store.add(bars_of([1, 2]), SPY, "1d").history
    assert (history.previous, history.changes) == ("", None)
    assert history.stored_ns > 1_700_000_000 * 10**9


def test_version_counts_what_it_changed_added_and_removed(store):
    old = store.add(bars_at({1: 10, 2: 20, 3: 30, 4: 40}), SPY, "1s")
    new = store.add(bars_at({2: 20, 3: 31, 4: 41, 5: 50, 6: 60, 7: 70}), SPY, "1s")
    assert new.history.previous == old.version
    assert new.history.changes == Changes(n_added=3, n_removed=1, n_changed=2)  # 5, 6, 7; 1; 3 and 4
    assert new.history.changes.summary == "2 bars changed, 3 added, 1 removed"


def test_same_bars_again_keep_version_history_and_source(store):
    store.add(bars_of([1, 2]), SPY, "1d")
    first = store.add(bars_of([1, 3]), SPY, "1d", source="first.csv")
    again = store.add(bars_of([1, 3]), SPY, "1d", source="again.csv")
    assert again == first
    assert len(store.versions(first)) == 2


def test_same_bars_of_another_tick_are_the_same_version_told_anew(store):
    first = store.add(bars_of([1, 2]), SPY, "1d")
    again = store.add(bars_of([1, 2]), Instrument("SPY", "NYSE", 0.5), "1d")
    assert (again.version, again.history) == (first.version, first.history)
    assert store.get("SPY", "NYSE", "1d").instrument.tick_size == 0.5


def test_versions_are_listed_the_newest_first(store):
    made = [store.add(bars_of([1, price]), SPY, "1d") for price in (2, 3, 4)]
    assert [one.version for one in store.versions(made[0])] == [one.version for one in reversed(made)]
    back = store.add(bars_of([1, 2]), SPY, "1d")  # an older one comes again
    assert [one.version for one in store.versions(back)] == [made[at].version for at in (0, 2, 1)]


def test_version_of_damaged_candles_is_not_compared(store):
    store.add(bars_of([1, 2]), SPY, "1d").path.write_bytes(b"")
    new = store.add(bars_of([1, 3]), SPY, "1d")
    assert new.history.changes is None
    store.verify(new)


def test_description_from_before_versions_had_a_history_is_read(store):
    dataset = store.add(bars_of([1, 2]), SPY, "1d")
    path = dataset.path.with_name("current.json")
    old = {name: value for name, value in json.loads(path.read_text()).items() if name not in ("history", "calendar")}
    path.write_text(json.dumps(old))
    read = store.get("SPY", "NYSE", "1d")
    assert (read.calendar, read.history.stored_ns, read.version) == ("UTC", 0, dataset.version)


@pytest.mark.parametrize(
    ("asset", "exchange"), [("SPY", "NYSE"), ("BTC-USD", "X"), ("BTC", "USD-X"), ("A.b-d", "E-f-G")]
)
def test_key_is_of_one_dataset_only(store, asset, exchange):
    dataset = store.add(bars_of([1]), Instrument(asset, exchange, 0.01), "1d")
    assert store.by_key(dataset.key) == dataset


@pytest.mark.parametrize("key", ["", "-", "--", "SPY", "SPY-NYSE", "SPY-NYSE-1h", "../x-y-1d", "SPY-NYSE-1d/.."])
def test_key_of_nothing_is_told(store, key):
    store.add(bars_of([1]), SPY, "1d")
    with pytest.raises(MarketDataError, match=r"There are no candles|There is no dataset"):
        store.by_key(key)


def test_deleted_dataset_is_gone_with_its_files(store):
    dataset = store.add(bars_of([1]), SPY, "1d")
    other = store.add(bars_of([1]), SPY, "1h")
    assert store.delete(dataset)
    assert store.datasets() == [other]
    assert sorted(path.name for path in store.root.iterdir()) == [".lock", "SPY-NYSE-1h"]
    assert not store.delete(dataset)


closes = st.dictionaries(st.integers(0, 30), st.integers(1, 3), min_size=1)


@given(closes, closes)
def test_changes_add_up(old, new):
    changes = compare(bars_at(old), bars_at(new))
    assert changes == Changes(
        n_added=len(new.keys() - old.keys()),
        n_removed=len(old.keys() - new.keys()),
        n_changed=sum(old[moment] != new[moment] for moment in old.keys() & new.keys()),
    )
