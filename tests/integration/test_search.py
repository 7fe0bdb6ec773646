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
from tests.stack import Product, wait_for

pytestmark = pytest.mark.stack

PATIENT = '''"""An interpreted strategy that takes its time."""

import ctypes
import time

from algotrade.strategies import Param, Strategy


class Patient(Strategy):
    """Waits a little in each trial; fails, or ends its process, where it is told to."""

    compiled = False
    length = Param(5, low=1, high=1_000)
    bad = Param(0, low=0, high=1_000, help="Every so many lengths fail")
    deadly = Param(0, low=0, high=1_000, help="This length ends the process")
    millis = Param(20, low=0, high=1_000)

    @staticmethod
    def on_bar(bars, ind, params, broker):
        if len(bars.close) == 2:
            time.sleep(params.millis / 1e3)
            if params.length == params.deadly:
                ctypes.string_at(0)
        if params.bad and params.length % params.bad == 0 and len(bars.close) == 50:
            share = {}[int(params.length)]
        if len(bars.close) % (params.length + 1) == 0:
            broker.buy()
        elif broker.position > 0.0 and len(bars.close) % (params.length + 1) == params.length // 2:
            broker.close()
'''


def asked(n_trials=120, **fields):
    """Return the body of an optimization of trials of a few hundredths of a second."""
    fixed = {name: {"fixed": fields.pop(name)} for name in ("bad", "deadly", "millis") if name in fields}
    axes = {"length": {"min": 1, "max": n_trials, "step": 1}, **fixed}
    return {"strategy_name": "patient", **CANDLES, "end": "2020-02-15T00:00:00Z", "axes": axes, **fields}


class Searches:
    """What tests ask of optimizations."""

    def __init__(self, product):
        self.product = product
        product.write_strategy("patient", PATIENT)

    def submit(self, body):
        status, answer = self.product.call("POST", "/api/optimizations/", body)
        assert status == 202, answer
        return answer["id"]

    def status(self, run_id):
        return self.product.call("GET", f"/api/optimizations/{run_id}/status")[1]

    def verb(self, run_id, verb):
        return self.product.call("POST", f"/api/optimizations/{run_id}/{verb}")

    def wait_until(self, run_id, is_so, seconds=60.0):
        def find():
            body = self.status(run_id)
            return body if is_so(body) else None

        return wait_for(find, seconds, f"what was awaited of {self.status(run_id)}")

    def finished(self, run_id, seconds=90.0):
        return self.wait_until(run_id, lambda body: body["status"] not in ("pending", "running"), seconds)

    def begun(self, run_id, n_trials=5):
        return self.wait_until(run_id, lambda body: body["completed_combinations"] >= n_trials)

    def table(self, run_id):
        """Return the trials without what depends on who evaluated them, and when."""
        path = f"/api/optimizations/{run_id}/trials?sort=number&limit=500"
        items = self.product.call("GET", path)[1]["items"]
        return [(i["number"], i["status"], i["parameters"], i["metrics"], i["error_message"]) for i in items]


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


def test_table_after_kills_equals_the_undisturbed_one(lone_searches):
    plain = lone_searches.submit(asked(100, millis=15, initial_cash=10_001))
    lone_searches.finished(plain)
    disturbed = lone_searches.submit(asked(100, millis=15, initial_cash=10_002))
    for number, victims in enumerate(
        (workers, lambda s: s.product.children(), workers, lambda s: s.product.children())
    ):
        lone_searches.begun(disturbed, 12 + 15 * number)
        for pid in victims(lone_searches):
            os.kill(pid, signal.SIGKILL)
    end = lone_searches.finished(disturbed)
    assert (end["status"], end["completed_combinations"], end["failed_combinations"]) == ("completed", 100, 0)
    table = lone_searches.table(disturbed)
    assert [row[0] for row in table] == list(range(1, 101))
    # Another cash, or the trials would be known already; the same trades.
    plain_returns = [row[3]["trades"] for row in lone_searches.table(plain)]
    assert [row[3]["trades"] for row in table] == plain_returns


def workers(searches):
    """Return the process ids of the workers that evaluate trials."""
    return {int(owner.split(":")[1]) for owner in searches.product.chunk_owners()}


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
