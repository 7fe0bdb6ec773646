"""No trial is lost, doubled or changed, whatever is killed while an optimization runs."""

import pytest

from tests.integration.killing import Killer
from tests.integration.searching import Searches, asked

pytestmark = pytest.mark.stack


@pytest.fixture
def searches(victim):
    return Searches(victim)


def facts(searches, run_id):
    """Return all that must not depend on who was killed; `millis` is how long trials of the same table take."""
    end = searches.finished(run_id, 300)
    counts = [end[f"{name}_combinations"] for name in ("completed", "failed", "total", "reused")]
    stored = searches.product.rows(
        "SELECT COUNT(*), COUNT(DISTINCT number), SUM(CASE WHEN is_failed THEN 1 ELSE 0 END) "
        f"FROM runs_trial WHERE run_id = {end['number']}"
    )
    left = searches.product.rows("SELECT COUNT(*) FROM runs_chunk")
    result = searches.product.call("GET", f"/api/optimizations/{run_id}")[1]["result"]
    table = [(n, status, without_pace(p), metrics, error) for n, status, p, metrics, error in searches.table(run_id)]
    best = result["summary"]["best"]
    return end["status"], counts, stored, left, result["parity"]["status"], best["trial"], best["metrics"], table


def without_pace(parameters):
    return {name: value for name, value in parameters.items() if name != "millis"}


def undisturbed_and_killed(searches, n_trials, n_kills, millis, seed=20_260):
    """Run the same trials undisturbed and under kills; return the facts of both, and the killer."""
    undisturbed = facts(searches, searches.submit(asked(n_trials, millis=0, bad=50)))
    run_id = searches.submit(asked(n_trials, millis=millis, bad=50))
    killer = Killer(searches.product, searches.status(run_id)["number"], seed)
    killer.kill(n_kills)
    return undisturbed, facts(searches, run_id), killer


@pytest.mark.timeout(300)
def test_table_after_ten_random_kills_equals_the_undisturbed_one(searches):
    undisturbed, killed, _ = undisturbed_and_killed(searches, 50, 10, millis=150)
    assert undisturbed[:5] == ("completed", [49, 1, 50, 0], [(50, 50, 1)], [(0,)], "equal")
    assert killed == undisturbed


@pytest.mark.chaos
@pytest.mark.timeout(1_800)
def test_table_after_two_hundred_random_kills_equals_the_undisturbed_one(searches):
    undisturbed, killed, killer = undisturbed_and_killed(searches, 500, 200, millis=250)
    assert undisturbed[:5] == ("completed", [490, 10, 500, 0], [(500, 500, 10)], [(0,)], "equal")
    assert killed == undisturbed
    assert min(killer.kills.values()) > 0
