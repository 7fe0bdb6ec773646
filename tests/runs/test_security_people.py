"""What another user may do to a run that is not theirs, and what text from outside may do to a page."""

import pytest
from django.db import connection

from runs.models import Run, RunState
from tests.builders import ERROR, SPEC, make_run, make_user
from tests.runs.clients import browser, program

pytestmark = pytest.mark.django_db

EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(1) hx-get=/x hx-on:click=alert(1)>"


@pytest.mark.parametrize("way", [browser, program])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("post", "/api/backtests/{id}/cancel"),
        ("delete", "/api/backtests/{id}"),
        ("post", "/backtests/{id}/cancel"),
        ("post", "/runs/{id}/note"),
        ("patch", "/api/backtests/{id}"),
    ],
)
def test_other_user_changes_nothing(way, method, path):
    run = make_run(RunState.RUNNING)
    response = getattr(way(), method)(path.format(id=run.id))
    assert response.status_code in (302, 403, 404)
    assert Run.objects.get().state == "running"


def test_stranger_to_a_run_cannot_tell_it_from_one_that_does_not_exist(monkeypatch):
    run = make_run(RunState.FAILED)
    monkeypatch.setattr(type(Run.objects.all()), "visible_to", lambda self, user: self.filter(user_id=user.pk))
    client = program()
    for rest in ("", "/status", "/equity", "/trades", "/orders"):
        assert client.get(f"/api/backtests/{run.id}{rest}").status_code == 404
    assert client.post(f"/api/backtests/{run.id}/cancel").status_code == 404
    assert client.delete(f"/api/backtests/{run.id}").status_code == 404
    assert client.get("/api/backtests/").json()["total"] == 0


def evil_run():
    run = make_run(
        RunState.RUNNING,
        strategy_name=EVIL[:100],
        asset=EVIL[:64],
        notice=EVIL,
        spec={**SPEC, "parameters": {EVIL: EVIL}},
    )
    detail = {"parameters": {EVIL: EVIL}, "frames": [{"file": EVIL, "line": 1, "function": EVIL, "code": EVIL}]}
    run.mark_failed("owner", {**ERROR, "type": EVIL, "message": EVIL, "trace": EVIL, "detail": detail})
    return run


@pytest.mark.parametrize("path", ["/runs", "/backtests/{id}", "/backtests/{id}/live?rev=0", "/runs/live?id={id}"])
def test_text_from_a_strategy_never_becomes_markup(path):
    run = evil_run()
    page = browser().get(path.format(id=run.id)).content.decode()
    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert "&lt;script&gt;alert" in page


def test_text_from_a_strategy_is_data_in_json():
    run = evil_run()
    response = program().get(f"/api/backtests/{run.id}/status")
    assert response["Content-Type"].startswith("application/json")
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response.json()["error_message"] == EVIL


@pytest.mark.parametrize(
    "query",
    [
        "asset=' OR 1=1 --",
        "strategy_name=x'); DROP TABLE runs_run; --",
        "status=completed' OR '1'='1",
        "from=2020-01-01' OR '1'='1",
        "sort=-user__password",
        "limit=1;DROP TABLE runs_run",
        "user__is_staff=1",
        "asset__startswith=S",
    ],
)
def test_filters_are_values_and_never_code(query):
    make_run()
    response = program().get("/api/backtests/?" + query.replace(" ", "%20"))
    assert response.status_code in (200, 400)
    if response.status_code == 200:
        assert response.json()["total"] == 0
    assert "runs_run" in connection.introspection.table_names()


@pytest.mark.parametrize("name", ["../../etc/passwd", "..", "/etc/passwd", "sma_cross/../x", "a\0b", "%2e%2e"])
@pytest.mark.parametrize("field", ["strategy_name", "asset", "exchange", "timeframe"])
def test_names_are_no_paths(field, name):
    body = {"strategy_name": "sma_cross", "asset": "SPY", "exchange": "NYSE", "timeframe": "1h", field: name}
    response = program(make_user()).post("/api/backtests/", body, content_type="application/json")
    assert response.status_code == 400
    assert not Run.objects.exists()
