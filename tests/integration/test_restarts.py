"""A product that is killed or stopped as a whole: no process is left, and the next start goes on with every run."""

import pytest

from tests.integration.optimizing import Optimizations, asked
from tests.stack import descendants, is_running, wait_for

pytestmark = pytest.mark.stack

N_TRIALS = 80


@pytest.fixture(autouse=True)
def up_again(product):
    """Have the product run when a test ends, however it ends: others share it."""
    yield
    if product.process.poll() is not None:
        product.start()


@pytest.fixture
def optimizations(product):
    return Optimizations(product)


@pytest.fixture
def gate(product):
    """Return the gate at which a backtest and an optimization wait."""
    return product.gates.new()


@pytest.fixture
def under_way(product, optimizations, gate, body):
    """Return the ids of a backtest and of an optimization that have begun, and wait at a gate."""
    backtest = product.submit(body("gated", {"gate": gate.number}))["id"]
    gate.let_bars()
    product.wait_until(backtest, lambda b: b["processed_bars"] > 0)
    optimization = optimizations.submit(asked(gate, N_TRIALS))
    optimizations.begun(optimization, gate, 10)
    return backtest, optimization


def complete(product, optimizations, backtest, optimization):
    """See both runs complete; return the status bodies."""
    one, many = product.finished(backtest), optimizations.finished(optimization)
    assert (one["status"], one["processed_bars"]) == ("completed", 9_135)
    assert (many["status"], many["completed_combinations"]) == ("completed", N_TRIALS)
    assert [row[0] for row in optimizations.table(optimization)] == list(range(1, N_TRIALS + 1))
    return one, many


def test_killed_product_leaves_no_process_and_goes_on_at_the_next_start(product, optimizations, gate, under_way):
    family = descendants(product.process.pid)
    assert len(family) > 5
    product.process.kill()
    product.process.wait()
    wait_for(lambda: not any(is_running(pid) for pid in family), 20, "the end of every process")
    product.start()
    gate.open()
    one, _ = complete(product, optimizations, *under_way)
    assert one["attempt"] == 2


def test_stop_gives_every_run_back_at_no_charge_with_what_is_done(product, optimizations, gate, under_way):
    family = descendants(product.process.pid)
    assert product.stop() == 0
    assert not any(is_running(pid) for pid in family)
    newest = "SELECT kind, state, crashes FROM runs_run ORDER BY number DESC LIMIT 2"
    (_, _, crashes), backtest = product.rows(newest)
    # An optimization belongs to no worker: whoever starts next finds what is missing, whatever its state says.
    assert (backtest, crashes) == (("backtest", "pending", 0), 0)
    product.start()
    assert optimizations.status(under_way[1])["completed_combinations"] >= 10
    gate.open()
    complete(product, optimizations, *under_way)


def test_stop_while_the_best_trial_is_repeated_gives_an_optimization_back(product, optimizations, gate):
    run_id = optimizations.submit(asked(gate, 2))
    number = optimizations.status(run_id)["number"]
    gate.let_trials(2)
    phase = f"SELECT phase FROM runs_run WHERE number = {number}"
    wait_for(lambda: product.rows(phase) == [("writing_report",)], 30, "the report")
    assert product.stop() == 0
    assert product.rows(f"SELECT state, crashes FROM runs_run WHERE number = {number}") == [("pending", 0)]
    product.start()
    gate.open()
    end = optimizations.finished(run_id)
    assert (end["status"], end["completed_combinations"]) == ("completed", 2)
    assert product.call("GET", f"/api/optimizations/{run_id}")[1]["result"]["parity"]["status"] == "equal"
