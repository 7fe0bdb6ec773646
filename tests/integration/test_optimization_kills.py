"""No trial is lost, doubled or changed, whatever is killed while an optimization runs.

The last tests of their products: these end as often as the others.
"""

import pytest

from tests.integration.killing import Killer
from tests.integration.optimizing import Optimizations, asked, without_gate

pytestmark = pytest.mark.stack


@pytest.fixture
def optimizations(everywhere):
    return Optimizations(everywhere)


def facts(optimizations, run_id):
    """Return all that must not depend on who was killed; the gate is where trials of the same table waited."""
    end = optimizations.finished(run_id, 300)
    counts = [end[f"{name}_combinations"] for name in ("completed", "failed", "total", "reused")]
    of_run = f"WHERE run_id = {end['number']}"
    stored = optimizations.product.rows(
        "SELECT COUNT(*), COUNT(DISTINCT number), SUM(CASE WHEN is_failed THEN 1 ELSE 0 END) FROM runs_trial " + of_run
    )
    left = optimizations.product.rows("SELECT COUNT(*) FROM runs_chunk " + of_run)
    result = optimizations.product.call("GET", f"/api/optimizations/{run_id}")[1]["result"]
    table = without_gate(optimizations.table(run_id))
    best = result["summary"]["best"]
    return end["status"], counts, stored, left, result["parity"]["status"], best["trial"], best["metrics"], table


def undisturbed_and_killed(optimizations, n_trials, n_kills, seed=20_260):
    """Run the same trials undisturbed and under kills; return the facts of both, and the killer."""
    undisturbed = facts(optimizations, optimizations.submit(asked(optimizations.gate(is_open=True), n_trials, bad=50)))
    gate = optimizations.gate()
    run_id = optimizations.submit(asked(gate, n_trials, bad=50))
    killer = Killer(optimizations.product, optimizations.status(run_id)["number"], gate, seed)
    killer.kill(n_kills)
    gate.open()
    return undisturbed, facts(optimizations, run_id), killer


@pytest.mark.timeout(300)
def test_table_after_ten_random_kills_equals_the_undisturbed_one(optimizations):
    undisturbed, killed, _ = undisturbed_and_killed(optimizations, 50, 10)
    assert undisturbed[:5] == ("completed", [49, 1, 50, 0], [(50, 50, 1)], [(0,)], "equal")
    assert killed == undisturbed


@pytest.mark.chaos
@pytest.mark.timeout(1_800)
def test_table_after_two_hundred_random_kills_equals_the_undisturbed_one(optimizations):
    undisturbed, killed, killer = undisturbed_and_killed(optimizations, 500, 200)
    assert undisturbed[:5] == ("completed", [490, 10, 500, 0], [(500, 500, 10)], [(0,)], "equal")
    assert killed == undisturbed
    assert min(killer.kills.values()) > 0
