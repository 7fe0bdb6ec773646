"""What a program gets from a running product: one run for identical submissions, quick cancels, refusals by field."""

import json
import threading
import uuid

import pytest

from tests.stack import is_running, wait_for

pytestmark = pytest.mark.stack


def n_runs(product):
    return product.call("GET", "/api/backtests/?limit=1")[1]["total"]


def test_submission_runs_to_its_metrics(everywhere, body):
    product = everywhere
    answer = product.submit(body("sma_cross", {"fast": 10, "slow": 30}, commission=0.001))
    assert (answer["total_bars"], answer["is_dedup"], answer["identical_to"]) == (9_135, False, None)
    end = product.finished(answer["id"])
    assert (end["status"], end["processed_bars"]) == ("completed", 9_135)
    metrics = end["result"]["metrics"]
    assert metrics["trades"] > 100
    assert metrics["final_equity"] == pytest.approx(10_000 + metrics["net_profit"])
    assert end["error_message"] is end["error_stack_trace"] is None
    again = product.submit(body("sma_cross", {"fast": 10, "slow": 30}, commission=0.001))
    assert (again["is_dedup"], again["identical_to"]) == (False, answer["id"])
    assert product.finished(again["id"])["result"]["metrics"] == metrics


def test_twenty_identical_submissions_are_one_run(everywhere, body):
    answers = []
    barrier, gate = threading.Barrier(20), everywhere.gates.new()

    def post():
        barrier.wait()
        answers.append(everywhere.submit(body("gated", {"gate": gate.number})))

    threads = [threading.Thread(target=post) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    run_id = answers[0]["id"]
    everywhere.call("POST", f"/api/backtests/{run_id}/cancel")
    assert {answer["id"] for answer in answers} == {run_id}
    assert sorted(answer["is_dedup"] for answer in answers) == [False] + [True] * 19


def test_cancel_ends_a_running_backtest_and_its_child(everywhere, body):
    product, gate = everywhere, everywhere.gates.new()
    run_id = product.submit(body("gated", {"gate": gate.number}))["id"]
    gate.let_bars()
    product.wait_until(run_id, lambda b: b["processed_bars"] > 0)
    children = product.children(of=product.worker_of(run_id))
    answer = product.call("POST", f"/api/backtests/{run_id}/cancel")
    assert answer == (200, {"id": run_id, "status": "cancelled"})
    assert product.call("POST", f"/api/backtests/{run_id}/cancel")[0] == 409
    reached = product.status(run_id)["processed_bars"]
    # Its child is kept by its gate from the end of the stride, and is ended; the worker's spare stays.
    wait_for(lambda: any(not is_running(pid) for pid in children), 20, "the end of the child")
    gate.open()
    assert product.status(run_id)["processed_bars"] == reached
    assert product.status(run_id)["status"] == "cancelled"


def test_cancel_of_a_completed_run_is_a_conflict_that_names_the_state(product, body):
    run_id = product.submit(body("buy_and_hold"))["id"]
    assert product.finished(run_id)["status"] == "completed"
    status, answer = product.call("POST", f"/api/backtests/{run_id}/cancel")
    assert status == 409
    assert "completed" in answer["error"]


def test_unknown_run_is_not_found(product):
    unknown = uuid.uuid4()
    assert product.call("GET", f"/api/backtests/{unknown}/status")[0] == 404
    assert product.call("POST", f"/api/backtests/{unknown}/cancel")[0] == 404
    assert product.call("DELETE", f"/api/backtests/{unknown}")[0] == 404


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"strategy_name": "no_such"}, "strategy_name"),
        ({"asset": "NOPE"}, "asset"),
        ({"exchange": "NOPE"}, "exchange"),
        ({"timeframe": "7m"}, "timeframe"),
        ({"parameters": {"speed": 3}}, "parameters.speed"),
        ({"parameters": {"fast": 1}}, "parameters.fast"),
        ({"parameters": {"fast": "ten"}}, "parameters.fast"),
        ({"parameters": {"fast": 30, "slow": 30}}, "parameters"),
        ({"start": "2022-01-01T00:00:00Z", "end": "2021-01-01T00:00:00Z"}, "start"),
        ({"start": "1990-01-01T00:00:00Z", "end": "1991-01-01T00:00:00Z"}, "start"),
        ({"initial_cash": -1}, "initial_cash"),
        ({"commission": 2}, "commission"),
        ({"fill": "never"}, "fill"),
        ({"sizing": {"kind": "quantity", "value": 0}}, "sizing"),
        ({"colour": "red"}, "colour"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else value,
)
def test_bad_input_names_its_field_and_starts_nothing(product, body, change, field):
    before = n_runs(product)
    status, answer = product.call("POST", "/api/backtests/", body("sma_cross") | change)
    assert status == 400
    assert [name for name in answer["fields"] if name.startswith(field)], answer
    assert n_runs(product) == before


@pytest.mark.timeout(300)
def test_command_gives_what_a_submitted_run_gives(product, body):
    where = ("--asset", "ACME", "--exchange", "SAMPLE", "--timeframe", "1h")
    asked = ("--strategy", "macd_trend", *where, "--param", "side=both", "--commission", "0.001", "--json")
    told = json.loads(product.manage("backtest", *asked))
    answer = product.submit(body("macd_trend", {"side": "both"}, commission=0.001))
    assert answer["identical_to"] == told["id"]
    submitted = product.finished(answer["id"])["result"]
    assert told["status"] == "completed"
    assert told["result"]["metrics"] == submitted["metrics"]
    assert told["result"]["metrics"]["trades"] > 100
    stored = product.call("GET", f"/api/backtests/{told['id']}")[1]
    assert {**stored, "rev": told["rev"]} == told
    first, second = (product.call("GET", f"/api/backtests/{run}/trades")[1] for run in (told["id"], answer["id"]))
    assert first == second


def test_deleting_a_run_takes_its_files_along(product, body):
    run_id = product.submit(body("buy_and_hold", initial_cash=12_345))["id"]
    product.finished(run_id)
    assert product.call("GET", f"/api/backtests/{run_id}/trades")[0] == 200
    n_folders = len(list((product.home / "artifacts").iterdir()))
    assert product.call("DELETE", f"/api/backtests/{run_id}")[0] == 204
    assert product.call("GET", f"/api/backtests/{run_id}")[0] == 404
    assert len(list((product.home / "artifacts").iterdir())) == n_folders - 1


def test_every_process_belongs_to_the_product(product):
    assert all(is_running(pid) for pid in product.children())
    assert len(product.children()) >= 2
