"""Killed processes: runs resume and complete, nothing is left running, a stop loses nothing."""

import os
import signal
import time

import pytest

from tests.stack import descendants, is_running, wait_for

pytestmark = pytest.mark.stack


@pytest.fixture
def slow(body):
    """Return the body of a run of about three seconds."""
    return body("slow", {"micros": 1_000}, end="2021-03-31T00:00:00Z")


def test_killed_worker_is_replaced_and_its_run_completes(product, slow):
    run_id = product.submit(slow | {"initial_cash": 20_000})["id"]
    product.wait_until(run_id, lambda b: b["processed_bars"] > 100)
    worker = product.worker_of(run_id)
    children = product.children(of=worker)
    os.kill(worker, signal.SIGKILL)
    product.wait_until(run_id, lambda b: b["attempt"] == 2 and b["status"] == "running")
    end = product.finished(run_id)
    assert (end["status"], end["attempt"]) == ("completed", 2)
    assert not any(is_running(child) for child in children)


def test_killed_child_costs_an_attempt_and_the_run_completes(product, slow):
    run_id = product.submit(slow | {"initial_cash": 21_000})["id"]
    product.wait_until(run_id, lambda b: b["processed_bars"] > 100)
    for child in product.children(of=product.worker_of(run_id)):
        os.kill(child, signal.SIGKILL)
    end = product.finished(run_id)
    assert (end["status"], end["attempt"]) == ("completed", 2)


def test_resumed_run_equals_an_undisturbed_one(product, slow):
    disturbed = product.submit(slow | {"initial_cash": 22_000})["id"]
    product.wait_until(disturbed, lambda b: b["processed_bars"] > 100)
    os.kill(product.worker_of(disturbed), signal.SIGKILL)
    first = product.finished(disturbed)
    second = product.finished(product.submit(slow | {"initial_cash": 22_000})["id"])
    assert (first["attempt"], second["attempt"]) == (2, 1)
    assert first["result"]["metrics"] == second["result"]["metrics"]


def test_killed_web_server_comes_back(lone_product, body):
    web = next(pid for pid, command in descendants(lone_product.process.pid).items() if " web " in command)
    run_id = lone_product.submit(body("slow", {"micros": 300}))["id"]
    os.kill(web, signal.SIGKILL)

    def answers():
        try:
            return lone_product.status(run_id)
        except OSError:
            return None

    assert wait_for(answers, 20, "the web server's return")["number"]
    assert lone_product.finished(run_id)["status"] == "completed"


def test_killed_product_leaves_no_process_and_goes_on_at_the_next_start(lone_product, slow):
    run_id = lone_product.submit(slow)["id"]
    lone_product.wait_until(run_id, lambda b: b["processed_bars"] > 100)
    family = descendants(lone_product.process.pid)
    assert len(family) > 5
    lone_product.process.kill()
    lone_product.process.wait()
    wait_for(lambda: not any(is_running(pid) for pid in family), 3, "the end of every process")
    lone_product.start()
    end = lone_product.finished(run_id)
    assert (end["status"], end["attempt"]) == ("completed", 2)


def test_stop_gives_a_running_backtest_back_at_no_charge(lone_product, slow):
    run_id = lone_product.submit(slow)["id"]
    lone_product.wait_until(run_id, lambda b: b["processed_bars"] > 100)
    family = descendants(lone_product.process.pid)
    began = time.monotonic()
    assert lone_product.stop() == 0
    assert time.monotonic() - began < 10
    assert not any(is_running(pid) for pid in family)
    assert lone_product.stored(run_id, "state") == "pending"
    assert lone_product.stored(run_id, "crashes") == 0
    lone_product.start()
    assert lone_product.finished(run_id)["status"] == "completed"
