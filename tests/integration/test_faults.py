"""Killed processes of a running product: runs resume, complete and are as if nothing had been, and nothing is left."""

import os
import signal

import pytest

from tests.stack import descendants, is_running, kill, wait_for

pytestmark = pytest.mark.stack


@pytest.fixture
def begin(body):
    """Return a function that starts a backtest and waits until it tells of bars; the others wait at a gate."""

    def begin_(product, gate, **fields):
        run_id = product.submit(body("gated", {"gate": gate.number}, end="2021-03-31T00:00:00Z", **fields))["id"]
        gate.let_bars()
        product.wait_until(run_id, lambda b: b["processed_bars"] > 0)
        return run_id

    return begin_


def test_killed_worker_is_replaced_and_its_run_completes_like_an_undisturbed_one(everywhere, begin, body):
    gate = everywhere.gates.new()
    run_id = begin(everywhere, gate)
    worker = everywhere.worker_of(run_id)
    children = everywhere.children(of=worker)
    os.kill(worker, signal.SIGKILL)
    everywhere.wait_until(run_id, lambda b: b["attempt"] == 2 and b["status"] == "running")
    gate.open()
    end = everywhere.finished(run_id)
    assert (end["status"], end["attempt"]) == ("completed", 2)
    assert not any(is_running(child) for child in children)
    again = body("gated", {"gate": gate.number}, end="2021-03-31T00:00:00Z")
    undisturbed = everywhere.finished(everywhere.submit(again)["id"])
    assert (undisturbed["status"], undisturbed["attempt"]) == ("completed", 1)
    assert undisturbed["result"]["metrics"] == end["result"]["metrics"]


def test_killed_child_costs_an_attempt_and_the_run_completes(everywhere, begin):
    gate = everywhere.gates.new()
    run_id = begin(everywhere, gate)
    kill(everywhere.children(of=everywhere.worker_of(run_id)))
    gate.open()
    end = everywhere.finished(run_id)
    assert (end["status"], end["attempt"]) == ("completed", 2)


def test_killed_web_server_comes_back_and_the_run_goes_on(product, begin):
    gate = product.gates.new()
    run_id = begin(product, gate)
    web = next(pid for pid, command in descendants(product.process.pid).items() if " web " in command)
    os.kill(web, signal.SIGKILL)

    def answers():
        try:
            return product.status(run_id)
        except OSError:
            return None

    assert wait_for(answers, 20, "the web server's return")["number"]
    gate.open()
    end = product.finished(run_id)
    assert (end["status"], end["attempt"]) == ("completed", 1)
