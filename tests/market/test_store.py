"""The candle store keeps immutable versions by content, whole or not at all, whoever writes and whatever crashes."""

import json
import os
import signal

import numpy as np
import pytest

from algotrade.errors import MarketDataError
from algotrade.market.bar_files import content_hash
from algotrade.market.bars import COLUMNS, DAY_NS, Bars, timeframe_ns
from algotrade.market.instruments import Instrument
from algotrade.market.store import CandleStore, Dataset
from tests.engine.market import bars_of, random_bars

SPY = Instrument(asset="SPY", exchange="NYSE", tick_size=0.01, lot_size=1.0)

WRITER = """
import sys
from pathlib import Path
from algotrade.market.instruments import Instrument
from algotrade.market.store import CandleStore
from tests.engine.market import bars_of

store, first = CandleStore(Path(sys.argv[1])), int(sys.argv[2])
spy = Instrument(asset="SPY", exchange="NYSE", tick_size=0.01)
print("ready", flush=True)
sys.stdin.readline()
for price in range(first, first + 20):
    store.add(bars_of([price] * 50), spy, "1d")
"""

HANGS_AT_SYNC = """
import os, signal, sys
from pathlib import Path
from algotrade.market.instruments import Instrument
from algotrade.market.store import CandleStore
from tests.engine.market import bars_of

left, sync = int(sys.argv[2]), os.fsync

def counted(descriptor):
    global left
    left -= 1
    if not left:
        print("hangs", flush=True)
        signal.pause()
    sync(descriptor)

os.fsync = counted
CandleStore(Path(sys.argv[1])).add(
    bars_of([7, 8, 9]), Instrument(asset="SPY", exchange="NYSE", tick_size=0.01), "1d"
)
"""


@pytest.fixture
def store(tmp_path):
    return CandleStore(tmp_path / "candles")


def columns_of(bars):
    return {name: getattr(bars, name).tobytes() for name in ("time", *COLUMNS)}


def test_candles_come_back_bit_for_bit(store):
    extremes = np.array([5e-324, 0.1 + 0.2, 1 / 3, 1.7976931348623157e308])
    time = np.array([-(2**62), -1, 0, 2**62], np.int64)
    bars = Bars(time, extremes, extremes * 0.5, -extremes, np.array([-0.0, 0.0, 1e-300, 9.7]), extremes)
    dataset = store.add(bars, SPY, "1d")
    assert columns_of(CandleStore(store.root).load(dataset)) == columns_of(bars)


def test_loaded_candles_are_mapped_and_cannot_be_changed(store):
    dataset = store.add(random_bars(1, 3000), SPY, "1d")
    close = store.load(dataset).close
    with open("/proc/self/maps") as maps:
        assert str(dataset.path) in maps.read()
    assert not close.flags.owndata
    with pytest.raises(ValueError, match="read-only"):
        close[0] = 1.0


def test_same_candles_are_one_version_and_one_file(store):
    first = store.add(random_bars(1, 100), SPY, "1d")
    inode = first.path.stat().st_ino
    second = store.add(random_bars(1, 100), SPY, "1d")
    assert second == first
    assert second.path.stat().st_ino == inode


@pytest.mark.parametrize("column", ["time", *COLUMNS])
def test_change_of_one_value_is_another_version_and_the_old_one_stays(store, column):
    bars = random_bars(1, 100)
    old = store.add(bars, SPY, "1d")
    values = {name: getattr(bars, name).copy() for name in ("time", *COLUMNS)}
    values[column][50] = values[column][50] + 1 if column == "time" else np.nextafter(values[column][50], np.inf)
    new = store.add(Bars(**values), SPY, "1d")
    assert new.version != old.version
    assert store.get("SPY", "NYSE", "1d") == new
    assert store.get("SPY", "NYSE", "1d", version=old.version) == old
    assert columns_of(store.load(old)) == columns_of(bars)


def test_bars_mapped_before_a_new_version_keep_their_values(store):
    bars = random_bars(1, 100)
    loaded = store.load(store.add(bars, SPY, "1d"))
    store.add(random_bars(2, 100), SPY, "1d")
    assert columns_of(loaded) == columns_of(bars)


def test_value_that_moves_to_the_next_column_is_another_version():
    one, two = np.array([1.0]), np.array([2.0])
    time = np.array([0], np.int64)
    assert content_hash(Bars(time, one, two, one, one, one)) != content_hash(Bars(time, one, one, two, one, one))


def test_dataset_says_what_is_known_of_its_candles(store):
    bars = bars_of([97.31, 97.3])
    got = store.add(bars, SPY, "1d", source="spy.csv")
    assert (got.label, got.exchange, got.n_bars, got.source, got.synthetic) == ("SPY 1d", "NYSE", 2, "spy.csv", False)
    assert (got.first_ns, got.last_ns) == (1_577_836_800_000_000_000, 1_577_923_200_000_000_000)
    assert (got.version, got.instrument) == (content_hash(bars), SPY)
    assert CandleStore(store.root).get("SPY", "NYSE", "1d") == got


def test_bars_longer_than_a_day_are_counted_themselves_though_an_older_version_stored_them(store):
    dataset = store.add(bars_of([10.0] * 60, step_ns=3 * DAY_NS), SPY, "3d")
    assert dataset.days_per_year == pytest.approx(365.25 / 3)
    as_before = {**dataset.to_dict(), "days_per_year": 365.25}
    assert Dataset.from_dict(as_before, dataset.path).days_per_year == pytest.approx(365.25 / 3)
    daily = store.add(bars_of([10.0] * 60), SPY, "1d")
    assert Dataset.from_dict({**daily.to_dict(), "days_per_year": 251.0}, daily.path).days_per_year == 251.0


def test_listing_is_by_asset_then_duration_then_exchange(store):
    for asset, exchange, timeframe in [("B", "X", "1m"), ("A", "X", "1d"), ("A", "Y", "90m"), ("A", "X", "90m")]:
        store.add(random_bars(1, 5), Instrument(asset, exchange, 0.01), timeframe)
    assert [(d.asset, d.exchange, d.timeframe) for d in store.datasets()] == [
        ("A", "X", "90m"),
        ("A", "Y", "90m"),
        ("A", "X", "1d"),
        ("B", "X", "1m"),
    ]


def test_store_without_candles_is_empty(store):
    assert store.datasets() == []
    with pytest.raises(MarketDataError, match="There are: none yet"):
        store.get("SPY", "NYSE", "1d")


def test_unknown_dataset_is_told_with_those_that_exist(store):
    store.add(random_bars(1, 5), SPY, "1d")
    with pytest.raises(MarketDataError, match=r"no candles for QQQ 1d on NYSE\. There are: SPY 1d \(NYSE\)"):
        store.get("QQQ", "NYSE", "1d")


def test_version_that_is_gone_is_told(store):
    store.add(random_bars(1, 5), SPY, "1d")
    with pytest.raises(MarketDataError, match="have no version 'abcdabcdabcd' any more"):
        store.get("SPY", "NYSE", "1d", version="abcd" * 16)


@pytest.mark.parametrize("version", ["", "abc", "current", "../x", "\0", "A" * 64, "a" * 65, "a" * 70_000, "é" * 64])
def test_version_that_is_none_is_told(store, version):
    store.add(random_bars(1, 5), SPY, "1d")
    with pytest.raises(MarketDataError, match=r"There is no version .* must be 64 digits"):
        store.get("SPY", "NYSE", "1d", version=version)


@pytest.mark.parametrize(
    "name", ["../x", "/etc/passwd", "..", ".", "", "a/b", "a\\b", "a\nb", "a\n", "a\0b", "ä", "x" * 41]
)
def test_name_that_could_leave_the_folder_is_refused(store, name):
    store.add(random_bars(1, 5), SPY, "1d")
    for asset, exchange in ((name, "NYSE"), ("SPY", name)):
        with pytest.raises(MarketDataError, match="must be 1 to 40 letters"):
            Instrument(asset=asset, exchange=exchange, tick_size=0.01)
        with pytest.raises(MarketDataError, match="There are no candles for"):
            store.get(asset, exchange, "1d")
    with pytest.raises(MarketDataError, match="There are no candles for"):
        store.get("SPY", "NYSE", name)
    with pytest.raises(MarketDataError, match="no version"):
        store.get("SPY", "NYSE", "1d", version=name)


@pytest.mark.parametrize(
    "timeframe", ["", "h", "0h", "-1h", "1.5h", "1 h", "1M", "h1", "10001s", "²h", "9" * 5000 + "h"]
)
def test_timeframe_must_be_a_whole_number_of_a_unit(store, timeframe):
    with pytest.raises(MarketDataError, match="must be like 1m"):
        timeframe_ns(timeframe)
    with pytest.raises(MarketDataError, match="must be like 1m"):
        store.add(random_bars(1, 5), SPY, timeframe)
    assert not store.root.exists()


def test_timeframe_is_its_length_in_nanoseconds():
    lengths = {"1s": 1, "1m": 60, "5m": 300, "4h": 4 * 3600, "1d": 86_400, "1w": 7 * 86_400}
    assert {name: timeframe_ns(name) for name in lengths} == {name: s * 10**9 for name, s in lengths.items()}


def test_timeframe_in_another_unit_finds_the_same_dataset(store):
    assert store.timeframe_of("SPY", "NYSE", "120m") == "2h"
    hours = store.add(bars_of([1]), SPY, "2h")
    assert store.get("SPY", "NYSE", "120m") == store.by_key("SPY-NYSE-7200s") == hours
    minutes = store.add(bars_of([2]), SPY, "120m")  # of a store from before
    assert store.timeframe_of("SPY", "NYSE", "120m") == "120m"
    assert store.get("SPY", "NYSE", "120m") == minutes
    assert store.get("SPY", "NYSE", "2h") == hours


@pytest.mark.parametrize("step", [1e300, 1e13, 1e-31, 1e-320])
def test_steps_that_nothing_trades_in_are_refused(step):
    with pytest.raises(MarketDataError, match=r"The tick size must be from 1e-30 to 1e\+12; it is"):
        Instrument("SPY", "NYSE", step)
    with pytest.raises(MarketDataError, match=r"The lot size must be from 1e-30 to 1e\+12; it is"):
        Instrument("SPY", "NYSE", 1.0, step)
    assert Instrument("SPY", "NYSE", 1e-30, 1e12).lot_size == 1e12
    assert Instrument("SPY", "NYSE", 1e12, 0.0).lot_size == 0.0


def test_hyphens_do_not_mix_up_asset_and_exchange(store):
    spot = store.add(bars_of([1]), Instrument("BTC-USD", "X", 0.01), "1d")
    with pytest.raises(MarketDataError, match="no candles for BTC 1d on USD-X"):
        store.get("BTC", "USD-X", "1d")
    other = store.add(bars_of([2]), Instrument("BTC", "USD-X", 0.01), "1d")
    assert store.get("BTC-USD", "X", "1d") == spot
    assert store.datasets() == [other, spot]


def test_candles_without_a_bar_or_out_of_order_are_refused(store):
    bars = random_bars(1, 3)
    with pytest.raises(MarketDataError, match="no bar"):
        store.add(bars.slice(0, 0), SPY, "1d")
    for rows in ([0, 0, 1], [1, 0, 2]):
        with pytest.raises(MarketDataError, match="must increase"):
            store.add(Bars(*(getattr(bars, name)[rows] for name in ("time", *COLUMNS))), SPY, "1d")
    assert store.datasets() == []


def test_columns_of_another_length_or_type_are_refused():
    time, one = np.array([0], np.int64), np.array([1.0])
    with pytest.raises(MarketDataError, match=r"low must be float64\[1\], not float64 of shape \(2,\)"):
        Bars(time, one, one, np.array([1.0, 2.0]), one, one)
    with pytest.raises(MarketDataError, match=r"volume must be float64\[1\], not int64"):
        Bars(time, one, one, one, one, np.array([1], np.int64))


def test_range_of_times_includes_both_ends():
    bars = bars_of([1, 2, 3, 4])
    second, third = int(bars.time[1]), int(bars.time[2])
    assert bars.between(second, third) == (1, 3)
    assert bars.between(second + 1, third - 1) == (2, 2)
    assert bars.between(third, second) == (2, 2)
    assert bars.slice(*bars.between(second, third)).close.tolist() == [2.0, 3.0]


def test_version_that_another_process_stored_is_seen_even_within_a_tick_of_the_clock(store):
    first = store.add(bars_of([1, 2]), SPY, "1d")
    assert store.get("SPY", "NYSE", "1d") == first
    current = first.path.with_name("current.json")
    stamp = current.stat().st_mtime_ns
    second = CandleStore(store.root).add(bars_of([1, 3]), SPY, "1d")
    os.utime(current, ns=(stamp, stamp))
    assert store.get("SPY", "NYSE", "1d") == second


def test_writers_at_once_leave_whole_versions_only(store, start):
    writers = [start(WRITER, store.root, first) for first in (100, 110, 200)]
    for writer in writers:
        assert writer.stdout.readline() == b"ready\n"
        writer.stdin.write(b"go\n")
        writer.stdin.flush()
    seen = set()
    while any(writer.poll() is None for writer in writers):
        for dataset in store.datasets():
            store.verify(dataset)
            seen.add(dataset.version)
    assert [writer.returncode for writer in writers] == [0, 0, 0]
    expected = {content_hash(bars_of([price] * 50)) for price in (*range(100, 130), *range(200, 220))}
    folder = store.root / "SPY-NYSE-1d"
    assert {path.name for path in store.root.iterdir()} == {folder.name, ".lock"}
    assert {path.name for path in folder.iterdir()} == {
        "current.json",
        *(f"{version}{suffix}" for version in expected for suffix in (".arrow", ".json")),
    }
    for version in expected:
        store.verify(store.get("SPY", "NYSE", "1d", version=version))
    assert seen <= expected
    last_words = {content_hash(bars_of([price] * 50)) for price in (119, 129, 219)}
    assert store.get("SPY", "NYSE", "1d").version in last_words


@pytest.mark.parametrize("n_syncs", [1, 2, 3, 5], ids=["arrow", "arrow renamed", "version", "current"])
def test_writer_killed_before_the_last_rename_leaves_the_old_version(store, start, n_syncs):
    old = store.add(bars_of([1, 2, 3]), SPY, "1d")
    writer = start(HANGS_AT_SYNC, store.root, n_syncs)
    assert writer.stdout.readline() == b"hangs\n"
    writer.kill()
    assert writer.wait(10) == -signal.SIGKILL
    fresh = CandleStore(store.root)
    assert fresh.datasets() == [old]
    fresh.verify(old)
    new = fresh.add(bars_of([7, 8, 9]), SPY, "1d")
    fresh.verify(new)
    assert store.get("SPY", "NYSE", "1d") == new


def test_disk_that_is_full_leaves_nothing_of_the_new_version(store, monkeypatch):
    def full(_descriptor):
        raise OSError(28, "No space left on device")

    old = store.add(bars_of([1, 2]), SPY, "1d")
    before = sorted(path.name for path in old.path.parent.iterdir())
    monkeypatch.setattr("algotrade.durable.os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        store.add(bars_of([1, 3]), SPY, "1d")
    assert sorted(path.name for path in old.path.parent.iterdir()) == before
    assert store.datasets() == [old]


def test_file_cut_anywhere_is_told_as_damaged(store):
    dataset = store.add(bars_of([1, 2, 3]), SPY, "1d")
    whole = dataset.path.read_bytes()
    for length in range(0, len(whole), 7):
        dataset.path.write_bytes(whole[:length])
        with pytest.raises(MarketDataError, match=r"The candles of SPY-NYSE-1d (cannot be read|are damaged)"):
            store.load(dataset)


def test_file_with_a_changed_byte_never_passes_as_the_candles_it_was(store):
    bars = bars_of([1, 2, 3])
    dataset = store.add(bars, SPY, "1d")
    whole = dataset.path.read_bytes()
    n_told = 0
    for at in range(len(whole)):
        dataset.path.write_bytes(whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :])
        try:
            store.verify(dataset)
        except MarketDataError:
            n_told += 1
        else:
            assert columns_of(store.load(dataset)) == columns_of(bars)
    assert n_told >= 6 * 3 * 8  # six columns of three values of eight bytes at least


def test_file_that_is_gone_is_told(store):
    dataset = store.add(bars_of([1]), SPY, "1d")
    dataset.path.unlink()
    with pytest.raises(MarketDataError, match="SPY-NYSE-1d cannot be read"):
        store.load(dataset)


def test_file_of_other_candles_is_told(store):
    dataset = store.add(bars_of([1, 2]), SPY, "1d")
    dataset.path.write_bytes(store.add(bars_of([1, 2, 3]), SPY, "1d").path.read_bytes())
    with pytest.raises(MarketDataError, match="damaged"):
        store.load(dataset)


def test_import_of_the_same_candles_mends_a_damaged_file(store):
    dataset = store.add(bars_of([1, 2]), SPY, "1d")
    dataset.path.write_bytes(dataset.path.read_bytes()[:100])
    assert store.add(bars_of([1, 2]), SPY, "1d") == dataset
    store.verify(dataset)


@pytest.mark.parametrize(
    "text",
    ["", "{", "null", "[]", "{}", '{"version": "../../x"}', '{"version": 7}', "\udcff", '{"version": "a\\u0000"}'],
)
def test_damaged_description_is_told_with_its_file(store, text):
    dataset = store.add(bars_of([1]), SPY, "1d")
    dataset.path.with_name("current.json").write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(MarketDataError, match=r"current\.json of SPY-NYSE-1d is damaged"):
        store.get("SPY", "NYSE", "1d")


def test_damaged_dataset_is_told_and_hides_no_other(store):
    damaged = store.add(bars_of([1]), SPY, "1d")
    whole = store.add(bars_of([1]), SPY, "1h")
    damaged.path.with_name("current.json").write_text("{")
    found, (problem,) = store.survey()
    assert found == store.datasets() == [whole]
    assert problem.startswith("current.json of SPY-NYSE-1d is damaged")


def test_description_is_plain_json_without_paths_of_the_machine(store):
    dataset = store.add(bars_of([1]), SPY, "1d")
    text = dataset.path.with_name("current.json").read_text()
    assert json.loads(text)["asset"] == "SPY"
    assert str(store.root) not in text
