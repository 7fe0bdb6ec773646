"""A user's own files in a running product: broken ones fail their run alone, and mended ones run without a restart."""

import pytest

from tests.integration import strategies
from tests.stack import is_running, wait_for

pytestmark = pytest.mark.stack

BAR_300 = "2020-02-28T20:00:00Z"
"""When bar 300 of the sample opens."""


@pytest.mark.parametrize("compiled", [True, False], ids=["compiled", "interpreted"])
def test_bug_on_one_line_is_told_exactly_and_its_mending_runs_at_once(product, body, compiled):
    name = f"buggy_{'compiled' if compiled else 'interpreted'}"
    product.write_strategy(name, strategies.buggy(compiled=compiled))
    number_of_line = strategies.buggy(compiled=compiled).splitlines().index(f"        {strategies.FAILING_LINE}") + 1
    first = product.submit(body(name, {"at": 300}))
    end = product.finished(first["id"])
    assert (end["status"], end["error_message"]) == ("failed", "divide by zero encountered in divide")
    assert (end["processed_bars"], len(end["equity"]) > 0) == (300, True)
    lines = end["error_stack_trace"].splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    place = max(n for n, line in enumerate(lines) if line.startswith("  File "))
    assert lines[place : place + 2] == [
        f'  File "strategies/{name}.py", line {number_of_line}, in on_bar',
        f"    {strategies.FAILING_LINE}",
    ]
    assert lines[-1] == "FloatingPointError: divide by zero encountered in divide"
    detail = product.call("GET", f"/api/backtests/{first['id']}")[1]["error_detail"]
    assert (detail["bar"], detail["parameters"]) == (300, {"at": 300})
    assert detail["position"] > 0
    assert detail["bar_time"] == BAR_300

    product.write_strategy(name, strategies.buggy(compiled=compiled, mended=True))
    second = product.submit(body(name, {"at": 300}))
    assert (second["is_dedup"], second["identical_to"]) == (False, None)
    assert product.finished(second["id"])["status"] == "completed"
    keys = {product.call("GET", f"/api/backtests/{answer['id']}")[1]["run_key"] for answer in (first, second)}
    assert len(keys) == 2


def test_crash_fails_its_run_after_three_attempts_and_names_the_signal(product, body):
    product.write_strategy("crashing", strategies.CRASHING)
    crashing = product.submit(body("crashing"))
    neighbour = product.submit(body("sma_cross", {"fast": 7, "slow": 21}))
    end = product.finished(crashing["id"])
    assert (end["status"], end["attempt"]) == ("failed", 3)
    assert "SIGSEGV" in end["error_message"]
    assert "string_at" in end["error_stack_trace"]
    assert product.finished(neighbour["id"])["status"] == "completed"


@pytest.mark.parametrize("compiled", [True, False], ids=["compiled", "interpreted"])
def test_endless_loop_harms_nobody_and_is_cancelled(product, body, compiled):
    name = f"looping_{'compiled' if compiled else 'interpreted'}"
    product.write_strategy(name, strategies.looping(compiled=compiled))
    looping = product.submit(body(name))
    product.wait_until(looping["id"], lambda b: b["phase"] == "running_backtest")
    neighbour = product.submit(body("sma_cross", {"fast": 8, "slow": 22 + compiled}))
    assert product.finished(neighbour["id"])["status"] == "completed"
    children = product.children(of=product.worker_of(looping["id"]))
    assert product.call("POST", f"/api/backtests/{looping['id']}/cancel")[0] == 200
    wait_for(lambda: not all(is_running(child) for child in children), 20, "the end of the looping child")
    after = product.submit(body("sma_cross", {"fast": 9, "slow": 23 + compiled}))
    assert product.finished(after["id"])["status"] == "completed"


def test_file_that_does_not_import_is_listed_with_its_error(product, body):
    product.write_strategy("unreadable", "class Unreadable(:\n")
    items = {item["name"]: item for item in product.call("GET", "/api/strategies/")[1]["items"]}
    assert "SyntaxError" in items["unreadable"]["error"]
    assert items["sma_cross"]["error"] is None
    status, answer = product.call("POST", "/api/backtests/", body("unreadable"))
    assert (status, list(answer["fields"])) == (400, ["strategy_name"])
