"""Downloads by program: submit, follow, list, cancel, resume, delete."""

import json

import pytest

from algotrade.errors import MarketDataError
from runs import artifacts
from runs.downloads import exchanges
from runs.models import Run, RunState
from tests.builders import ERROR, make_download, make_user
from tests.runs.clients import program
from tests.runs.views.test_downloads import KNOWN, RESULT

pytestmark = pytest.mark.django_db

BODY = {"exchange": "bitstamp", "asset": "BTC/USD", "timeframe": "1h", "start": "2020-01-01", "end": "2020-02-11"}


@pytest.fixture
def client(monkeypatch, settings, tmp_path):
    settings.ALGOTRADE_HOME = tmp_path
    store = artifacts.CandleStore(tmp_path / "candles")
    monkeypatch.setattr(artifacts, "candle_store", lambda: store)
    monkeypatch.setattr(exchanges, "known", lambda: KNOWN)
    monkeypatch.setattr(exchanges, "library", lambda: "ccxt 1")
    return program(make_user("bob"))


def post(client, body=BODY, path=""):
    return client.post(f"/api/downloads/{path}", json.dumps(body), content_type="application/json")


def test_submission_answers_202_with_the_run_and_where_to_follow_it(client):
    response = post(client)
    run = Run.objects.get()
    assert (response.status_code, response["Location"]) == (202, f"/api/downloads/{run.id}/status")
    told = {"id": str(run.id), "number": run.number, "status": "pending", "total_bars": 1_008, "is_dedup": False}
    told["identical_to"] = None
    assert response.json() == told
    assert post(client).json() == told | {"is_dedup": True}


def test_refused_submission_names_its_fields(client):
    response = post(client, BODY | {"exchange": "nowhere", "asset": "", "more": 1})
    assert response.status_code == 400
    assert set(response.json()["fields"]) == {"exchange", "asset", "more"}
    assert not Run.objects.exists()


def test_missing_library_is_409_and_says_how_to_install_it(client, monkeypatch):
    def missing():
        raise MarketDataError("It needs the package ccxt.")

    monkeypatch.setattr(exchanges, "known", missing)
    assert (post(client).status_code, client.get("/api/downloads/exchanges").status_code) == (409, 409)
    assert post(client).json()["error"] == "It needs the package ccxt."


def test_exchanges_are_listed(client):
    body = client.get("/api/downloads/exchanges").json()
    assert body["items"][0] == {"exchange": "bitstamp", "title": "Bitstamp", "timeframes": ["1m", "1h", "1d"]}
    assert body["total"] == 2


def test_status_of_a_running_download(client):
    live = {"rate": 10.0, "waiting": {"reason": "Later.", "seconds": 3.0}}
    run = make_download(RunState.RUNNING, processed=400, live=live, phase="fetching_bars")
    body = client.get(f"/api/downloads/{run.id}/status").json()
    assert (body["status"], body["processed_bars"], body["total_bars"], body["phase"]) == (
        "running", 400, 1_000, "fetching_bars",
    )  # fmt: skip
    assert (body["rate"], body["eta_seconds"], body["waiting"]["seconds"]) == (10.0, None, 3.0)
    assert (body["result"], body["error_message"], body["error_stack_trace"]) == (None, None, None)


def test_status_of_a_completed_download_has_the_result(client):
    run = make_download(RunState.COMPLETED, processed=1_000, result=RESULT)
    result = client.get(f"/api/downloads/{run.id}").json()["result"]
    assert (result["fetched_bars"], result["added_bars"], result["changed_bars"], result["missing_bars"]) == (
        995, 990, 2, 5,
    )  # fmt: skip
    assert result["missing"] == [{"first": "2020-01-01T01:00:00Z", "last": "2020-01-01T05:00:00Z", "bars": 5}]
    assert result["dataset"]["first"] == "2020-01-01T00:00:00Z"


def test_status_of_a_failed_download_has_error_and_trace(client):
    run = make_download(RunState.RUNNING)
    run.mark_failed("owner", ERROR)
    body = client.get(f"/api/downloads/{run.id}/status").json()
    assert (body["error_type"], body["error_message"]) == ("ValueError", "no")
    assert body["error_stack_trace"] == ERROR["trace"]


def test_list_has_downloads_only_and_filters_them(client):
    from tests.builders import make_run

    make_run()
    make_download()
    done = make_download(RunState.COMPLETED, result=RESULT)
    assert client.get("/api/downloads/").json()["total"] == 2
    (item,) = client.get("/api/downloads/?status=completed&exchange=bitstamp").json()["items"]
    assert (item["id"], item["spec"]["start"]) == (str(done.id), "2020-01-01T00:00:00Z")


def test_cancel_resume_and_delete_as_the_state_allows(client):
    user = Run._meta.get_field("user").related_model.objects.get(username="bob")
    run = make_download(RunState.RUNNING, user=user)
    assert client.delete(f"/api/downloads/{run.id}").status_code == 409
    assert post(client, {}, f"{run.id}/resume").status_code == 409
    assert post(client, {}, f"{run.id}/cancel").json() == {"id": str(run.id), "status": "cancelled"}
    assert post(client, {}, f"{run.id}/cancel").status_code == 409
    assert post(client, {}, f"{run.id}/resume").json()["status"] == "pending"
    post(client, {}, f"{run.id}/cancel")
    assert client.delete(f"/api/downloads/{run.id}").status_code == 204


@pytest.mark.parametrize("verb", ["cancel", "resume"])
def test_download_of_another_is_not_touched(client, verb):
    run = make_download(RunState.CANCELLED)
    assert post(client, {}, f"{run.id}/{verb}").status_code == 403
    assert client.delete(f"/api/downloads/{run.id}").status_code == 403


def test_words_about_a_download_are_written_and_listed(client):
    user = Run._meta.get_field("user").related_model.objects.get(username="bob")
    run = make_download(RunState.COMPLETED, user=user, result=RESULT)
    body = json.dumps({"title": "Five years", "tags": ["btc"]})
    told = client.patch(f"/api/downloads/{run.id}", body, content_type="application/json").json()
    assert (told["title"], told["tags"]) == ("Five years", ["btc"])
    assert client.get("/api/downloads/").json()["items"][0]["title"] == "Five years"
