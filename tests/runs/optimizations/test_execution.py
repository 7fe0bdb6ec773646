"""What workers do with an optimization, with children that follow a script."""

import itertools

import pytest

from algotrade.child import ChildEnded
from runs import artifacts, queue, shutdown
from runs.backtests import execution as backtest_execution
from runs.models import Chunk, Run, RunState
from runs.node import tasks
from runs.optimizations import completion
from runs.optimizations import execution as optimization_execution
from runs.worker import conversation
from tests.builders import make_run
from tests.optimizations import ERROR, TOTAL, batch, fresh, make_optimization, vector

pytestmark = pytest.mark.django_db
MAX_ATTEMPTS = 3


class TrialChild:
    """A child that evaluates trials by a function of their number; it may end, fall silent or be asked to stop."""

    log = "printed"

    def __init__(self, scorer):
        self.scorer = scorer
        self.calls = []

    def send(self, job):
        self.job, self.begun = job, None

    def receive(self, _timeout):
        if self.job["job"] == "prepare":
            return {"done": {}}
        if self.begun is None or (self.job["is_careful"] and self.begun != self.job["numbers"][0]):
            self.begun = self.job["numbers"][0]
            return {"begins": self.begun}
        told = {}
        for number in self.job["numbers"]:
            verdict = self.scorer(number)
            if isinstance(verdict, Exception):
                if told:  # a child under suspicion tells each trial before the next
                    self.job["numbers"] = self.job["numbers"][len(told) :]
                    return {"trials": batch(told)}
                raise verdict
            told[number] = verdict
            if self.job["is_careful"] and number != self.job["numbers"][-1]:
                self.job["numbers"] = self.job["numbers"][1:]
                return {"trials": batch(told)}
        return {"done": {}, "trials": batch(told)}

    def stop(self):
        self.calls.append("stop")

    def close(self):
        self.calls.append("close")


class OneChild:
    def __init__(self, child):
        self.child = child

    def take(self, _source_hash):
        return self.child

    def warm_up(self):
        pass

    def give_back(self, _child, _source_hash):
        pass


def good(number):
    return vector(sharpe_ratio=float(number), trades=5.0)


@pytest.fixture
def work(monkeypatch, settings, tmp_path):
    """Return a function that works on an optimization like a worker with a ticket, and tells its tickets."""
    settings.ALGOTRADE_HOME = tmp_path
    settings.BEAT_SECONDS = 0.0
    tickets = []
    monkeypatch.setattr(conversation, "STOP_GRACE_SECONDS", 0.0)
    monkeypatch.setattr(conversation, "close_old_connections", lambda: None)
    monkeypatch.setattr(artifacts.catalog().__class__, "snapshot", lambda _self, source_hash: tmp_path / source_hash)
    monkeypatch.setattr(queue, "enqueue", tickets.append)
    monkeypatch.setattr(completion, "_parity", lambda run, best: None)

    def run_it(run, scorer=good):
        child = TrialChild(scorer)
        for module in (optimization_execution, backtest_execution):
            monkeypatch.setattr(module, "children", OneChild(child))
        tickets.clear()
        tasks.execute(str(run.id))
        run.refresh_from_db()
        return tickets

    return run_it


def pending(**fields):
    return make_optimization(RunState.PENDING, **fields)


def test_every_trial_is_evaluated_once_and_the_run_completed(work):
    run = pending()
    work(run)
    assert (run.state, run.processed, run.failed, run.attempt) == ("completed", TOTAL, 0, 1)
    assert list(run.trials.values_list("number", flat=True)) == list(range(TOTAL))
    assert (run.best_trial, run.is_partial, Chunk.objects.count()) == (TOTAL - 1, False, 0)


def test_failed_trials_are_counted_and_the_others_go_on(work):
    run = pending()
    work(run, lambda number: ERROR if number % 10 == 3 else good(number))
    assert (run.state, run.processed, run.failed, run.completed_trials) == ("completed", TOTAL, 2, TOTAL - 2)
    assert list(run.trials.filter(is_failed=True).values_list("number", flat=True)) == [3, 13]


def test_trial_that_ends_its_process_becomes_one_failed_trial_naming_the_signal(work):
    run = pending()
    work(run, lambda number: ChildEnded(-11, "") if number == 5 else good(number))
    assert (run.state, run.processed, run.failed) == ("completed", TOTAL, 1)
    culprit = run.trials.get(is_failed=True)
    assert (culprit.number, culprit.error_type) == (5, "WorkerLost")
    assert "SIGSEGV" in culprit.error_message


def test_trial_is_blamed_only_for_losses_at_itself(work):
    deaths = [5, 5, 7, 7]  # number 5 is judged twice: the batch before it is told first

    def killed(number):
        return ChildEnded(-9, "") if deaths[:1] == [number] and deaths.pop(0) else good(number)

    work(run := pending(), killed)
    assert (run.state, run.processed, run.failed, deaths) == ("completed", TOTAL, 0, [])


@pytest.fixture
def dies_at_starts(monkeypatch):
    """Return a function that lets children end before a trial begins, in those of their jobs that it is given."""
    receive = TrialChild.receive

    def arrange(deadly):
        jobs = itertools.count(1)

        def dies(self, timeout):
            if self.job["job"] == "trials" and self.begun is None and next(jobs) in deadly:
                raise ChildEnded(-11, "in import")
            return receive(self, timeout)

        monkeypatch.setattr(TrialChild, "receive", dies)

    return arrange


def test_process_that_ends_before_a_trial_begins_blames_no_trial(work, dies_at_starts):
    dies_at_starts({1, 2, 4})
    work(run := pending())
    assert (run.state, run.processed, run.failed, run.crashes) == ("completed", TOTAL, 0, 0)


def test_process_that_never_begins_a_trial_fails_the_optimization_naming_the_signal(work, dies_at_starts):
    dies_at_starts({2, 3, 4})
    work(run := pending())
    assert (run.state, run.processed, run.failed, run.crashes) == ("failed", 8, 0, MAX_ATTEMPTS)
    assert (run.error_type, run.error_stack_trace) == ("WorkerLost", "in import")
    assert "ended by SIGSEGV. No trial had begun by then, 3 times in a row." in run.error_message
    dies_at_starts(())
    assert run.mark_resumed()
    work(run)
    assert (run.state, run.processed, run.crashes) == ("completed", TOTAL, 0)


def test_lost_starts_fail_no_optimization_while_another_worker_is_at_a_trial(work, dies_at_starts):
    run = make_optimization(handed_out=8)
    elsewhere = Chunk.objects.create(run=run, first=0, count=8, owner="elsewhere", is_begun=True)
    dies_at_starts({1, 2, 3, 4})
    work(run)
    assert (run.state, run.processed) == ("running", TOTAL - 8)
    elsewhere.release("elsewhere")
    work(run)
    assert run.state == "completed"


def test_silent_trial_becomes_one_failed_trial(work, settings, monkeypatch):
    receive = TrialChild.receive

    def silent_at_five(self, timeout):
        settings.STALL_SECONDS = 300.0
        if self.job["job"] != "trials" or self.begun is None or 5 not in self.job["numbers"]:
            return receive(self, timeout)
        if self.job["numbers"][0] == 5:
            settings.STALL_SECONDS = -1.0
            return None
        whole, self.job["numbers"] = self.job["numbers"], self.job["numbers"][: self.job["numbers"].index(5)]
        message = receive(self, timeout)
        told = message.get("trials", {"numbers": []})
        self.job["numbers"] = whole[len(told["numbers"]) :]
        return {name: told for name, told in message.items() if name != "done"}

    monkeypatch.setattr(TrialChild, "receive", silent_at_five)
    run = pending()
    work(run)
    assert (run.state, run.failed) == ("completed", 1)
    assert "may be in an endless loop" in run.trials.get(is_failed=True).error_message


def test_strategy_that_no_trial_can_run_fails_the_optimization(work, monkeypatch):
    run = pending()
    monkeypatch.setattr(TrialChild, "receive", lambda _self, _timeout: {"failed": ERROR})
    work(run)
    assert (run.state, run.error_type, run.processed) == ("failed", "ZeroDivisionError", 0)
    assert run.error_detail["log"] == "printed"


def test_cancelled_run_stores_nothing_more(work):
    run = pending()

    def cancel_at_ten(number):
        if number == 10:
            Run.objects.get(pk=run.pk).mark_cancelled()
        return good(number)

    work(run, cancel_at_ten)
    assert (run.state, run.processed) == ("cancelled", 8)
    assert run.mark_resumed()
    work(run)
    assert (run.state, run.processed, run.attempt) == ("completed", TOTAL, 2)


def test_finish_now_reports_what_is_there(work):
    run = pending()

    def finish_at_ten(number):
        if number == 10:
            Run.objects.get(pk=run.pk).request_finish()
        return good(number)

    work(run, finish_at_ten)
    assert (run.state, run.is_partial, run.chunks.count()) == ("completed", True, 0)
    assert 8 <= run.processed < TOTAL
    assert run.best_trial == run.processed - 1


def test_waiting_run_gets_the_worker_after_the_next_chunk(work):
    run, waiting = pending(), make_run()
    tickets = work(run)
    assert (run.state, run.processed) == ("running", 8)
    assert tickets == [run.id]
    waiting.mark_cancelled()
    work(run)
    assert run.state == "completed"


def test_worker_goes_on_with_another_optimization_when_one_is_done(work):
    first, second = pending(), make_optimization()
    work(first)
    assert (fresh(first).state, fresh(second).state) == ("completed", "completed")


def test_node_shutting_down_gives_the_optimization_back_with_what_is_done(work, monkeypatch):
    run = pending()
    monkeypatch.setattr(shutdown, "has_begun", lambda: run.trials.count() >= 8)
    work(run)
    assert (run.state, run.processed, run.crashes) == ("pending", 8, 0)
    assert not run.chunks.exclude(owner="").exists()
    monkeypatch.setattr(shutdown, "has_begun", lambda: False)
    work(run)
    assert (run.state, run.processed) == ("completed", TOTAL)


def related():
    run = pending()
    run.families.create(dataset=0, source=0, key="f" * 64)
    return run


def test_known_trials_of_an_earlier_run_are_taken_over(work):
    work(earlier := related(), lambda number: ERROR if number == 3 else good(number))
    later, evaluated = related(), []
    work(later, lambda number: evaluated.append(number) or good(number))
    assert (later.state, later.processed, later.reused, later.failed) == ("completed", TOTAL, TOTAL - 1, 0)
    assert evaluated == [3]
    assert later.trials.get(number=7).metrics == earlier.trials.get(number=7).metrics
    assert list(later.trials.filter(is_reused=False).values_list("number", flat=True)) == [3]


def test_table_is_the_same_for_any_order_of_workers(work):
    work(plain := pending())
    mixed = make_optimization(handed_out=TOTAL)
    for first in (15, 5, 10, 0):
        Chunk.objects.create(run=mixed, first=first, count=5)
    work(mixed)

    def say(run):
        return list(run.trials.order_by("number").values_list("number", "combination", "metrics", "objective"))

    assert say(plain) == say(mixed)
    assert (plain.best_trial, plain.best_value) == (mixed.best_trial, mixed.best_value)
