"""What may be done with an optimization from its page: cancel, finish, resume, retry, delete, again, repeat."""

import json

import pytest
from django.contrib.messages import get_messages

from runs.models import Run, RunState
from tests.builders import make_user
from tests.runs.pages import PAGE_SPEC, make_page_run
from tests.runs.trials import add_trials, make_optimization, make_trial

HTMX = {"HX-Request": "true"}
PAGE_DATASET = {name: PAGE_SPEC[name] for name in ("asset", "exchange", "timeframe", "start_ns", "end_ns")}


def post(site, run, verb, **options):
    return site.post(f"/optimizations/{run.id}/{verb}", **options)


def said(response):
    return " ".join(str(message) for message in get_messages(response.wsgi_request))


def state_of(run):
    return Run.objects.get(pk=run.pk).state


@pytest.fixture
def optimization(user):
    """Return a running optimization of which one trial is done and one has failed."""
    run = make_optimization(user=user)
    return add_trials(run, [make_trial(run, 0, {"sharpe_ratio": 1.0, "trades": 40.0}), make_trial(run, 1)])


def ended(run, state):
    Run.objects.filter(pk=run.pk).update(state=state)
    run.refresh_from_db()
    return run


@pytest.mark.parametrize("verb", ["cancel", "finish", "retry", "delete"])
def test_link_asks_first_and_changes_nothing(site, optimization, verb):
    response = site.get(f"/optimizations/{optimization.id}/{verb}")
    assert response.status_code == 200
    assert f'action="/optimizations/{optimization.id}/{verb}"' in response.content.decode()
    assert state_of(optimization) == "running"


def test_cancel_says_what_is_kept(site, optimization):
    content = site.get(f"/optimizations/{optimization.id}/cancel").content.decode()
    assert f"2 finished trials are kept. {optimization.total - 2} will not run." in content


def test_cancel_turns_the_state_at_once(site, optimization):
    assert post(site, optimization, "cancel").status_code == 302
    assert state_of(optimization) == "cancelled"


def test_cancel_by_script_returns_the_live_parts_or_the_row(site, optimization):
    first = post(site, optimization, "cancel", headers=HTMX).content.decode()
    assert 'data-testid="cancelled-card"' in first
    assert post(site, optimization, "cancel?as=row", headers=HTMX).content.decode().strip().startswith("<tr id=")


def test_cancel_that_comes_too_late_is_a_toast(site, optimization):
    response = post(site, ended(optimization, RunState.COMPLETED), "cancel", headers=HTMX)
    assert response.status_code == 409
    assert json.loads(response["HX-Trigger"]) == {"toast": {"value": f"{optimization} had already completed."}}


def test_finish_is_asked_of_a_running_one(site, optimization):
    post(site, optimization, "finish")
    assert Run.objects.get(pk=optimization.pk).finish_requested


def test_resume_goes_on_with_a_cancelled_one(site, optimization):
    post(site, ended(optimization, RunState.CANCELLED), "resume")
    assert state_of(optimization) == "pending"


@pytest.mark.parametrize(("verb", "state"), [("finish", "completed"), ("resume", "completed"), ("retry", "running")])
def test_verb_that_comes_too_late_is_told(site, optimization, verb, state):
    response = post(site, ended(optimization, state), verb)
    assert response.status_code == 302
    assert "only" in said(response)
    assert state_of(optimization) == state


def test_delete_takes_an_ended_one_only(site, optimization):
    assert "cancel it first" in said(post(site, optimization, "delete"))
    post(site, ended(optimization, RunState.CANCELLED), "delete")
    assert not Run.objects.exists()


def test_again_asks_the_same_of_today(site, user):
    dataset = PAGE_DATASET | {"total_bars": 600}
    axes = [["fast", [5, 10]], ["slow", [20, 30]], ["side", ["long"]]]
    run = make_optimization(RunState.COMPLETED, user=user, spec={"datasets": [dataset], "axes": axes})
    response = post(site, run, "again")
    again = Run.objects.get(kind="optimization", state=RunState.PENDING)
    assert response.url == again.get_absolute_url()
    assert (again.spec["axes"], again.total) == (axes, 4)


def test_again_that_cannot_be_asked_is_told(site, optimization):
    assert "It can no longer run as it was submitted" in said(
        post(site, ended(optimization, RunState.COMPLETED), "again")
    )


def test_repeat_without_candles_is_refused_on_the_trials_page(site, optimization):
    response = site.post(f"/optimizations/{optimization.id}/trials/1/repeat", follow=True)
    assert response.redirect_chain == [(f"/optimizations/{optimization.id}/trials/1", 302)]
    assert "There are no candles for" in response.content.decode()
    assert not Run.objects.filter(kind="backtest").exists()


def test_repeat_leads_to_a_backtest_that_links_back(site, optimization, any_candles):
    response = post(site, optimization, "trials/1/repeat")
    backtest = Run.objects.get(kind="backtest")
    assert response.url == backtest.get_absolute_url()
    content = site.get(response.url).content.decode()
    assert f'href="/optimizations/{optimization.id}/trials/1">trial 1</a>' in content


def test_repeat_of_a_foreign_run_is_the_viewers_own_backtest(site, user, any_candles):
    run = make_optimization(user=make_user())
    add_trials(run, [make_trial(run, 0, {"sharpe_ratio": 1.0, "trades": 40.0})])
    post(site, run, "trials/1/repeat")
    assert Run.objects.get(kind="backtest").user == user


def test_list_shows_both_kinds_and_filters_them(site, user, optimization):
    backtest = make_page_run(user=user)
    both = site.get("/runs").content.decode()
    assert f"run-{optimization.id}" in both
    assert f"run-{backtest.id}" in both
    only = site.get("/runs?kind=optimization").content.decode()
    assert f"run-{optimization.id}" in only
    assert f"run-{backtest.id}" not in only


def test_row_of_an_optimization_tells_its_best_objective(site, optimization):
    row = site.get("/runs").content.decode().partition(f'id="run-{optimization.id}"')[2]
    assert "<span>1.00</span> <small>Sharpe ratio</small>" in row
    assert f"{optimization.total} trials" in row


def test_poll_of_the_list_brings_rows_of_both_kinds(site, user, optimization):
    backtest = make_page_run(user=user)
    content = site.get(f"/runs/live?id={optimization.id}&id={backtest.id}").content.decode()
    assert content.count("hx-swap-oob") == 2


def test_what_remains_is_not_told_once_it_finishes_early(site, optimization):
    live = {**optimization.live, "began": optimization.updated_at.timestamp() - 60}
    Run.objects.filter(pk=optimization.pk).update(live=live, processed=1)
    optimization.refresh_from_db()
    assert optimization.eta_seconds is not None
    post(site, optimization, "finish")
    optimization.refresh_from_db()
    assert optimization.eta_seconds is None
    assert '<dd data-testid="eta">—</dd>' in site.get(optimization.get_absolute_url()).content.decode()
