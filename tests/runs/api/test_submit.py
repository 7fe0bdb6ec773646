"""POST /api/backtests/: what is started, what is found, what is refused."""

import json

import pytest

from algotrade.errors import MarketDataError, SpecError
from algotrade.market.store import CandleStore
from algotrade.resolve import Resolved
from runs import throttle
from runs.models import Run, RunState
from tests.builders import make_run, make_user
from tests.runs.clients import browser, program, resolved

pytestmark = pytest.mark.django_db

ADDRESS = "/api/backtests/"
BODY = {"strategy_name": "sma_cross", "asset": "SPY", "exchange": "NYSE", "timeframe": "1h", "parameters": {"fast": 10}}


@pytest.fixture
def asked(monkeypatch, any_candles):
    """Let every body pass the validator, as what the returned list holds; note what it was asked."""
    answer = [resolved()]
    seen = []

    def judge(request, _catalog, _store):
        seen.append(request)
        if isinstance(answer[0], Resolved):
            return answer[0]
        raise answer[0]

    monkeypatch.setattr("runs.api.backtests.resolve_backtest", judge)
    answer.append(seen)
    return answer


def post(client, body=BODY, **extra):
    data = body if isinstance(body, str | bytes) else json.dumps(body)
    return client.post(ADDRESS, data, content_type="application/json", **extra)


def test_submission_whose_candles_were_deleted_meanwhile_is_refused(asked, monkeypatch):
    def gone(_store, _versions):
        raise MarketDataError("There are no candles for SPY 1h on NYSE.")

    monkeypatch.setattr(CandleStore, "pinned", gone)
    response = post(program())
    assert response.status_code == 400
    assert response.json()["fields"] == {"asset": "There are no candles for SPY 1h on NYSE."}
    assert not Run.objects.exists()


def test_submission_answers_202_with_the_run_and_where_to_follow_it(asked):
    response = post(program())
    run = Run.objects.get()
    assert response.status_code == 202
    assert response["Location"] == f"/api/backtests/{run.id}/status"
    assert response.json() == {
        "id": str(run.id),
        "number": run.number,
        "status": "pending",
        "total_bars": 1_000,
        "is_dedup": False,
        "identical_to": None,
    }


def test_submission_belongs_to_who_holds_the_token(asked):
    user = make_user()
    post(program(user))
    assert Run.objects.get().user == user


def test_submission_reaches_the_validator_as_it_was_sent(asked):
    post(program())
    assert asked[1] == [BODY]


def test_identical_active_submission_is_one_run(asked):
    client = program()
    ids = [post(client).json() for _ in range(3)]
    assert [answer["is_dedup"] for answer in ids] == [False, True, True]
    assert len({answer["id"] for answer in ids}) == Run.objects.count() == 1


def test_identical_completed_run_is_named_and_does_not_stop_a_new_one(asked):
    done = make_run(RunState.COMPLETED, run_key="a" * 64)
    answer = post(program()).json()
    assert (answer["identical_to"], answer["is_dedup"]) == (str(done.id), False)
    assert Run.objects.count() == 2


def test_refused_submission_names_its_fields_and_starts_nothing(asked):
    asked[0] = SpecError({"asset": "no candles", "parameters.fast": "too small"})
    response = post(program())
    assert response.status_code == 400
    assert response.json()["fields"] == {"asset": "no candles", "parameters.fast": "too small"}
    assert not Run.objects.exists()


def test_refused_submission_with_one_wrong_field_says_it_in_the_message(asked):
    asked[0] = SpecError({"asset": "There are no candles."})
    assert post(program()).json()["error"] == "asset: There are no candles."


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("{", "not valid JSON"),
        ("", "not valid JSON"),
        (b"\xff\xfe{}", "not valid JSON"),
        ("[]", "JSON object"),
        ("null", "JSON object"),
        ('{"initial_cash": NaN}', "NaN is not a JSON number"),
        ('{"initial_cash": -Infinity}', "-Infinity is not a JSON number"),
        ('{"a":' * 5_000 + "1" + "}" * 5_000, "nested too deeply"),
        ('{"parameters": ' + "[" * 30 + "]" * 30 + "}", "nested more than 10 levels deep"),
        (json.dumps({f"x{i}": 1 for i in range(20_000)}), "more than 10,000 values"),
        ('{"initial_cash": ' + "9" * 5_000 + "}", "not valid JSON"),
    ],
    ids=["cut", "empty", "utf-16", "list", "null", "nan", "infinity", "bottomless", "deep", "wide", "long number"],
)
def test_body_that_is_no_sensible_json_object_is_400(asked, body, told):
    response = post(program(), body)
    assert response.status_code == 400
    assert told in response.json()["error"]
    assert response.json()["fields"] == {}


def test_body_over_the_limit_is_413(asked, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1_000
    response = post(program(), json.dumps({"x": "y" * 2_000}))
    assert response.status_code == 413
    assert set(response.json()) == {"error", "fields"}


def test_answer_to_thousands_of_wrong_fields_stays_small(asked):
    asked[0] = SpecError({f"x{i}": "Unknown." for i in range(5_000)})
    assert len(post(program()).content) < 5_000


def test_state_and_owner_cannot_be_sent_along():
    response = post(program(), {**BODY, "state": "completed", "owner": "me", "run_key": "b" * 64, "user": 1})
    assert response.status_code == 400
    assert {"state", "owner", "run_key", "user"} <= set(response.json()["fields"])


def test_submission_by_session_needs_the_csrf_token(asked):
    response = post(browser(checks_csrf=True))
    assert response.status_code == 403
    assert set(response.json()) == {"error", "fields"}
    assert not Run.objects.exists()


def test_submission_by_session_with_the_csrf_token_passes(asked):
    client = browser(checks_csrf=True)
    client.get("/api/docs")
    client.cookies["csrftoken"] = "a" * 32
    response = post(client, headers={"X-CSRFToken": "a" * 32})
    assert response.status_code == 202


def test_submission_without_any_credential_is_401_in_json(asked, client):
    response = post(client)
    assert response.status_code == 401
    assert response.json() == {"error": "Log in, or send a bearer token.", "fields": {}}
    assert response["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("token", ["", "nope", "at_" + "x" * 43, "\xff", "a b"])
def test_submission_with_a_wrong_token_is_401(asked, client, token):
    assert post(client, headers={"Authorization": f"Bearer {token}"}).status_code == 401


def test_submission_beyond_the_active_cap_is_429_and_says_when_to_come_back(asked, settings):
    settings.ALGOTRADE_MAX_ACTIVE_RUNS = 2
    user = make_user()
    make_run(user=user)
    make_run(RunState.RUNNING, user=user)
    response = post(program(user))
    assert response.status_code == 429
    assert int(response["Retry-After"]) > 0
    assert "may have 2" in response.json()["error"]


def test_cap_counts_one_users_active_runs_only(asked, settings):
    settings.ALGOTRADE_MAX_ACTIVE_RUNS = 1
    user = make_user()
    make_run()
    make_run(RunState.COMPLETED, user=user)
    assert post(program(user)).status_code == 202


def test_identical_submission_at_the_cap_still_finds_its_run(asked, settings):
    settings.ALGOTRADE_MAX_ACTIVE_RUNS = 1
    client = program()
    assert [post(client).status_code for _ in range(2)] == [202, 202]


def test_twenty_identical_posts_in_a_row_are_not_throttled(asked):
    client = program()
    assert {post(client).status_code for _ in range(20)} == {202}


def test_loop_that_runs_wild_is_429(asked, monkeypatch):
    monkeypatch.setattr(throttle, "API_SUBMISSIONS", 3)
    client = program()
    assert [post(client).status_code for _ in range(4)] == [202, 202, 202, 429]
