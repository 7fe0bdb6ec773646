"""What a worker does with a ticket, with a child that follows a script."""

from pathlib import Path

import pytest
from django.db import InterfaceError, OperationalError

from algotrade.child import ChildEnded
from runs import artifacts, shutdown
from runs.backtests import execution
from runs.models import Run, RunState
from runs.node import tasks
from runs.worker import conversation
from tests.builders import ERROR, RESULT, make_run

pytestmark = pytest.mark.django_db


class ScriptedChild:
    """A child that gives prepared messages; a callable in the script is called, and an exception raised."""

    log = "printed"

    def __init__(self, *script):
        self.script = list(script)
        self.calls = []

    def send(self, job):
        self.job = job

    def receive(self, _timeout):
        step = self.script.pop(0) if self.script else None
        if isinstance(step, Exception):
            raise step
        if callable(step):
            return step()
        if isinstance(step, dict) and "done" in step:
            folder = Path(self.job["out"])
            folder.mkdir(parents=True)
            (folder / "equity.npy").write_bytes(b"x")
        return step

    def stop(self):
        self.calls.append("stop")

    def close(self):
        self.calls.append("close")


class OneChild:
    """Keeps the scripted child in place of a worker's children."""

    def __init__(self, child):
        self.child = child
        self.returned = []

    def take(self, _source_hash):
        return self.child

    def warm_up(self):
        pass

    def give_back(self, child, _source_hash):
        self.returned.append(child)


@pytest.fixture
def execute(monkeypatch, settings, tmp_path):
    """Return a function that executes a run with a scripted child, and gives back run and child."""
    settings.ALGOTRADE_HOME = tmp_path
    settings.BEAT_SECONDS = 0.0
    monkeypatch.setattr(conversation, "STOP_GRACE_SECONDS", 0.0)
    monkeypatch.setattr(
        conversation, "close_old_connections", lambda: None
    )  # it would close the test's own transaction
    monkeypatch.setattr(artifacts.catalog().__class__, "snapshot", lambda _self, source_hash: tmp_path / source_hash)

    def run_it(run, *script):
        child = ScriptedChild(*script)
        monkeypatch.setattr(execution, "children", OneChild(child))
        tasks.execute(str(run.id))
        run.refresh_from_db()
        return child

    return run_it


def test_finished_run_is_completed_and_its_artifact_in_place(execute):
    run = make_run()
    execute(run, {"phase": "running_backtest"}, {"done": RESULT})
    assert (run.state, run.result["metrics"], run.result["log"]) == ("completed", RESULT["metrics"], "printed")
    assert (artifacts.folder(run) / "equity.npy").exists()


def test_failed_run_keeps_the_error_and_leaves_no_files(execute):
    run = make_run()
    execute(run, {"failed": ERROR})
    assert (run.state, run.error_message, run.error_detail) == ("failed", "no", {"bar": 7, "log": "printed"})
    assert list(artifacts.artifacts_folder().glob("*")) == []


def test_error_of_the_product_itself_fails_the_run_with_its_trace(execute, monkeypatch):
    def break_down(_self):
        raise ValueError("nobody thought of this, postgres://me:hunter2@db/test")

    monkeypatch.setattr(execution.Execution, "carry_out", break_down)
    run = make_run()
    execute(run)
    assert (run.state, run.owner, run.error_type) == ("failed", "", "ValueError")
    assert run.error_message.startswith("nobody thought of this")
    assert "in break_down" in run.error_stack_trace
    assert "hunter2" not in run.error_message + run.error_stack_trace


@pytest.mark.parametrize("error", [OperationalError, InterfaceError])
def test_rows_that_are_away_leave_the_claim_to_its_lease(execute, monkeypatch, error):
    def lose_the_database(_self):
        raise error("the server closed the connection")

    monkeypatch.setattr(execution.Execution, "carry_out", lose_the_database)
    run = make_run()
    with pytest.raises(error):
        execute(run)
    run.refresh_from_db()
    assert (run.state, run.error_message) == ("running", None)


def test_progress_reaches_the_row(execute):
    run = make_run()
    seen = []

    def look():
        seen.append(Run.objects.values_list("processed", "phase", "live").get(pk=run.pk))

    execute(run, {"phase": "running_backtest"}, {"processed": 300, "live": {"rate": 5.0}}, look, {"done": RESULT})
    assert seen == [(300, "running_backtest", {"rate": 5.0})]


def test_run_that_ends_before_the_next_beat_keeps_its_curve(execute, settings):
    settings.BEAT_SECONDS = 60.0
    run = make_run()
    execute(run, {"phase": "running_backtest"}, {"processed": 300, "live": {"curve": [1]}}, {"done": RESULT})
    assert (run.state, run.live) == ("completed", {"curve": [1]})


def test_cancelled_run_stops_the_child_and_writes_nothing_more(execute):
    run = make_run()
    child = execute(run, lambda: Run.objects.get(pk=run.pk).mark_cancelled() and None, None, None)
    assert (run.state, run.result, child.calls) == ("cancelled", None, ["stop", "close"])


def test_child_that_stopped_in_time_is_ended_too(execute, monkeypatch):
    monkeypatch.setattr(conversation, "STOP_GRACE_SECONDS", 10.0)
    run = make_run()
    child = execute(run, lambda: Run.objects.get(pk=run.pk).mark_cancelled() and None, {"stopped": True})
    assert (run.state, child.calls) == ("cancelled", ["stop", "close"])


def test_run_cancelled_while_the_child_ends_stays_cancelled(execute):
    run = make_run()

    def cancel_and_finish():
        Run.objects.get(pk=run.pk).mark_cancelled()
        return {"failed": ERROR}

    execute(run, cancel_and_finish)
    assert (run.state, run.error_message) == ("cancelled", None)


def test_child_that_dies_gives_the_run_back(execute):
    run = make_run()
    execute(run, ChildEnded(-11, "Segmentation fault"))
    assert (run.state, run.crashes) == ("pending", 1)


def test_child_that_dies_at_the_last_attempt_fails_the_run_naming_the_signal(execute):
    run = make_run(crashes=2)
    execute(run, ChildEnded(-11, "Fatal Python error: Segmentation fault"))
    assert run.state == "failed"
    assert "SIGSEGV" in run.error_message
    assert "Segmentation fault" in run.error_stack_trace


def test_silent_child_is_ended_as_stuck(execute, settings):
    settings.STALL_SECONDS = -1.0
    run = make_run()
    child = execute(run, None)
    assert (run.state, run.error_type, child.calls) == ("failed", "Stuck", ["close"])


def test_node_shutting_down_gives_the_run_back_at_no_charge(execute, monkeypatch):
    run = make_run()
    answers = iter([False, True])
    monkeypatch.setattr(shutdown, "has_begun", lambda: next(answers, True))
    execute(run, None)
    assert (run.state, run.crashes) == ("pending", 0)


def test_node_shutting_down_claims_nothing(execute, monkeypatch):
    run = make_run()
    monkeypatch.setattr(shutdown, "has_begun", lambda: True)
    execute(run)
    assert (run.state, run.attempt) == ("pending", 0)


@pytest.mark.parametrize("state", [RunState.CANCELLED, RunState.COMPLETED])
def test_ticket_of_an_ended_run_does_nothing(execute, state):
    run = make_run(state)
    execute(run)
    assert (run.state, run.attempt) == (state, 0)


def test_terminal_write_waits_for_the_database(execute, monkeypatch):
    run = make_run()
    calls = []
    real = Run.mark_failed

    def locked_once(self, *args):
        calls.append(1)
        if len(calls) == 1:
            raise OperationalError("database is locked")
        return real(self, *args)

    monkeypatch.setattr(Run, "mark_failed", locked_once)
    execute(run, {"failed": ERROR})
    assert (run.state, len(calls)) == ("failed", 2)
