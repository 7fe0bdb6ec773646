"""Rescue of lost runs, judged by the reaper's own clock."""

import pytest

from runs import queue
from runs.models import Chunk, Run, RunState, Worker
from runs.node.reaper import TICKET_SECONDS, Reaper
from runs.owners import new_owner, place
from tests.builders import make_run
from tests.optimizations import TOTAL, make_optimization

pytestmark = pytest.mark.django_db
LEASE = 20


class Clock:
    """A clock that a test moves."""

    now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def tickets(monkeypatch):
    sent = []
    monkeypatch.setattr(queue, "enqueue", sent.append)
    monkeypatch.setattr(queue, "is_empty", lambda: True)
    return sent


def state(run):
    return Run.objects.get(pk=run.pk).state


def test_run_of_a_dead_process_is_given_back_at_once(clock, tickets):
    run = make_run(RunState.RUNNING, owner=f"{place()}:{2**22 - 1}:1:abc")
    Reaper(clock).tick()
    assert state(run) == "pending"


def test_run_of_a_living_process_is_left_alone(clock, tickets):
    run = make_run(RunState.RUNNING, owner=new_owner())
    reaper = Reaper(clock)
    reaper.tick()
    clock.now += LEASE - 1
    reaper.tick()
    assert state(run) == "running"


def test_run_that_beats_is_left_alone_however_long_it_takes(clock, tickets):
    run = make_run(RunState.RUNNING, owner="elsewhere:1:1:abc")
    reaper = Reaper(clock)
    for _ in range(4):
        reaper.tick()
        run.write_beat("elsewhere:1:1:abc")
        clock.now += LEASE - 1
    reaper.tick()
    assert state(run) == "running"


def test_silent_run_of_another_host_is_lost_after_the_lease(clock, tickets):
    run = make_run(RunState.RUNNING, owner="elsewhere:1:1:abc")
    reaper = Reaper(clock)
    reaper.tick()
    clock.now += LEASE + 1
    reaper.tick()
    assert state(run) == "pending"


def test_new_claim_of_the_same_run_gets_a_lease_of_its_own(clock, tickets):
    run = make_run(RunState.RUNNING, owner="elsewhere:1:1:abc")
    reaper = Reaper(clock)
    reaper.tick()
    Run.objects.filter(pk=run.pk).update(owner="elsewhere:2:2:def")
    clock.now += LEASE + 1
    reaper.tick()
    assert state(run) == "running"


def test_new_reaper_knows_nothing_and_waits_a_lease(clock, tickets):
    run = make_run(RunState.RUNNING, owner="elsewhere:1:1:abc")
    Reaper(clock).tick()
    clock.now += 10 * LEASE
    Reaper(clock).tick()
    assert state(run) == "running"


def test_waiting_run_gets_a_new_ticket_when_the_queue_is_empty(clock, tickets):
    run = make_run()
    reaper = Reaper(clock)
    reaper.tick()
    assert tickets == []
    clock.now += TICKET_SECONDS + 1
    reaper.tick()
    reaper.tick()
    assert tickets == [run.id]


def test_waiting_run_gets_no_ticket_while_tickets_wait(clock, tickets, monkeypatch):
    monkeypatch.setattr(queue, "is_empty", lambda: False)
    make_run()
    reaper = Reaper(clock)
    reaper.tick()
    clock.now += TICKET_SECONDS + 1
    reaper.tick()
    assert tickets == []


def chunk_of(owner, **fields):
    run = make_optimization(handed_out=TOTAL)
    return Chunk.objects.create(run=run, first=0, count=5, owner=owner, **fields)


def test_chunk_of_a_dead_process_is_free_at_once_and_its_run_goes_on(clock, tickets):
    chunk = chunk_of(f"{place()}:{2**22 - 1}:1:abc")
    Reaper(clock).tick()
    chunk.refresh_from_db()
    assert (chunk.owner, chunk.crashes, state(chunk.run)) == ("", 1, "running")
    assert "stopped responding" in Run.objects.get().notice
    assert tickets == [chunk.run.id]


def test_chunk_of_a_living_process_is_left_alone(clock, tickets):
    chunk = chunk_of(new_owner())
    reaper = Reaper(clock)
    reaper.tick()
    clock.now += LEASE - 1
    reaper.tick()
    chunk.refresh_from_db()
    assert (chunk.owner != "", chunk.crashes, tickets) == (True, 0, [])


def test_chunk_that_does_not_beat_for_a_lease_is_free(clock, tickets):
    chunk = chunk_of("elsewhere:1:1:abc")
    reaper = Reaper(clock)
    reaper.tick()
    clock.now += LEASE + 1
    reaper.tick()
    chunk.refresh_from_db()
    assert (chunk.owner, chunk.crashes) == ("", 1)


def test_workers_lost_together_before_a_trial_began_are_one_lost_start(clock, tickets):
    gone = f"{place()}:{2**22 - 1}:1:abc"
    chunk = chunk_of(gone, crashes=1)
    Chunk.objects.create(run=chunk.run, first=5, count=5, owner=gone, crashes=1)
    Reaper(clock).tick()
    assert list(Chunk.objects.values_list("owner", "crashes")) == [("", 1), ("", 1)]
    assert Run.objects.get().crashes == 1


def test_optimization_whose_workers_are_always_lost_before_a_trial_begins_is_failed(clock, tickets):
    chunk = chunk_of("", crashes=1)
    for _ in range(3):
        assert state(chunk.run) == "running"
        assert Chunk.objects.claim(chunk.run, f"{place()}:{2**22 - 1}:1:abc", 5)
        Reaper(clock).tick()
    assert state(chunk.run) == "failed"
    assert "Its process is gone. No trial had begun by then" in Run.objects.get().error_message


def test_lost_trial_is_no_lost_start(clock, tickets):
    chunk = chunk_of(f"{place()}:{2**22 - 1}:1:abc", crashes=1, is_begun=True)
    Reaper(clock).tick()
    chunk.refresh_from_db()
    assert (chunk.crashes, chunk.run.crashes) == (2, 0)


def test_worker_that_starts_frees_what_dead_ones_hold_and_rings_for_it(clock, tickets):
    chunk = chunk_of(f"{place()}:{2**22 - 1}:1:abc")
    Reaper(clock).look_around()
    chunk.refresh_from_db()
    assert (chunk.owner, tickets) == ("", [chunk.run.id])


def test_worker_that_starts_rings_for_what_waits(clock, tickets, monkeypatch):
    run = make_run()
    Reaper(clock).look_around()
    monkeypatch.setattr(queue, "is_empty", lambda: False)
    Reaper(clock).look_around()
    assert tickets == [run.id]


def test_idle_workers_are_called_to_an_optimization_with_trials_to_do(clock, tickets):
    run = make_optimization()
    for pid in (11, 12):
        Worker.objects.create(host="here", pid=pid, started_ticks=1, node_pid=1, version="1")
    Reaper(clock).tick()
    assert tickets == [run.id, run.id]


@pytest.mark.parametrize("fields", [{"handed_out": TOTAL}, {"state": RunState.CANCELLED}])
def test_nobody_is_called_while_others_do_all_that_is_left(clock, tickets, fields):
    run = make_optimization(**fields)
    Chunk.objects.create(run=run, first=0, count=5, owner=new_owner())
    Worker.objects.create(host="here", pid=11, started_ticks=1, node_pid=1, version="1")
    Reaper(clock).tick()
    assert tickets == []
