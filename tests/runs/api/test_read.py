"""Reading, cancelling and deleting backtests over the API."""

import uuid

import pytest

from algotrade.spec import BacktestSpec
from runs import artifacts
from runs.models import Run, RunState
from tests.builders import ERROR, RESULT, make_run, make_user
from tests.runs.clients import program

pytestmark = pytest.mark.django_db

STATUS_KEYS = [
    "id", "number", "status", "rev", "attempt", "phase", "queue_position", "processed_bars", "total_bars", "rate",
    "eta_seconds", "created_at", "started_at", "finished_at", "error_message", "equity", "error_stack_trace", "result",
]  # fmt: skip


def address(run, rest=""):
    return f"/api/backtests/{run.id}{rest}"


def failed_run(**fields):
    run = make_run(RunState.RUNNING, **fields)
    run.mark_failed("owner", ERROR)
    return run


def completed_run(**fields):
    run = make_run(RunState.RUNNING, **fields)
    run.mark_completed("owner", RESULT, headline=RESULT["metrics"], processed=run.total)
    return run


def test_status_has_exactly_the_contracts_fields():
    assert sorted(program().get(address(make_run(), "/status")).json()) == sorted(STATUS_KEYS)


def test_status_of_a_waiting_run_tells_its_place():
    make_run()
    body = program().get(address(make_run(), "/status")).json()
    assert (body["status"], body["phase"], body["queue_position"], body["started_at"]) == ("pending", "queued", 1, None)


def test_status_of_a_running_run_tells_rate_and_remaining_time():
    live = {"rate": 250.0, "curve": {"time": [0, 1.5], "equity": [10_000.0, 10_010.5], "hold": [1, 2]}}
    body = program().get(address(make_run(RunState.RUNNING, processed=500, live=live), "/status")).json()
    assert (body["processed_bars"], body["total_bars"], body["rate"]) == (500, 1_000, 250.0)
    assert body["eta_seconds"] == 2.0  # 500 bars left at 250 bars/s
    assert body["equity"] == [["1970-01-01T00:00:00Z", 10_000.0], ["1970-01-01T00:00:01.500000Z", 10_010.5]]


def test_status_of_a_completed_run_has_the_result_and_where_its_tables_are():
    run = completed_run()
    result = program().get(address(run, "/status")).json()["result"]
    assert result["metrics"]["sharpe_ratio"] == 2.41
    assert result["trades_url"] == address(run, "/trades")
    assert result["equity_url"] == address(run, "/equity")
    assert result["orders_url"] == address(run, "/orders")


def test_status_of_a_failed_run_has_message_and_trace():
    body = program().get(address(failed_run(), "/status")).json()
    assert (body["error_message"], body["error_stack_trace"]) == ("no", "Traceback ...\nValueError: no")
    assert body["result"] is None


@pytest.mark.parametrize("state", ["pending", "running", "cancelled"])
def test_error_fields_are_null_unless_failed(state):
    run = make_run(RunState(state), error_message="old", error_stack_trace="old")
    body = program().get(address(run, "/status")).json()
    assert (body["error_message"], body["error_stack_trace"]) == (None, None)


def test_times_are_utc_with_a_z():
    assert program().get(address(make_run(), "/status")).json()["created_at"].endswith("Z")


def test_spec_posted_again_means_the_same():
    run = make_run()
    spec = program().get(address(run)).json()["spec"]
    assert (spec["start"], spec["end"]) == ("2010-01-01T00:00:00Z", "2010-12-31T23:00:00Z")
    assert BacktestSpec.from_dict(run.spec).parameters == spec["parameters"]
    assert not {"start_ns", "end_ns"} & set(spec)


def test_detail_of_a_failed_run_tells_the_bars_time_as_every_time():
    run = make_run(RunState.RUNNING)
    run.mark_failed("owner", {**ERROR, "detail": {"bar": 7, "bar_time": 1_577_836_800_000_000_000}})
    assert program().get(address(run)).json()["error_detail"] == {"bar": 7, "bar_time": "2020-01-01T00:00:00Z"}


def test_detail_of_a_failed_run_tells_where_it_failed():
    body = program().get(address(failed_run())).json()
    assert (body["error_type"], body["error_detail"]) == ("ValueError", {"bar": 7})


def test_list_is_newest_first_and_paged():
    runs = [make_run() for _ in range(3)]
    body = program().get("/api/backtests/?limit=2").json()
    assert [item["number"] for item in body["items"]] == [runs[2].number, runs[1].number]
    assert {name: body[name] for name in ("total", "limit", "offset", "has_more")} == {
        "total": 3,
        "limit": 2,
        "offset": 0,
        "has_more": True,
    }
    rest = program().get("/api/backtests/?limit=2&offset=2").json()
    assert (len(rest["items"]), rest["has_more"]) == (1, False)


def test_list_item_is_the_status_without_the_heavy_parts_plus_spec_and_metrics():
    completed_run()
    item = program().get("/api/backtests/").json()["items"][0]
    assert set(item) == set(STATUS_KEYS) - {"equity", "result", "error_stack_trace"} | {
        "spec",
        "metrics",
        "title",
        "notes",
        "tags",
    }
    assert item["metrics"]["trades"] == 139


@pytest.mark.parametrize(
    ("query", "n_found"),
    [
        ("status=running", 1),
        ("status=running,pending", 2),
        ("strategy_name=other", 1),
        ("asset=SPY&exchange=NYSE&timeframe=1h", 2),
        ("from=2000-01-01", 2),
        ("to=2000-01-01", 0),
        ("from=2000-01-01T00:00:00%2B02:00", 2),
        ("from=2000-01-01T00:00:00+02:00", 2),
    ],
)
def test_list_is_filtered(query, n_found):
    make_run(RunState.RUNNING)
    make_run(strategy_name="other")
    assert program().get(f"/api/backtests/?{query}").json()["total"] == n_found


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=501", "limit"),
        ("limit=ten", "limit"),
        ("offset=-1", "offset"),
        ("offset=99999999999999999999", "offset"),
        ("status=done", "status"),
        ("from=yesterday", "from"),
        ("to=0001-01-01T00:00:00%2B23:59", "to"),
        ("strategy=sma_cross", "strategy"),
        ("asset=%00", "asset"),
        ("user__password=x", "user__password"),
        ("state__in=x", "state__in"),
    ],
)
def test_list_refuses_what_it_does_not_understand(query, field):
    response = program().get(f"/api/backtests/?{query}")
    assert response.status_code == 400
    assert field in response.json()["fields"]


@pytest.mark.parametrize("rest", ["", "/status", "/equity", "/trades", "/orders"])
def test_unknown_run_is_404(rest):
    response = program().get(f"/api/backtests/{uuid.uuid4()}{rest}")
    assert response.status_code == 404
    assert set(response.json()) == {"error", "fields"}


@pytest.mark.parametrize("state", ["pending", "running"])
def test_cancel_of_an_active_run_is_true_at_once(state):
    run = make_run(RunState(state))
    response = program(run.user).post(address(run, "/cancel"))
    assert (response.status_code, response.json()) == (200, {"id": str(run.id), "status": "cancelled"})
    assert Run.objects.get().state == "cancelled"


@pytest.mark.parametrize("state", ["completed", "failed", "cancelled"])
def test_cancel_of_an_ended_run_is_409_and_says_which_state(state):
    run = make_run(RunState(state))
    response = program(run.user).post(address(run, "/cancel"))
    assert response.status_code == 409
    assert f"is {state} already" in response.json()["error"]


def test_cancel_of_an_unknown_run_is_404():
    assert program().post(f"/api/backtests/{uuid.uuid4()}/cancel").status_code == 404


@pytest.mark.parametrize(("method", "rest"), [("post", "/cancel"), ("delete", "")])
def test_colleague_may_see_a_run_and_not_change_it(method, rest):
    run = make_run()
    client = program()
    assert client.get(address(run)).status_code == 200
    assert getattr(client, method)(address(run, rest)).status_code == 403
    assert Run.objects.get().state == "pending"


def test_staff_may_cancel_for_others():
    run = make_run()
    assert program(make_user(is_staff=True)).post(address(run, "/cancel")).status_code == 200


def test_delete_removes_row_and_files(settings, tmp_path):
    settings.ALGOTRADE_HOME = tmp_path
    run = make_run(RunState.COMPLETED, artifact="one")
    artifacts.folder(run).mkdir(parents=True)
    response = program(run.user).delete(address(run))
    assert (response.status_code, response.content) == (204, b"")
    assert not Run.objects.exists()
    assert not artifacts.folder(run).exists()


def test_delete_of_an_active_run_is_409():
    run = make_run(RunState.RUNNING)
    assert program(run.user).delete(address(run)).status_code == 409
    assert Run.objects.exists()


@pytest.mark.parametrize("rest", ["/equity", "/trades", "/orders"])
def test_tables_of_a_run_that_is_not_completed_are_409(rest):
    assert program().get(address(make_run(RunState.RUNNING), rest)).status_code == 409


@pytest.mark.parametrize("rest", ["/equity", "/trades", "/orders"])
def test_tables_whose_files_are_gone_are_404(rest):
    response = program().get(address(make_run(RunState.COMPLETED, artifact="gone"), rest))
    assert response.status_code == 404
    assert "cannot be read" in response.json()["error"]
