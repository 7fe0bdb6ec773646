"""What may be done with an optimization from its page: cancel, finish, resume, retry, delete, again, repeat."""

import json

import pytest
from django.contrib.messages import get_messages

from runs.models import Run, RunKind, RunState
from tests.builders import make_user
from tests.runs.pages import PAGE_SPEC, make_page_run
from tests.runs.trials import add_trials, make_search, make_trial

HTMX = {"HX-Request": "true"}
PAGE_DATASET = {name: PAGE_SPEC[name] for name in ("asset", "exchange", "timeframe", "start_ns", "end_ns")}


def post(site, run, verb, **options):
    return site.post(f"/optimizations/{run.id}/{verb}", **options)


def said(response):
    return " ".join(str(message) for message in get_messages(response.wsgi_request))


def state_of(run):
    return Run.objects.get(pk=run.pk).state


@pytest.fixture
def search(user):
    """Return a running optimization of which one trial is done and one has failed."""
    run = make_search(user=user)
    return add_trials(run, [make_trial(run, 0, {"sharpe_ratio": 1.0, "trades": 40.0}), make_trial(run, 1)])


def ended(run, state):
    Run.objects.filter(pk=run.pk).update(state=state)
    run.refresh_from_db()
    return run


@pytest.mark.parametrize("verb", ["cancel", "finish", "retry", "delete"])
def test_link_asks_first_and_changes_nothing(site, search, verb):
    response = site.get(f"/optimizations/{search.id}/{verb}")
    assert response.status_code == 200
    assert f'action="/optimizations/{search.id}/{verb}"' in response.content.decode()
    assert state_of(search) == "running"


def test_cancel_says_what_is_kept(site, search):
    content = site.get(f"/optimizations/{search.id}/cancel").content.decode()
    assert f"2 finished trials are kept. {search.total - 2} will not run." in content


def test_cancel_turns_the_state_at_once(site, search):
    assert post(site, search, "cancel").status_code == 302
    assert state_of(search) == "cancelled"


def test_cancel_by_script_returns_the_live_parts_or_the_row(site, search):
    first = post(site, search, "cancel", headers=HTMX).content.decode()
    assert 'data-testid="cancelled-card"' in first
    assert post(site, search, "cancel?as=row", headers=HTMX).content.decode().strip().startswith("<tr id=")


def test_cancel_that_comes_too_late_is_a_toast(site, search):
    response = post(site, ended(search, RunState.COMPLETED), "cancel", headers=HTMX)
    assert response.status_code == 409
    assert json.loads(response["HX-Trigger"]) == {"toast": f"{search} had already completed."}


def test_finish_is_asked_of_a_running_one(site, search):
    post(site, search, "finish")
    assert Run.objects.get(pk=search.pk).finish_requested


def test_resume_goes_on_with_a_cancelled_one(site, search):
    post(site, ended(search, RunState.CANCELLED), "resume")
    assert state_of(search) == "pending"


@pytest.mark.parametrize(("verb", "state"), [("finish", "completed"), ("resume", "completed"), ("retry", "running")])
def test_verb_that_comes_too_late_is_told(site, search, verb, state):
    response = post(site, ended(search, state), verb)
    assert response.status_code == 302
    assert "only" in said(response)
    assert state_of(search) == state


def test_delete_takes_an_ended_one_only(site, search):
    assert "cancel it first" in said(post(site, search, "delete"))
    post(site, ended(search, RunState.CANCELLED), "delete")
    assert not Run.objects.exists()


def test_again_asks_the_same_of_today(site, user):
    dataset = PAGE_DATASET | {"total_bars": 600}
    axes = [["fast", [5, 10]], ["slow", [20, 30]], ["side", ["long"]]]
    run = make_search(RunState.COMPLETED, user=user, spec={"datasets": [dataset], "axes": axes})
    response = post(site, run, "again")
    again = Run.objects.get(kind=RunKind.OPTIMIZATION, state=RunState.PENDING)
    assert response.url == again.get_absolute_url()
    assert (again.spec["axes"], again.total) == (axes, 4)


def test_again_that_cannot_be_asked_is_told(site, search):
    assert "It cannot run again as it was asked" in said(post(site, ended(search, RunState.COMPLETED), "again"))


def test_repeat_without_candles_is_refused_on_the_trials_page(site, search):
    response = site.post(f"/optimizations/{search.id}/trials/1/repeat", follow=True)
    assert response.redirect_chain == [(f"/optimizations/{search.id}/trials/1", 302)]
    assert "There are no candles for" in response.content.decode()
    assert not Run.objects.filter(kind=RunKind.BACKTEST).exists()


def test_repeat_leads_to_a_backtest_that_links_back(site, search, any_candles):
    response = post(site, search, "trials/1/repeat")
    backtest = Run.objects.get(kind=RunKind.BACKTEST)
    assert response.url == backtest.get_absolute_url()
    content = site.get(response.url).content.decode()
    assert f'href="/optimizations/{search.id}/trials/1">trial 1</a>' in content


def test_repeat_of_a_foreign_run_is_the_viewers_own_backtest(site, user, any_candles):
    run = make_search(user=make_user())
    add_trials(run, [make_trial(run, 0, {"sharpe_ratio": 1.0, "trades": 40.0})])
    post(site, run, "trials/1/repeat")
    assert Run.objects.get(kind=RunKind.BACKTEST).user == user


def test_list_shows_both_kinds_and_filters_them(site, user, search):
    backtest = make_page_run(user=user)
    both = site.get("/runs").content.decode()
    assert f"run-{search.id}" in both
    assert f"run-{backtest.id}" in both
    only = site.get("/runs?kind=optimization").content.decode()
    assert f"run-{search.id}" in only
    assert f"run-{backtest.id}" not in only


def test_row_of_an_optimization_tells_its_best_objective(site, search):
    row = site.get("/runs").content.decode().partition(f'id="run-{search.id}"')[2]
    assert "<span>1.00</span> <small>Sharpe ratio</small>" in row
    assert f"{search.total} trials" in row


def test_poll_of_the_list_brings_rows_of_both_kinds(site, user, search):
    backtest = make_page_run(user=user)
    content = site.get(f"/runs/live?id={search.id}&id={backtest.id}").content.decode()
    assert content.count("hx-swap-oob") == 2


def test_what_remains_is_not_told_once_it_finishes_early(site, search):
    live = {**search.live, "began": search.updated_at.timestamp() - 60}
    Run.objects.filter(pk=search.pk).update(live=live, processed=1)
    search.refresh_from_db()
    assert search.eta_seconds is not None
    post(site, search, "finish")
    search.refresh_from_db()
    assert search.eta_seconds is None
    assert '<dd data-testid="eta">—</dd>' in site.get(search.get_absolute_url()).content.decode()
