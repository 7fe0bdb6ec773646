"""Somebody else deletes a run while a request is at it: 404, never an error of the server."""

import json

import pytest

from runs.api import run_routes
from runs.models import Note, Run, RunState
from tests.builders import make_download, make_run
from tests.runs.clients import browser, program
from tests.runs.trials import make_optimization

pytestmark = pytest.mark.django_db


@pytest.fixture
def delete_first(monkeypatch):
    """Return a function that lets a method of runs find that the run was deleted just before."""

    def delete_first_(name, owner=Run):
        def gone(*_args, **_fields):
            Run.objects.all().delete()
            return False

        monkeypatch.setattr(owner, name, gone)

    return delete_first_


MAKERS = {
    "backtests": lambda user, state: make_run(state, user=user),
    "optimizations": lambda user, state: make_optimization(state, user=user),
    "downloads": lambda user, state: make_download(state, user=user),
}


@pytest.mark.parametrize(
    ("kind", "verb", "method", "state"),
    [
        *((kind, "cancel", "mark_cancelled", RunState.PENDING) for kind in MAKERS),
        *((kind, "resume", "mark_resumed", RunState.CANCELLED) for kind in ("optimizations", "downloads")),
        ("optimizations", "finish", "request_finish", RunState.RUNNING),
    ],
)
def test_verb_that_comes_after_a_delete_finds_nothing(delete_first, user, kind, verb, method, state):
    run = MAKERS[kind](user, state)
    api, site = program(user), browser(user)
    addresses = [f"/api/{kind}/{run.id}/{verb}", f"/{kind}/{run.id}/{verb}"]
    delete_first(method)
    response = api.post(addresses[0])
    assert (response.status_code, response.json()["error"]) == (404, "It was deleted meanwhile.")
    run.save()
    assert site.post(addresses[1]).status_code == 404


@pytest.mark.parametrize("kind", MAKERS)
def test_second_of_two_deletes_finds_nothing(delete_first, user, kind):
    run = MAKERS[kind](user, RunState.CANCELLED)
    delete_first("delete_run", run_routes)
    assert program(user).delete(f"/api/{kind}/{run.id}").status_code == 404


def test_words_about_a_run_that_is_gone_are_not_stored(user, monkeypatch):
    run = make_run(user=user)
    write = Note.objects.write

    def late(*args, **fields):
        Run.objects.all().delete()
        return write(*args, **fields)

    monkeypatch.setattr(Note.objects, "write", late)
    response = program(user).patch(
        f"/api/backtests/{run.id}", json.dumps({"title": "Mine"}), content_type="application/json"
    )
    assert response.status_code == 404
    run.save()
    assert browser(user).post(f"/runs/{run.id}/note", {"title": "Mine"}).status_code == 404
    assert not Note.objects.exists()


def test_nul_in_a_cookie_is_a_cookie_that_was_not_sent(user):
    client = browser(user)
    client.cookies["algotrade_session"] = "aaaa\0aaaa"
    assert client.get("/runs").status_code == 302
    assert client.get("/api/backtests/").status_code == 401


def test_nul_in_a_filter_of_the_administration_is_refused(user):
    user.is_staff = True
    user.save()
    assert browser(user).get("/admin/runs/run/?state__exact=%00").status_code == 400
