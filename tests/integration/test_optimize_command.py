"""`manage.py optimize` without any server or worker, and the sample optimization of a first start."""

import json
import re
import signal
import sqlite3
from contextlib import closing

import pytest

from tests.stack import Product, wait_for

pytestmark = pytest.mark.stack

WHERE = ("--strategy", "sma_cross", "--asset", "ACME", "--exchange", "SAMPLE", "--timeframe", "1h")


@pytest.fixture
def optimize(start_command):
    """Return a function that starts the command on the sample candles."""

    def start(*arguments):
        return start_command("optimize", *WHERE, *arguments)

    start.home = start_command.home
    return start


def n_trials(home):
    """Return how many trials are stored; none while there are no tables yet."""
    with closing(sqlite3.connect(home / "algotrade.sqlite3")) as connection:
        if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'runs_trial'").fetchone():
            return 0
        return connection.execute("SELECT count(*) FROM runs_trial").fetchone()[0]


@pytest.mark.timeout(300)
def test_command_evaluates_every_trial_by_itself(optimize):
    asked = ("--axis", "fast=2:50:2", "--axis", "slow=20,50,100", "--json")
    process = optimize(*asked)
    told, errors = process.communicate(timeout=200)
    facts = json.loads(told)
    assert (process.returncode, errors) == (0, "")
    # 25 x 3 combinations; of slow 20 those with fast 20 to 50 go (16), of slow 50 the one with fast 50
    assert (facts["status"], facts["completed_combinations"], facts["failed_combinations"]) == ("completed", 58, 0)
    assert facts["result"]["parity"]["status"] == "equal"
    assert facts["trials"][0]["objective"] == facts["result"]["summary"]["objective"]["max"]
    again = json.loads(optimize(*asked).communicate(timeout=200)[0])
    assert (again["reused_combinations"], again["trials"]) == (58, facts["trials"])


@pytest.mark.timeout(300)
def test_interrupt_cancels_the_run(optimize):
    process = optimize("--axis", "fast=2:200", "--axis", "slow=5:400")
    wait_for(lambda: n_trials(optimize.home) > 0, 120, "the first trial")
    process.send_signal(signal.SIGINT)
    told = process.communicate(timeout=60)[0]
    assert process.returncode == 130
    assert re.match(r"Optimization \d+: cancelled, [\d,]+ of 59,498 trials", told)


@pytest.mark.timeout(400)
def test_first_start_shows_a_backtest_and_an_optimization(tmp_path):
    with Product(tmp_path / "home", first=True) as product:
        address = wait_for(
            lambda: re.search(r"Sample optimization: http\S+/(optimizations/\S+)", product.printed()), 200
        )
        wait_for(lambda: product.call("GET", f"/api/{address[1]}/status")[1]["completed_combinations"], 100, "a trial")
        assert product.call("POST", f"/api/{address[1]}/finish")[0] == 202  # all of them would take half a minute
        wait_for(lambda: re.search("Sample optimization: (completed|failed)", product.printed()), 100, "the samples")
        printed = product.printed()
    assert re.search(r"Sample backtest: http\S+/backtests/[0-9a-f-]{36}\n", printed)
    assert re.search(r"Sample backtest: completed, 129,600 bars in ", printed)
    best = r"best Sharpe ratio \u2212?[\d.]+ at fast \d+, slow \d+, side (long|both)\."
    assert re.search(rf"Sample optimization: completed, [\d,]+ of 13,910 trials in .*: {best}", printed)
