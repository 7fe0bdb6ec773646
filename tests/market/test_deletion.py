"""Nothing that a run pins is ever deleted, whoever writes and pins meanwhile, and wherever a deletion is killed."""

import os
import signal
import threading

import pytest

from algotrade.errors import MarketDataError
from algotrade.market import holding
from algotrade.market import store as store_module
from algotrade.market.holding import StoreBusy
from algotrade.market.instruments import Instrument
from algotrade.market.store import CandleStore, DatasetChanged
from tests.engine.market import bars_of

SPY = Instrument(asset="SPY", exchange="NYSE", tick_size=0.01)
NAMES = ("SPY", "NYSE", "1d")

HANGS = """
import shutil, signal, sys
from pathlib import Path
from algotrade.market import store as module

def hang(*_args, **_options):
    print("hangs", flush=True)
    signal.pause()

store = module.CandleStore(Path(sys.argv[1]))
deletion = {
    "asking": lambda: store.delete(store.get("SPY", "NYSE", "1d"), hang),
    "renamed": lambda: (setattr(module, "sync_folder", hang), store.delete(store.get("SPY", "NYSE", "1d"))),
    "removing": lambda: (setattr(shutil, "rmtree", hang), store.delete(store.get("SPY", "NYSE", "1d"))),
}
deletion[sys.argv[2]]()
"""

IMPORTS = """
import sys
from pathlib import Path
from algotrade.market.instruments import Instrument
from algotrade.market.store import CandleStore
from tests.engine.market import bars_of

store, first = CandleStore(Path(sys.argv[1])), int(sys.argv[2])
print("ready", flush=True)
for price in range(first, first + 40):
    dataset = store.add(bars_of([price] * 50), Instrument("SPY", "NYSE", 0.01), "1d")
print(dataset.version, flush=True)
"""


@pytest.fixture
def store(tmp_path):
    return CandleStore(tmp_path / "candles")


@pytest.fixture
def impatient(monkeypatch):
    """Let nobody wait for others."""
    monkeypatch.setattr(holding, "PATIENCE_SECONDS", 0.05)


def left_of(store):
    return sorted(path.name.partition("-")[0] for path in store.root.glob(".[!l]*"))


def test_dataset_that_is_needed_after_all_is_not_touched(store):
    dataset = store.add(bars_of([1]), SPY, "1d")
    before = sorted(dataset.path.parent.iterdir())

    def may_go():
        assert store.datasets() == [dataset]  # no process that is killed now takes it with it
        return False

    assert not store.delete(dataset, may_go)
    assert sorted(dataset.path.parent.iterdir()) == before
    assert left_of(store) == []
    store.verify(dataset)


def test_nobody_stores_or_pins_while_a_deletion_asks(store, impatient):
    dataset = store.add(bars_of([1]), SPY, "1d")
    tried = []

    def may_go():
        other = CandleStore(store.root)
        for deed in (
            lambda: other.add(bars_of([2]), SPY, "1d"),
            lambda: other.take_over(dataset, None),
            lambda: other.pinned([]).__enter__(),
            lambda: other.delete(dataset),
        ):
            with pytest.raises(StoreBusy, match="are being stored or deleted right now"):
                deed()
            tried.append(deed)
        return False

    assert not store.delete(dataset, may_go)
    assert len(tried) == 4
    assert store.versions(dataset) == [dataset]


def test_pinned_version_stays_until_it_is_written_down(store, impatient):
    dataset = store.add(bars_of([1]), SPY, "1d")
    with store.pinned([(*NAMES, dataset.version)]):
        with pytest.raises(StoreBusy):
            store.delete(dataset)
        store.verify(store.get(*NAMES, dataset.version))
        store.add(bars_of([2]), SPY, "1d")  # storing goes on meanwhile
    assert store.delete(dataset)


def test_version_that_is_gone_cannot_be_pinned(store):
    dataset = store.add(bars_of([1]), SPY, "1d")
    store.delete(dataset)
    store.add(bars_of([2]), SPY, "1d")
    with pytest.raises(MarketDataError, match="any more"), store.pinned([(*NAMES, dataset.version)]):
        pytest.fail("pinned")


def test_deletion_killed_while_it_asks_has_done_nothing(store, start):
    dataset = store.add(bars_of([1]), SPY, "1d")
    kill(start(HANGS, store.root, "asking"))
    fresh = CandleStore(store.root)
    assert fresh.datasets() == [dataset]
    fresh.verify(dataset)
    assert left_of(fresh) == []
    assert fresh.delete(dataset)


@pytest.mark.parametrize("step", ["renamed", "removing"])
def test_deletion_killed_after_it_was_allowed_is_cleared_when_it_is_old(store, start, step):
    store.add(bars_of([1]), SPY, "1d")
    kill(start(HANGS, store.root, step))
    fresh = CandleStore(store.root)
    assert fresh.datasets() == []
    again = fresh.add(bars_of([1]), SPY, "1d")
    fresh.clear(3_600)
    assert left_of(fresh) == [".deleted"]
    fresh.clear(-1)
    assert left_of(fresh) == []
    fresh.verify(again)


def kill(process):
    assert process.stdout.readline() == b"hangs\n"
    process.kill()
    assert process.wait(10) == -signal.SIGKILL


def test_imports_and_deletions_at_once_lose_nothing_that_is_pinned(store, start):
    first = store.add(bars_of([7] * 50), SPY, "1d")
    writers = [start(IMPORTS, store.root, price) for price in (100, 200)]
    for writer in writers:
        assert writer.stdout.readline() == b"ready\n"
    answers = []
    while any(writer.poll() is None for writer in writers):
        # Every third deletion is allowed; what it takes is stored again, and pinned from then on.
        dataset = store.add(bars_of([7] * 50), SPY, "1d")
        assert dataset.version == first.version
        with store.pinned([(*NAMES, first.version)]):
            store.verify(store.get(*NAMES, first.version))
        answers.append(store.delete(dataset, lambda: len(answers) % 3 == 0))
        if not answers[-1]:
            store.verify(store.get(*NAMES, first.version))
    assert [writer.returncode for writer in writers] == [0, 0]
    assert {True, False} == set(answers)
    for one in store.versions(store.add(bars_of([7] * 50), SPY, "1d")):
        store.verify(one)
    assert left_of(store) == []


def test_download_that_meets_a_deletion_is_told_that_the_dataset_changed(store, tmp_path):
    dataset = store.add(bars_of([1]), SPY, "1d")
    late = CandleStore(tmp_path / "aside").add(bars_of([1, 2]), SPY, "1d")
    outcome = []

    def take_over():
        try:
            store.take_over(late, dataset.version)
        except MarketDataError as error:
            outcome.append(error)

    waiting = threading.Thread(target=take_over)

    def may_go():
        waiting.start()
        waiting.join(0.2)
        assert waiting.is_alive()
        return True

    assert store.delete(dataset, may_go)
    waiting.join(10)
    assert [type(error) for error in outcome] == [DatasetChanged]
    assert late.path.exists()
    assert store.take_over(late, None).version == late.version


def test_what_a_killed_import_left_is_cleared_when_it_is_old(store):
    dataset = store.add(bars_of([1]), SPY, "1d")
    left = dataset.path.with_name(".new-a1b2c3")
    left.write_bytes(b"half")
    store.clear(3_600)
    assert left.exists()
    store.clear(-1)
    assert not left.exists()
    store.verify(dataset)


def test_what_a_living_import_writes_stays(store, monkeypatch):
    seen = []

    def slow(bars, file, write=store_module.write_bars):
        other = CandleStore(store.root)
        other.clear(-1)
        seen.extend(left_of_imports(other))
        write(bars, file)

    monkeypatch.setattr(store_module, "write_bars", slow)
    store.verify(store.add(bars_of([1]), SPY, "1d"))
    assert len(seen) == 1
    assert left_of_imports(store) == []


def left_of_imports(store):
    return list(store.root.glob("*/.new-*"))


def test_clearing_makes_no_store(store):
    store.clear(-1)
    assert not store.root.exists()


def test_messages_name_no_place_of_the_disk(store):
    dataset = store.add(bars_of([1]), SPY, "1d")
    os.unlink(dataset.path)
    with pytest.raises(MarketDataError) as caught:
        store.load(dataset)
    assert str(caught.value) == "The candles of SPY-NYSE-1d cannot be read: No such file or directory."
