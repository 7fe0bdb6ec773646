"""Optimizations through the running product: kills, cancel, resume, finish, failures; the table stays the same."""

import subprocess
import sys
from contextlib import contextmanager

import pytest

from tests.environment import ROOT
from tests.integration.conftest import CANDLES
from tests.integration.optimizing import PATIENT, Optimizations, asked, without_gate
from tests.stack import kill, wait_for

pytestmark = pytest.mark.stack


N_WORKERS = 4
"""Of two nodes."""
DIES_IN_IMPORT = """
import os
import signal
from pathlib import Path

if Path({flag!r}).exists():
    os.kill(os.getpid(), signal.SIGSEGV)
"""
"""Ends the process that imports it while the flag is there."""


@pytest.fixture
def optimizations(product):
    return Optimizations(product)


@pytest.fixture
def optimizations_everywhere(everywhere):
    return Optimizations(everywhere)


def test_every_trial_has_the_metrics_of_its_backtest(optimizations_everywhere):
    optimizations = optimizations_everywhere
    axes = {"fast": {"min": 5, "max": 20, "step": 5}, "slow": {"values": [30, 60]}}
    body = {"strategy_name": "sma_cross", **CANDLES, "commission": 0.001, "axes": axes}
    run_id = optimizations.submit(body)
    end = optimizations.finished(run_id)
    assert (end["status"], end["completed_combinations"], end["total_combinations"]) == ("completed", 8, 8)
    expected, alone, product = {}, {}, optimizations.product
    for number, _, parameters, metrics, _ in optimizations.table(run_id):
        one = {"strategy_name": "sma_cross", **CANDLES, "commission": 0.001, "parameters": parameters}
        expected[number], alone[number] = metrics, product.submit(one)["id"]
    assert {number: product.finished(run)["result"]["metrics"] for number, run in alone.items()} == expected


def test_best_trial_is_repeated_and_is_the_same_to_the_bit(optimizations):
    run_id = optimizations.submit(asked(optimizations.gate(is_open=True), 30))
    end = optimizations.finished(run_id)
    detail = optimizations.product.call("GET", f"/api/optimizations/{run_id}")[1]
    assert detail["result"]["parity"]["status"] == "equal"
    assert end["best"]["trial"] == detail["result"]["summary"]["best"]["trial"]


def test_failed_trials_keep_their_errors_and_the_rest_goes_on(optimizations):
    run_id = optimizations.submit(asked(optimizations.gate(is_open=True), 60, bad=10))
    end = optimizations.finished(run_id)
    assert (end["status"], end["completed_combinations"], end["failed_combinations"]) == ("completed", 54, 6)
    groups = optimizations.product.call("GET", f"/api/optimizations/{run_id}/failures")[1]["items"]
    assert [(g["error_type"], g["count"]) for g in groups] == [("KeyError", 6)]
    failed = optimizations.product.call("GET", f"/api/optimizations/{run_id}/trials?q=status+%3D%3D+%22failed%22")[1][
        "items"
    ]
    assert sorted(item["parameters"]["length"] for item in failed) == [10, 20, 30, 40, 50, 60]
    assert "share = {}[" in failed[0]["error_stack_trace"].rpartition("File ")[2]


def test_trial_that_ends_its_process_becomes_one_failed_trial(optimizations):
    run_id = optimizations.submit(asked(optimizations.gate(is_open=True), 30, deadly=13))
    end = optimizations.finished(run_id)
    assert (end["status"], end["completed_combinations"], end["failed_combinations"]) == ("completed", 29, 1)
    (culprit,) = [row for row in optimizations.table(run_id) if row[1] == "failed"]
    assert culprit[2]["length"] == 13
    assert "SIGSEGV" in culprit[4]


def test_cancel_frees_the_cores_and_resume_computes_the_rest(optimizations_everywhere):
    optimizations, gate = optimizations_everywhere, optimizations_everywhere.gate()
    run_id = optimizations.submit(asked(gate))
    optimizations.begun(run_id, gate)
    assert optimizations.verb(run_id, "cancel")[1]["status"] == "cancelled"
    kept = optimizations.status(run_id)["completed_combinations"]
    # A worker frees its chunk when its child was ended, which waits at the gate.
    wait_for(lambda: not optimizations.product.chunk_owners(), 20, "free cores")
    assert optimizations.status(run_id)["completed_combinations"] == kept
    assert optimizations.verb(run_id, "cancel")[0] == 409
    gate.open()
    assert optimizations.verb(run_id, "resume")[0] == 202
    end = optimizations.finished(run_id)
    assert (end["status"], end["completed_combinations"], end["attempt"]) == ("completed", 120, 2)
    assert [row[0] for row in optimizations.table(run_id)] == list(range(1, 121))


def test_finish_now_reports_a_part(optimizations_everywhere):
    optimizations, gate = optimizations_everywhere, optimizations_everywhere.gate()
    run_id = optimizations.submit(asked(gate))
    optimizations.begun(run_id, gate)
    assert optimizations.verb(run_id, "finish")[0] == 202
    gate.open()
    end = optimizations.finished(run_id, 15)
    assert (end["status"], end["is_partial"]) == ("completed", True)
    assert 5 <= end["completed_combinations"] < 120
    assert len(optimizations.table(run_id)) == end["completed_combinations"]


def test_retry_runs_only_failed_trials_with_the_mended_strategy(optimizations):
    run_id = optimizations.submit(asked(optimizations.gate(is_open=True), 30, bad=15))
    assert optimizations.finished(run_id)["failed_combinations"] == 2
    before = optimizations.table(run_id)
    optimizations.product.write_strategy("patient", PATIENT.replace("{}[int(params.length)]", "1.0"))
    try:
        assert optimizations.verb(run_id, "retry-failed")[0] == 202
        end = optimizations.finished(run_id)
    finally:
        optimizations.product.write_strategy("patient", PATIENT)
    assert (end["status"], end["completed_combinations"], end["failed_combinations"]) == ("completed", 30, 0)
    after = optimizations.table(run_id)
    assert [row for row in after if row[0] not in (15, 30)] == [row for row in before if row[0] not in (15, 30)]


def test_known_trials_are_reused_and_counted(optimizations):
    gate = optimizations.gate(is_open=True)
    first = optimizations.submit(asked(gate, 30))
    optimizations.finished(first)
    second = optimizations.submit(asked(gate, 40))
    end = optimizations.finished(second)
    assert (end["completed_combinations"], end["reused_combinations"]) == (40, 30)
    assert optimizations.table(second)[:30] == optimizations.table(first)


def test_smaller_run_passes_between_chunks(optimizations):
    gate = optimizations.gate()
    run_id = optimizations.submit(asked(gate))
    optimizations.begun(run_id, gate)
    body = {"strategy_name": "sma_cross", **CANDLES, "parameters": {"fast": 7, "slow": 70}}
    backtest = optimizations.product.submit(body)["id"]

    def passed():
        gate.let_next_trial()
        return optimizations.product.status(backtest)["status"] == "completed"

    wait_for(passed, 30, "the smaller run")
    assert optimizations.status(run_id)["status"] == "running"
    optimizations.verb(run_id, "cancel")


@pytest.fixture
def flag(optimizations, tmp_path):
    """Return a file; while it is there, no child of a worker survives the import of the strategy."""
    flag = tmp_path / "flag"
    product = optimizations.product
    product.write_strategy("patient", PATIENT + DIES_IN_IMPORT.format(flag=str(flag)))
    wait_for(lambda: "patient" in usable_strategies(product), what="the description of the strategy")
    return flag


def usable_strategies(product):
    return {one["name"] for one in product.call("GET", "/api/strategies/")[1]["items"] if one["error"] is None}


def test_optimization_no_child_of_which_begins_a_trial_fails_and_keeps_what_is_done(optimizations, flag):
    gate = optimizations.gate()
    run_id = optimizations.submit(asked(gate, 60))
    optimizations.begun(run_id, gate, 10)
    flag.touch()
    kill(optimizations.product.children())
    end = optimizations.finished(run_id, 30)
    assert (end["status"], end["failed_combinations"]) == ("failed", 0)
    assert "ended by SIGSEGV. No trial had begun by then, 3 times in a row" in end["error_message"]
    kept = optimizations.table(run_id)
    assert 10 <= len(kept) < 60
    flag.unlink()
    gate.open()
    assert optimizations.verb(run_id, "resume")[0] == 202
    assert optimizations.finished(run_id)["completed_combinations"] == 60
    assert [row for row in optimizations.table(run_id) if row in kept] == kept


def test_optimization_no_child_of_which_survives_its_preparation_fails(optimizations, flag):
    flag.touch()
    end = optimizations.finished(optimizations.submit(asked(optimizations.gate(is_open=True), 20)), 30)
    assert (end["status"], end["completed_combinations"]) == ("failed", 0)
    assert "3 times. The strategy's process was ended by SIGSEGV" in end["error_message"]


def test_two_nodes_make_the_table_of_one(optimizations_everywhere):
    optimizations = optimizations_everywhere
    product, gate = optimizations.product, optimizations.gate()
    fields = {"bad": 25, "deadly": 33}
    alone = optimizations.submit(asked(optimizations.gate(is_open=True), 100, **fields))
    assert optimizations.finished(alone)["failed_combinations"] == 5
    with second_node(product):
        together = optimizations.submit(asked(gate, 100, **fields))
        wait_for(lambda: len(product.chunk_owners()) == N_WORKERS, 60, "every worker of both nodes")
        assert len({owner.split(":")[1] for owner in product.chunk_owners()}) == N_WORKERS
        gate.open()
        assert optimizations.finished(together)["failed_combinations"] == 5
    assert without_gate(optimizations.table(together)) == without_gate(optimizations.table(alone))


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
