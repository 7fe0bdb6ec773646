"""What a worker does with a download, with a child that follows a script, and what happens to its row and dataset."""

import numpy as np
import pytest
from django.db import DatabaseError

from algotrade.child import ChildEnded
from algotrade.market.bars import Bars
from algotrade.market.instruments import Instrument
from algotrade.market.store import CandleStore
from algotrade.market.vendors.merging import Merged
from runs import artifacts
from runs.actions import verbs
from runs.actions.verbs import delete_run
from runs.downloads import execution
from runs.models import IllegalTransition, Run, RunState
from runs.node import tasks
from runs.node.reaper import Reaper
from runs.worker import conversation
from tests.builders import ERROR, make_download
from tests.runs.node.test_tasks import OneChild, ScriptedChild

pytestmark = pytest.mark.django_db(transaction=True)

HOUR = 3_600 * 10**9
BEGIN = 1_577_836_800 * 10**9
FACTS = {"n_fetched": 3, "n_added": 3, "n_changed": 0, "n_missing": 997, "missing": [], "notes": [], "n_requests": 1}


class Child(ScriptedChild):
    """A child of a download: it writes nothing into the folder that a backtest's writes."""

    def receive(self, _timeout):
        step = self.script.pop(0) if self.script else None
        if isinstance(step, Exception):
            raise step
        return step(self.job) if callable(step) else step


@pytest.fixture
def store(tmp_path, monkeypatch):
    store = CandleStore(tmp_path / "candles")
    monkeypatch.setattr(artifacts, "candle_store", lambda: store)
    return store


@pytest.fixture
def execute(monkeypatch, settings, tmp_path, store):
    """Return a function that executes a download with a scripted child, and gives the child back."""
    settings.ALGOTRADE_HOME = tmp_path
    settings.BEAT_SECONDS = 0.0
    monkeypatch.setattr(conversation, "STOP_GRACE_SECONDS", 0.0)
    monkeypatch.setattr(conversation, "close_old_connections", lambda: None)

    def run_it(run, *script):
        child = Child(*script)
        monkeypatch.setattr(execution, "children", OneChild(child))
        tasks.execute(str(run.id))
        run.refresh_from_db()
        return child

    return run_it


def bars_of(prices):
    column = np.array(prices, float)
    return Bars(BEGIN + np.arange(len(prices)) * HOUR, *([column] * 5))


def add(store, prices):
    return store.add(bars_of(prices), Instrument("BTC-USD", "bitstamp", 0.01), "1h")


def fetched(prices, base=None):
    """Return a step of the script: the child stores bars aside and tells of them."""

    def tell(job):
        dataset = add(CandleStore(artifacts.Path(job["aside"])), prices)
        return {"done": {**Merged(dataset, base, FACTS).to_dict(), "n_requests": 1}}

    return tell


def test_finished_download_is_completed_and_its_version_is_the_newest(execute, store):
    run = make_download()
    execute(run, {"phase": "fetching_bars"}, {"processed": 2, "live": {"total": 3}}, fetched([1, 2, 3]))
    assert (run.state, run.processed, run.total, run.phase) == ("completed", 3, 3, "storing_candles")
    (dataset,) = store.datasets()
    assert (dataset.n_bars, run.result["dataset"]["version"]) == (3, dataset.version)
    store.verify(dataset)
    assert not artifacts.download_folder(run).exists()


def test_job_names_what_the_child_needs_and_no_secret(execute, settings):
    settings.ALGOTRADE_EXCHANGE_URLS = {"bitstamp": "http://127.0.0.1:1"}
    child = execute(make_download(), {"failed": ERROR})
    assert set(child.job) == {"job", "spec", "store", "pages", "aside", "mirror"}
    assert child.job["mirror"] == "http://127.0.0.1:1"


def test_progress_reaches_the_row_and_the_total_follows_what_is_missing(execute):
    run, seen = make_download(), []

    def look(_job):
        seen.append(Run.objects.values_list("processed", "total", "phase").get(pk=run.pk))

    waiting = {"waiting": {"reason": "Bitstamp did not answer.", "seconds": 4.0}}
    told = ({"processed": 300, "live": {"total": 900, "rate": 5.0}}, look, waiting, look)
    execute(run, {"phase": "fetching_bars"}, *told, {"failed": ERROR})
    assert seen == [(300, 900, "fetching_bars")] * 2
    assert run.live["waiting"] is None or run.live["waiting"]["seconds"] == 4.0


def test_cancelled_download_leaves_the_dataset_and_keeps_its_pages(execute, store):
    run = make_download()

    def cancel(job):
        artifacts.Path(job["pages"]).mkdir(parents=True)
        Run.objects.get(pk=run.pk).mark_cancelled()
        return fetched([1, 2, 3])(job)

    execute(run, cancel)
    assert (run.state, run.result, store.datasets()) == ("cancelled", None, [])
    assert [path.name for path in artifacts.download_folder(run).iterdir()] == ["pages"]


def test_version_that_cannot_be_stored_fails_the_download(execute, store, monkeypatch):
    def full(*_args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(store, "take_over", full)
    run = make_download()
    execute(run, fetched([1, 2, 3]))
    assert (run.state, run.result) == ("failed", None)
    assert "No space left" in run.error_message


def test_commit_that_fails_is_made_again_and_once(execute, store, monkeypatch):
    run, calls = make_download(), []
    take_over = store.take_over

    def lose_the_database_once(dataset, base):
        calls.append(base)
        if len(calls) == 1:
            raise DatabaseError("gone")
        return take_over(dataset, base)

    monkeypatch.setattr(store, "take_over", lose_the_database_once)
    monkeypatch.setattr(conversation.time, "sleep", lambda _seconds: None)
    execute(run, fetched([1, 2, 3]))
    assert (run.state, calls, len(store.datasets())) == ("completed", [None, None], 1)


def test_dataset_that_changed_meanwhile_is_joined_again(execute, store):
    run = make_download()

    def change_and_finish(job):
        add(store, [7, 8])
        return fetched([1, 2, 3])(job)

    execute(run, change_and_finish)
    assert (run.state, run.crashes, run.notice) == ("pending", 0, execution.AGAIN)
    assert store.datasets()[0].n_bars == 2
    execute(run, fetched([1, 2, 3], base=store.datasets()[0].version))
    assert (run.state, store.datasets()[0].n_bars) == ("completed", 3)


def test_child_that_dies_gives_the_download_back_and_three_times_is_enough(execute):
    run = make_download()
    for crashes in (1, 2):
        execute(run, ChildEnded(-9, ""))
        assert (run.state, run.crashes) == ("pending", crashes)
    execute(run, ChildEnded(-9, ""))
    assert run.state == "failed"
    assert "The process that fetches was ended by SIGKILL." in run.error_message


@pytest.mark.parametrize("state", [RunState.CANCELLED, RunState.FAILED])
def test_resumed_download_keeps_its_count(execute, state):
    run = make_download(state, processed=400, error_type="X", error_message="no")
    verbs.resume(run)
    assert (run.state, run.processed, run.error_message) == ("pending", 400, None)
    claimed = Run.objects.claim(run.id, "owner")
    assert (claimed.processed, claimed.attempt) == (400, 1)


@pytest.mark.parametrize("state", [RunState.PENDING, RunState.RUNNING, RunState.COMPLETED])
def test_only_an_ended_download_is_resumed(state):
    with pytest.raises(IllegalTransition, match="only a cancelled or failed download"):
        verbs.resume(make_download(state))


def test_resume_beside_the_same_active_download_is_refused():
    make_download(run_key="k" * 64)
    with pytest.raises(IllegalTransition, match="is identical and active"):
        verbs.resume(make_download(RunState.CANCELLED, run_key="k" * 64))


def test_count_never_goes_back_and_never_beyond_the_total(execute):
    run = make_download(RunState.RUNNING)
    assert run.write_progress("owner", processed=700, total=700, phase="fetching_bars", live={})
    assert run.write_progress("owner", processed=100, total=300, phase="fetching_bars", live={})
    run.refresh_from_db()
    assert (run.processed, run.total) == (700, 700)
    assert not run.write_progress("stranger", processed=900, total=900, phase="fetching_bars", live={})


def test_deleted_download_leaves_no_files(execute):
    run = make_download(RunState.CANCELLED)
    artifacts.download_folder(run).mkdir(parents=True)
    assert delete_run(run)
    assert not artifacts.download_folder(run).exists()


@pytest.mark.parametrize(("state", "left"), [(RunState.CANCELLED, ["pages"]), (RunState.RUNNING, ["aside-1", "pages"])])
def test_what_a_killed_download_stored_aside_is_cleared_unless_it_runs(execute, monkeypatch, state, left):
    folder = artifacts.download_folder(make_download(state))
    for name in ("aside-1", "pages"):
        (folder / name).mkdir(parents=True)
    Reaper()._clean()
    assert sorted(path.name for path in folder.iterdir()) == ["aside-1", "pages"]
    monkeypatch.setattr("runs.node.reaper.LEFT_OVER_SECONDS", -1.0)
    Reaper()._clean()
    assert sorted(path.name for path in folder.iterdir()) == left


def test_failure_of_a_download_names_no_place_of_the_disk(execute, store, monkeypatch):
    def gone(*_args):
        raise FileNotFoundError(2, "No such file or directory", "/secret/aside", None, "/secret/candles")

    monkeypatch.setattr(store, "take_over", gone)
    run = make_download()
    execute(run, fetched([1, 2, 3]))
    assert (run.state, run.error_message) == ("failed", "No such file or directory")
    assert "secret" not in run.error_stack_trace


def test_download_whose_dataset_is_deleted_meanwhile_goes_on(execute, store):
    base = add(store, [1, 2])
    run = make_download()
    assert store.delete(base)
    execute(run, fetched([1, 2, 3], base.version))
    assert (run.state, run.notice) == ("pending", execution.AGAIN)
    execute(run, fetched([1, 2, 3]))
    assert (run.state, store.datasets()[0].n_bars) == ("completed", 3)


def test_folders_of_downloads_that_are_gone_are_cleared(execute, monkeypatch):
    cancelled, done = make_download(RunState.CANCELLED), make_download(RunState.COMPLETED)
    for run in (cancelled, done):
        artifacts.download_folder(run).mkdir(parents=True)
    monkeypatch.setattr("runs.node.reaper.LEFT_OVER_SECONDS", -1.0)
    Reaper()._clean()
    assert [path.name for path in artifacts.downloads_folder().iterdir()] == [str(cancelled.id)]
