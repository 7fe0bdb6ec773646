"""Optimizations through the running product: kills, cancel, resume, finish, failures; the table stays the same."""

import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager

import pytest

from tests.environment import ROOT
from tests.integration.conftest import CANDLES
from tests.integration.searching import PATIENT, Searches, asked
from tests.stack import Product, wait_for

pytestmark = pytest.mark.stack


DIES_IN_IMPORT = """
import os
import signal
from pathlib import Path

keeper = Path("/proc", str(os.getppid()), "stat").read_text().rpartition(")")[2].split()
if Path({flag!r}).exists() and b"worker" in Path("/proc", keeper[1], "cmdline").read_bytes():
    os.kill(os.getpid(), signal.SIGSEGV)
"""
"""Ends the process that imports it, if that is a worker's child, while the flag is there."""


@pytest.fixture
def searches(product):
    return Searches(product)


@pytest.fixture
def lone_searches(lone_product):
    return Searches(lone_product)


def test_every_trial_has_the_metrics_of_its_backtest(searches):
    axes = {"fast": {"min": 5, "max": 20, "step": 5}, "slow": {"values": [30, 60]}}
    body = {"strategy_name": "sma_cross", **CANDLES, "commission": 0.001, "axes": axes}
    run_id = searches.submit(body)
    end = searches.finished(run_id)
    assert (end["status"], end["completed_combinations"], end["total_combinations"]) == ("completed", 8, 8)
    for number, _, parameters, metrics, _ in searches.table(run_id):
        one = {"strategy_name": "sma_cross", **CANDLES, "commission": 0.001, "parameters": parameters}
        alone = searches.product.finished(searches.product.submit(one)["id"])
        assert alone["result"]["metrics"] == metrics, number


def test_best_trial_is_repeated_and_is_the_same_to_the_bit(searches):
    run_id = searches.submit(asked(30, millis=1))
    end = searches.finished(run_id)
    detail = searches.product.call("GET", f"/api/optimizations/{run_id}")[1]
    assert detail["result"]["parity"]["status"] == "equal"
    assert end["best"]["trial"] == detail["result"]["summary"]["best"]["trial"]


def test_failed_trials_keep_their_errors_and_the_rest_goes_on(searches):
    run_id = searches.submit(asked(60, bad=10, millis=1))
    end = searches.finished(run_id)
    assert (end["status"], end["completed_combinations"], end["failed_combinations"]) == ("completed", 54, 6)
    groups = searches.product.call("GET", f"/api/optimizations/{run_id}/failures")[1]["items"]
    assert [(g["error_type"], g["count"]) for g in groups] == [("KeyError", 6)]
    failed = searches.product.call("GET", f"/api/optimizations/{run_id}/trials?q=status+%3D%3D+%22failed%22")[1][
        "items"
    ]
    assert sorted(item["parameters"]["length"] for item in failed) == [10, 20, 30, 40, 50, 60]
    assert "share = {}[" in failed[0]["error_stack_trace"].rpartition("File ")[2]


def test_trial_that_ends_its_process_becomes_one_failed_trial(searches):
    run_id = searches.submit(asked(30, deadly=13, millis=2))
    end = searches.finished(run_id)
    assert (end["status"], end["completed_combinations"], end["failed_combinations"]) == ("completed", 29, 1)
    (culprit,) = [row for row in searches.table(run_id) if row[1] == "failed"]
    assert culprit[2]["length"] == 13
    assert "SIGSEGV" in culprit[4]


def test_cancel_frees_the_cores_and_resume_computes_the_rest(searches):
    run_id = searches.submit(asked(millis=40))
    searches.begun(run_id)
    began = time.monotonic()
    assert searches.verb(run_id, "cancel")[1]["status"] == "cancelled"
    assert time.monotonic() - began < 1.0
    kept = searches.status(run_id)["completed_combinations"]
    # A worker frees its chunk when its child has stopped, or was ended.
    wait_for(lambda: not searches.product.chunk_owners(), 1.0, "free cores")
    assert searches.status(run_id)["completed_combinations"] == kept
    assert searches.verb(run_id, "cancel")[0] == 409
    assert searches.verb(run_id, "resume")[0] == 202
    end = searches.finished(run_id)
    assert (end["status"], end["completed_combinations"], end["attempt"]) == ("completed", 120, 2)
    assert [row[0] for row in searches.table(run_id)] == list(range(1, 121))


def test_finish_now_reports_a_part(searches):
    run_id = searches.submit(asked(millis=41))
    searches.begun(run_id)
    assert searches.verb(run_id, "finish")[0] == 202
    end = searches.finished(run_id, 15)
    assert (end["status"], end["is_partial"]) == ("completed", True)
    assert 5 <= end["completed_combinations"] < 120
    assert len(searches.table(run_id)) == end["completed_combinations"]


def test_retry_runs_only_failed_trials_with_the_mended_strategy(searches):
    run_id = searches.submit(asked(30, bad=15, millis=3))
    assert searches.finished(run_id)["failed_combinations"] == 2
    before = searches.table(run_id)
    searches.product.write_strategy("patient", PATIENT.replace("{}[int(params.length)]", "1.0"))
    try:
        assert searches.verb(run_id, "retry-failed")[0] == 202
        end = searches.finished(run_id)
    finally:
        searches.product.write_strategy("patient", PATIENT)
    assert (end["status"], end["completed_combinations"], end["failed_combinations"]) == ("completed", 30, 0)
    after = searches.table(run_id)
    assert [row for row in after if row[0] not in (15, 30)] == [row for row in before if row[0] not in (15, 30)]


def test_known_trials_are_reused_and_counted(searches):
    first = searches.submit(asked(30, millis=5))
    searches.finished(first)
    second = searches.submit(asked(40, millis=5))
    end = searches.finished(second)
    assert (end["completed_combinations"], end["reused_combinations"]) == (40, 30)
    assert searches.table(second)[:30] == searches.table(first)


def test_smaller_run_passes_between_chunks(searches):
    run_id = searches.submit(asked(millis=42))
    searches.begun(run_id)
    body = {"strategy_name": "sma_cross", **CANDLES, "parameters": {"fast": 7, "slow": 70}}
    backtest = searches.product.submit(body)["id"]
    assert searches.product.finished(backtest, 15)["status"] == "completed"
    assert searches.status(run_id)["status"] == "running"
    searches.verb(run_id, "cancel")


@pytest.fixture
def flag(searches, tmp_path):
    """Return a file; while it is there, no child of a worker survives the import of the strategy."""
    flag = tmp_path / "flag"
    searches.product.write_strategy("patient", PATIENT + DIES_IN_IMPORT.format(flag=str(flag)))
    return flag


def test_optimization_no_child_of_which_begins_a_trial_fails_and_keeps_what_is_done(searches, flag):
    run_id = searches.submit(asked(60, millis=30))
    searches.begun(run_id, 10)
    flag.touch()
    for child in searches.product.children():
        os.kill(child, signal.SIGKILL)
    end = searches.finished(run_id, 30)
    assert (end["status"], end["failed_combinations"]) == ("failed", 0)
    assert "ended by SIGSEGV. No trial had begun by then, 3 times in a row" in end["error_message"]
    kept = searches.table(run_id)
    assert 10 <= len(kept) < 60
    flag.unlink()
    assert searches.verb(run_id, "resume")[0] == 202
    assert searches.finished(run_id)["completed_combinations"] == 60
    assert [row for row in searches.table(run_id) if row in kept] == kept


def test_optimization_no_child_of_which_survives_its_preparation_fails(searches, flag):
    flag.touch()
    end = searches.finished(searches.submit(asked(20)), 30)
    assert (end["status"], end["completed_combinations"]) == ("failed", 0)
    assert "3 times. The strategy's process was ended by SIGSEGV" in end["error_message"]


def test_killed_product_goes_on_with_the_missing_trials(lone_searches):
    run_id = lone_searches.submit(asked(80, millis=30))
    lone_searches.begun(run_id, 10)
    lone_searches.product.process.kill()
    lone_searches.product.process.wait()
    lone_searches.product.start()
    end = lone_searches.finished(run_id)
    assert (end["status"], end["completed_combinations"]) == ("completed", 80)
    assert [row[0] for row in lone_searches.table(run_id)] == list(range(1, 81))


def test_stop_gives_an_optimization_back_with_what_is_done(lone_searches):
    run_id = lone_searches.submit(asked(80, millis=30))
    lone_searches.begun(run_id, 10)
    assert lone_searches.product.stop() == 0
    lone_searches.product.start()
    standing = lone_searches.status(run_id)
    assert standing["completed_combinations"] >= 10
    end = lone_searches.finished(run_id)
    assert (end["status"], end["completed_combinations"]) == ("completed", 80)


def test_stop_while_the_best_trial_is_repeated_gives_an_optimization_back(lone_searches):
    run_id = lone_searches.submit(asked(2, millis=3_000))
    number = lone_searches.status(run_id)["number"]
    phase = f"SELECT phase FROM runs_run WHERE number = {number}"
    wait_for(lambda: lone_searches.product.rows(phase) == [("writing_report",)], 30, "the report")
    assert lone_searches.product.stop() == 0
    standing = f"SELECT state, crashes FROM runs_run WHERE number = {number}"
    assert lone_searches.product.rows(standing) == [("pending", 0)]
    lone_searches.product.start()
    end = lone_searches.finished(run_id)
    assert (end["status"], end["completed_combinations"]) == ("completed", 2)
    assert lone_searches.product.call("GET", f"/api/optimizations/{run_id}")[1]["result"]["parity"]["status"] == "equal"


def test_two_nodes_on_postgresql_and_redis_make_the_same_table(services, tmp_path):
    tables, owners = [], set()
    for name, addresses in (("embedded", {}), ("services", services)):
        with Product(tmp_path / name, sample=True, **addresses) as product:
            searches = Searches(product)
            with second_node(product):
                run_id = searches.submit(asked(100, bad=25, deadly=33, millis=20))
                while searches.status(run_id)["status"] in ("pending", "running"):
                    owners |= {(name, owner.split(":")[1]) for owner in product.chunk_owners()}
                    time.sleep(0.05)
                assert searches.finished(run_id)["failed_combinations"] == 5
                tables.append(searches.table(run_id))
    assert tables[0] == tables[1]
    assert len({pid for name, pid in owners if name == "services"}) > 2  # more workers than one node has


@contextmanager
def second_node(product):
    """Run another node of two workers on the same rows."""
    command = [sys.executable, "manage.py", "worker", "--workers", "2"]
    node = subprocess.Popen(command, cwd=ROOT, env=product.environment, stdin=subprocess.DEVNULL)
    try:
        yield
    finally:
        node.terminate()
        node.wait(15)
