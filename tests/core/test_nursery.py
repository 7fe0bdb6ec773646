"""Runners that a nursery forks: each by itself, and none outlives it. What any child keeps to is in test_child.py."""

import os
import signal
from concurrent.futures import ThreadPoolExecutor

import pytest

from algotrade.child import Child, ChildEnded
from algotrade.lifeline import oldest_child
from algotrade.nursery import Nursery, NurseryOnDemand
from tests.core.conftest import messages_of
from tests.environment import KERNELS
from tests.stack import descendants, is_running, parent_of, wait_for


@pytest.fixture(scope="module")
def nursery():
    """Return a nursery that the tests share."""
    nursery = Nursery(kernels=KERNELS)
    yield nursery
    nursery.close()


@pytest.fixture
def brief():
    """Return a nursery for one test, which may end it."""
    nursery = Nursery(kernels=KERNELS)
    yield nursery
    nursery.close()


def test_nursery_has_one_thread_so_that_a_fork_is_whole(nursery):
    child = Child(nursery=nursery)
    assert len(os.listdir(f"/proc/{parent_of(child.pid)}/task")) == 1
    child.close()


def test_runners_draw_numbers_of_their_own(nursery, job):
    drawn = set()
    for _ in range(2):
        child = Child(nursery=nursery)
        drawn.add(messages_of(child, job("raise ValueError(np.random.random())"))[-1]["failed"]["message"])
        child.close()
    assert len(drawn) == 2


def test_runners_do_not_see_what_another_one_was_given(nursery):
    first = Child(nursery=nursery)
    second = Child(nursery=nursery)
    runner = wait_for(lambda: oldest_child(second.pid))
    opened = {os.readlink(f"/proc/{runner}/fd/{name}") for name in os.listdir(f"/proc/{runner}/fd")}
    mine = {os.readlink(f"/proc/self/fd/{first._process.stdin.fileno()}")}
    assert not opened & mine
    first.close()
    second.close()


def test_nursery_outlives_the_thread_that_asked_for_it():
    with ThreadPoolExecutor(1) as pool:
        nursery = pool.submit(Nursery).result()
    child = Child(nursery=nursery)
    assert child.is_alive
    child.close()
    nursery.close()
    assert not nursery.is_alive


def test_nursery_on_demand_is_shared_and_replaced_when_it_is_gone():
    on_demand = NurseryOnDemand()
    first = on_demand.get()
    assert on_demand.get() is first
    os.kill(first._process.pid, signal.SIGKILL)
    wait_for(lambda: not first.is_alive, what="the end of the nursery")
    second = on_demand.get()
    assert second.is_alive
    second.close()


def test_nursery_on_demand_ends_when_nobody_asks():
    nursery = NurseryOnDemand(idle_seconds=0.05).get()
    wait_for(lambda: not nursery.is_alive, what="the end of the idle nursery")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_end_of_a_nursery_ends_its_runners(brief, number):
    child = Child(nursery=brief)
    pids = {child.pid, *descendants(child.pid)}
    os.kill(parent_of(child.pid), number)
    with pytest.raises(ChildEnded) as caught:
        child.receive(20.0)
    assert caught.value.returncode == -signal.SIGKILL
    wait_for(lambda: not any(map(is_running, pids)), what="the end of the runner")
    child.close()


def test_child_of_a_nursery_that_is_gone_has_ended(brief):
    brief.close()
    child = Child(nursery=brief)
    assert not child.is_alive
    with pytest.raises(ChildEnded):
        child.send({"job": "describe"})
    child.close()
