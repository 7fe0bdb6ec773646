"""Optimizations over the API: submitted, followed, read, and changed by those who may."""

import json
import uuid

import pytest

from runs.models import Run, RunState, Trial
from runs.optimizations import estimate, reuse
from tests.builders import make_run, make_user
from tests.runs.clients import program
from tests.runs.trials import FAILURE, add_trials, make_optimization, make_trial, sharpes

pytestmark = pytest.mark.django_db

BODY = {
    "strategy_name": "sma_cross", "asset": "ACME", "exchange": "TEST", "timeframe": "1h",
    "axes": {"fast": {"min": 2, "max": 50, "step": 2}, "slow": {"values": [20, 50, 100]}, "side": {"fixed": "both"}},
}  # fmt: skip
STATUS_KEYS = {
    "id", "number", "status", "rev", "attempt", "phase", "queue_position", "completed_combinations",
    "failed_combinations", "reused_combinations", "total_combinations", "best", "is_partial", "rate", "eta_seconds",
    "created_at", "started_at", "finished_at", "error_message", "error_stack_trace", "result",
}  # fmt: skip
WORDS = {"title", "notes", "tags"}
ITEM_KEYS = {
    "number", "status", "parameters", "metrics", "error_message", "error_stack_trace", "duration_ms",
}  # fmt: skip


@pytest.fixture
def known_speed(monkeypatch):
    monkeypatch.setattr(estimate, "optimization_seconds", lambda *_args, **_named: 0.4)
    monkeypatch.setattr(reuse, "n_known", lambda _resolved: 3)


def address(run, rest=""):
    return f"/api/optimizations/{run.id}{rest}"


def post(client, path="/api/optimizations/", body=BODY):
    return client.post(path, json.dumps(body), content_type="application/json")


def completed_optimization(values=(1.0, None, 2.5)):
    run = sharpes(make_optimization(RunState.COMPLETED), list(values))
    summary = {"trials": 3, "best": {"trial": 2, "parameters": {}, "metrics": {}, "objective": 2.5}}
    run.result = {"summary": summary, "parity": None}
    run.save()
    return run


def test_submission_answers_202_with_its_trials_and_where_to_follow_it(site, user):
    response = post(program(user))
    run = Run.objects.get()
    assert (response.status_code, response["Location"]) == (202, address(run, "/status"))
    # fast < slow leaves 9 values below 20 (2 to 18), 24 below 50 and 25 below 100: 58.
    expected = {"id": str(run.id), "number": run.number, "status": "pending", "total_combinations": 58}
    assert response.json() == expected | {"is_dedup": False, "identical_to": None}
    assert (run.kind, run.user) == ("optimization", user)


def test_identical_active_submission_is_one_run(site, user):
    client = program(user)
    answers = [post(client).json() for _ in range(2)]
    assert [answer["is_dedup"] for answer in answers] == [False, True]
    assert answers[0]["id"] == answers[1]["id"]


def test_identical_completed_optimization_is_named_and_stops_nothing(site, user):
    client = program(user)
    done = post(client).json()["id"]
    Run.objects.update(state=RunState.COMPLETED)
    again = post(client).json()
    assert (again["identical_to"], again["is_dedup"]) == (done, False)
    assert again["id"] != done


@pytest.mark.parametrize("path", ["/api/optimizations/", "/api/optimizations/evaluate"])
@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"axes": {"fats": {"fixed": 1}}}, "axes.fats"),
        ({"axes": {"fast": {"values": [40]}, "slow": {"values": [20]}}}, "axes"),
        ({"axes": {"fast": {"min": 2, "max": 50, "step": 0}}}, "axes.fast"),
        ({"objective": "luck"}, "objective"),
        ({"rules": ["fast <"]}, "rules"),
        ({"parameters": {"fast": 3}}, "parameters"),
    ],
)
def test_wrong_submission_names_its_field_and_starts_nothing(site, path, changes, field):
    response = post(program(), path, BODY | changes)
    assert response.status_code == 400
    assert field in response.json()["fields"]
    assert not Run.objects.exists()


def test_more_combinations_than_the_limit_are_refused(site, settings):
    settings.ALGOTRADE_MAX_COMBINATIONS = 57
    assert "58" in post(program()).json()["fields"]["axes"]


def test_evaluation_counts_and_starts_nothing(site, known_speed):
    body = post(program(), "/api/optimizations/evaluate", BODY | {"filters": {"min_trades": 30}}).json()
    expected = {"total": 75, "excluded": 17, "trials": 58, "known": 3, "bars_per_trial": 600}
    expected |= {"estimated_seconds": 0.4, "warnings": ["No worker is running; the optimization starts when one does."]}
    assert body.pop("estimated_memory_bytes") > 58 * 1_000
    assert body == expected
    assert not Run.objects.exists()


def test_evaluation_warns_of_what_may_not_be_meant(site, known_speed):
    axes = {"fast": {"min": 2, "max": 51, "step": 2}, "slow": {"values": [60]}}
    body = BODY | {"axes": axes, "objective": "win_rate"}
    assert post(program(), "/api/optimizations/evaluate", body).json()["warnings"] == [
        "fast ends at 50: its steps do not reach 51.",
        "side has no axis and takes its default, both.",
        "Win rate is undefined without trades; such trials are not ranked.",
        "No worker is running; the optimization starts when one does.",
    ]


def test_status_of_a_running_optimization_has_exactly_the_contracts_fields():
    run = sharpes(make_optimization(reused=1), [1.0, None, 2.5])
    body = program().get(address(run, "/status")).json()
    assert set(body) == STATUS_KEYS
    counts = [body[f"{name}_combinations"] for name in ("completed", "failed", "reused", "total")]
    assert (counts, body["phase"], body["result"]) == ([2, 1, 1, 16], "running_trials", None)
    assert body["best"]["trial"] == 3
    assert body["best"]["parameters"] == {"fast": 5, "slow": 20, "side": "long"}
    assert body["best"]["metrics"]["sharpe_ratio"] == 2.5


def test_result_of_a_completed_optimization_has_the_first_trials_by_objective():
    run = completed_optimization()
    result = program().get(address(run, "/status")).json()["result"]
    assert [item["number"] for item in result["trials"]] == [3, 1, 2]
    assert result["summary"]["best"]["trial"] == 3
    assert (result["trials_url"], result["failures_url"]) == (address(run, "/trials"), address(run, "/failures"))


def test_spec_posted_again_is_the_same_optimization(site, user):
    client = program(user)
    first = post(client).json()["id"]
    spec = client.get(f"/api/optimizations/{first}").json()["spec"]
    assert post(client, body=spec).json() | {"is_dedup": None} == post(client).json() | {"is_dedup": None}
    assert Run.objects.count() == 1


def test_list_has_optimizations_only_the_newest_first_and_filtered():
    make_run()
    runs = [make_optimization(), completed_optimization()]
    body = program().get("/api/optimizations/").json()
    assert [item["number"] for item in body["items"]] == [run.number for run in reversed(runs)]
    assert set(body["items"][0]) == STATUS_KEYS - {"result", "error_stack_trace"} | WORDS | {"spec", "metrics"}
    assert program().get("/api/optimizations/?status=completed").json()["total"] == 1
    assert program().get("/api/optimizations/?kind=x").status_code == 400


@pytest.mark.parametrize("rest", ["", "/status"])
def test_run_of_the_other_kind_is_404(rest):
    backtest, optimization = make_run(), make_optimization()
    assert program().get(f"/api/optimizations/{backtest.id}{rest}").status_code == 404
    assert program().get(f"/api/backtests/{optimization.id}{rest}").status_code == 404


@pytest.mark.parametrize(
    ("method", "rest"),
    [("get", rest) for rest in ("", "/status", "/trials", "/trials/1", "/failures")]
    + [("post", rest) for rest in ("/cancel", "/finish", "/resume", "/retry-failed")]
    + [("delete", "")],
)
def test_unknown_optimization_is_404(method, rest):
    response = getattr(program(), method)(f"/api/optimizations/{uuid.uuid4()}{rest}")
    assert (response.status_code, set(response.json())) == (404, {"error", "fields"})


def test_trials_are_sorted_filtered_and_paged():
    run = sharpes(make_optimization(), [1.0, None, 2.5, 0.5])
    body = program().get(address(run, "/trials?limit=2")).json()
    assert ([item["number"] for item in body["items"]], body["total"], body["has_more"]) == ([3, 1], 4, True)
    assert set(body["items"][0]) == ITEM_KEYS
    query = {"sort": "sharpe_ratio", "q": "sharpe_ratio > 0.7 and trades >= 0", "offset": 1}
    body = program().get(address(run, "/trials"), query).json()
    assert ([item["number"] for item in body["items"]], body["total"]) == ([3], 2)


def test_failed_trial_has_its_error_and_no_metrics():
    run = sharpes(make_optimization(), [1.0, None])
    item = program().get(address(run, '/trials?q=status == "failed"')).json()["items"][0]
    assert (item["number"], item["status"], item["metrics"]) == (2, "failed", None)
    assert item["error_stack_trace"] == FAILURE["error_stack_trace"]


@pytest.mark.parametrize(
    ("query", "field"),
    [("q=sharp > 1", "q"), ("q=1", "q"), ("sort=nothing", "sort"), ("limit=501", "limit"), ("filter=x", "filter")],
)
def test_broken_query_of_trials_is_400_and_names_its_field(query, field):
    response = program().get(address(sharpes(make_optimization(), [1.0]), f"/trials?{query}"))
    assert (response.status_code, list(response.json()["fields"])) == (400, [field])


def test_trial_is_read_by_the_number_that_the_list_tells():
    run = sharpes(make_optimization(), [1.0, None])
    item = program().get(address(run, "/trials?sort=-number")).json()["items"][0]
    body = program().get(address(run, f"/trials/{item['number']}")).json()
    assert {key: body[key] for key in ITEM_KEYS} == item
    assert (body["error_type"], body["error_place"]) == ("ZeroDivisionError", "sma_cross.py:31")


@pytest.mark.parametrize("number", ["0", "3", "17", "9" * 30, "x", "-1"])
def test_trial_that_is_not_there_is_404(number):
    response = program().get(address(sharpes(make_optimization(), [1.0, 2.0]), f"/trials/{number}"))
    assert (response.status_code, set(response.json())) == (404, {"error", "fields"})


def test_failures_are_groups_with_parameters_and_trace_of_one():
    run = sharpes(make_optimization(), [None, 1.0, None])
    add_trials(run, [make_trial(run, 3, error_type="ValueError", error_place="x.py:1")])
    body = program().get(address(run, "/failures")).json()
    assert [(item["error_type"], item["line"], item["count"]) for item in body["items"]] == [
        ("ZeroDivisionError", "sma_cross.py:31", 2),
        ("ValueError", "x.py:1", 1),
    ]
    assert body["items"][0]["parameters"] == {"fast": 5, "slow": 10, "side": "long"}
    assert body["items"][0]["error_stack_trace"] == FAILURE["error_stack_trace"]


def test_cancel_keeps_trials_and_resume_goes_on():
    run = sharpes(make_optimization(), [1.0])
    client = program(run.user)
    assert client.post(address(run, "/cancel")).json() == {"id": str(run.id), "status": "cancelled"}
    assert client.post(address(run, "/cancel")).status_code == 409
    response = client.post(address(run, "/resume"))
    assert (response.status_code, response.json()["status"]) == (202, "pending")
    assert response.json()["completed_combinations"] == Trial.objects.count() == 1


def test_finish_asks_a_running_optimization_to_end():
    run = make_optimization()
    assert program(run.user).post(address(run, "/finish")).status_code == 202
    assert Run.objects.get().finish_requested


@pytest.mark.parametrize(
    ("state", "verb"),
    [("pending", "finish"), ("running", "resume"), ("completed", "resume"), ("running", "retry-failed")],
)
def test_verb_that_the_state_does_not_allow_is_409_and_says_which(state, verb):
    run = make_optimization(RunState(state))
    response = program(run.user).post(address(run, f"/{verb}"))
    assert (response.status_code, state in response.json()["error"]) == (409, True)


def test_retry_runs_only_failed_trials_again(site, user):
    run = completed_optimization()
    response = program(run.user).post(address(run, "/retry-failed"))
    assert (response.status_code, response.json()["status"]) == (202, "pending")
    assert list(Trial.objects.order_by("number").values_list("number", flat=True)) == [0, 2]


@pytest.mark.parametrize(
    ("method", "rest"), [("post", f"/{v}") for v in ("cancel", "finish", "resume", "retry-failed")] + [("delete", "")]
)
def test_colleague_may_see_an_optimization_and_not_change_it(method, rest):
    run = make_optimization()
    assert program().get(address(run)).status_code == 200
    assert getattr(program(), method)(address(run, rest)).status_code == 403
    assert Run.objects.get().state == "running"


def test_delete_takes_the_trials_along_and_active_ones_stay():
    run = completed_optimization()
    active = make_optimization(user=run.user)
    assert program(run.user).delete(address(run)).status_code == 204
    assert program(make_user(is_staff=True)).delete(address(active)).status_code == 409
    assert (Run.objects.get(), Trial.objects.count()) == (active, 0)


def test_document_describes_every_route():
    paths = program().get("/api/openapi.json").json()["paths"]
    base = "/api/optimizations/"
    rests = ("", "evaluate", "{run_id}", *(f"{{run_id}}/{r}" for r in ("status", "cancel", "finish", "resume")))
    rests += tuple(f"{{run_id}}/{rest}" for rest in ("retry-failed", "trials", "trials/{number}", "failures"))
    assert {path for path in paths if path.startswith(base)} == {base + rest for rest in rests}
