"""No trial is lost, doubled or changed, whatever is killed while an optimization runs."""

import os
import random
import signal
import time

import pytest

from tests.integration.test_search import Searches, asked
from tests.stack import Product, descendants

pytestmark = [pytest.mark.chaos, pytest.mark.stack, pytest.mark.timeout(1_800)]

N_KILLS = 200
N_TRIALS = 500
SEED = 20260
MOST_SECONDS = 1_500


def test_table_after_two_hundred_kills_equals_the_undisturbed_one(tmp_path):
    chance = random.Random(SEED)
    with Product(tmp_path / "home", sample=True) as product:
        searches = Searches(product)
        plain = searches.submit(asked(N_TRIALS, millis=10, bad=50))
        searches.finished(plain, 300)
        expected = [row[:1] + row[1:2] for row in searches.table(plain)]
        trades = [row[3] and row[3]["trades"] for row in searches.table(plain)]
        disturbed = searches.submit(asked(N_TRIALS, millis=150, bad=50, initial_cash=10_001))
        began, n_kills = time.monotonic(), 0
        while searches.status(disturbed)["status"] in ("pending", "running"):
            assert time.monotonic() - began < MOST_SECONDS
            if n_kills < N_KILLS:
                n_kills += kill_one(product, chance)
            time.sleep(chance.uniform(0.1, 0.45))
        end = searches.status(disturbed)
        assert (end["status"], end["completed_combinations"] + end["failed_combinations"]) == ("completed", N_TRIALS)
        table = searches.table(disturbed)
        assert [row[:2] for row in table] == expected
        assert [row[3] and row[3]["trades"] for row in table] == trades
        assert n_kills > N_KILLS // 4


def kill_one(product, chance):
    """Kill a child, a worker, the node or, seldom, all of it; the product is started again when it is gone."""
    below = descendants(product.process.pid)
    victims = [pid for pid, command in below.items() if "algotrade.runner" in command or " worker " in command]
    if not victims:
        return 0
    if chance.random() < 0.02:
        product.process.kill()
        product.process.wait()
        product.start()
        return 1
    try:
        os.kill(chance.choice(sorted(victims)), signal.SIGKILL)
    except ProcessLookupError:
        return 0
    return 1
