"""The list of runs: rows, filters, search, paging, first start, polling."""

import re

import pytest
from django.urls import reverse

from runs.models import RunState
from tests.builders import make_download, make_user
from tests.runs.pages import make_completed, make_failed, make_page_run
from tests.runs.trials import make_optimization


def rows_of(response):
    return re.findall(r'<tr id="run-([0-9a-f-]{36})"', response.content.decode())


def test_home_leads_to_the_runs(site):
    response = site.get("/")
    assert (response.status_code, response.url) == (302, "/runs")


def test_stranger_is_led_to_the_login(client, db):
    response = client.get("/runs", HTTP_HOST="127.0.0.1")
    assert (response.status_code, response.url) == (302, "/login/?next=/runs")


def test_empty_list_offers_the_sample(site):
    content = site.get("/runs").content.decode()
    assert "No runs yet." in content
    assert "A backtest takes seconds." in content
    assert 'name="dataset" value="ACME|TEST|1h"' in content


def test_sample_form_starts_a_run(site, user):
    response = site.post("/backtests/new", {"strategy_name": "sma_cross", "dataset": "ACME|TEST|1h"})
    assert response.status_code == 302
    assert user.runs.get().get_absolute_url() == response.url


def test_list_shows_the_newest_first(site, user):
    runs = [make_page_run(user=user) for _ in range(3)]
    assert rows_of(site.get("/runs")) == [str(run.id) for run in reversed(runs)]


@pytest.mark.parametrize(
    ("query", "expected"), [("?status=failed", 1), ("?status=running", 2), ("?status=nonsense", 3)]
)
def test_list_is_filtered_by_status(site, user, query, expected):
    make_failed(user=user)
    make_page_run(RunState.RUNNING, user=user)
    make_page_run(RunState.RUNNING, user=user)
    assert len(rows_of(site.get("/runs" + query))) == expected


def test_filters_count_the_states(site, user):
    make_failed(user=user)
    make_page_run(RunState.RUNNING, user=user)
    filters = {tab["label"]: tab["count"] for tab in site.get("/runs").context["tabs"]}
    assert filters == {"All": 2, "Running": 1, "Failed": 1}


@pytest.mark.parametrize(("words", "found"), [("acme", True), ("sma cross", True), ("acme 4h", False), ("zzz", False)])
def test_list_is_searched(site, user, words, found):
    make_page_run(user=user)
    assert bool(rows_of(site.get("/runs", {"q": words}))) is found


def test_run_is_found_by_its_number(site, user):
    run, _ = make_page_run(user=user), make_page_run(user=user)
    assert rows_of(site.get("/runs", {"q": str(run.number)})) == [str(run.id)]


def test_nothing_found_says_so(site, user):
    make_page_run(user=user)
    assert "No runs match." in site.get("/runs?q=zzz").content.decode()


def test_search_text_is_escaped(site, user):
    make_page_run(user=user)
    assert "<script>alert" not in site.get("/runs", {"q": "<script>alert(1)</script>"}).content.decode()


def test_list_has_pages_of_fifty(site, user):
    for _ in range(51):
        make_page_run(user=user)
    assert len(rows_of(site.get("/runs"))) == 50
    assert len(rows_of(site.get("/runs?page=2"))) == 1
    assert len(rows_of(site.get("/runs?page=99"))) == 1


def test_list_asks_a_bounded_number_of_queries(site, user, django_assert_max_num_queries):
    for _ in range(40):
        make_page_run(RunState.RUNNING, user=user)
    with django_assert_max_num_queries(10):
        site.get("/runs")


def test_places_of_waiting_runs_are_asked_for_once(site, user, django_assert_max_num_queries):
    for _ in range(40):
        make_page_run(user=user)
    with django_assert_max_num_queries(13):
        content = site.get("/runs").content.decode()
    assert "39 runs ahead" in content
    assert "1 run ahead" in content


def test_running_optimizations_are_listed_in_few_queries(site, user, django_assert_max_num_queries):
    for _ in range(20):
        make_optimization(user=user)
    with django_assert_max_num_queries(12):
        site.get("/runs")


def test_completed_row_shows_its_result(site, user):
    make_completed(user=user)
    content = site.get("/runs").content.decode()
    assert "+48.20%" in content
    assert "Sharpe 2.41" in content


def test_active_row_can_be_cancelled(site, user):
    run = make_page_run(RunState.RUNNING, user=user)
    assert f'href="{reverse("backtest_cancel", args=[run.id])}?as=row"' in site.get("/runs").content.decode()


def test_poll_returns_the_named_rows(site, user):
    first, second = make_page_run(user=user), make_page_run(user=user)
    response = site.get("/runs/live", {"id": [str(second.id), "nonsense"]})
    assert rows_of(response) == [str(second.id)]
    assert str(first.id) not in response.content.decode()


def test_runs_of_the_team_are_shown(site):
    run = make_page_run(user=make_user())
    assert rows_of(site.get("/runs")) == [str(run.id)]


def test_list_refuses_a_post(site):
    assert site.post("/runs").status_code == 405


def test_dataset_that_a_download_only_asked_for_is_no_filter(site, user):
    make_download(RunState.FAILED, user=user)
    make_download(RunState.COMPLETED, user=user, spec={"asset": "ACME", "exchange": "TEST", "timeframe": "1h"})
    make_page_run(user=user, asset="GONE")
    page = site.get("/runs").content.decode()
    assert '<option value="ACME|TEST|1h"' in page  # stored
    assert '<option value="GONE|' in page  # a backtest ran on it
    assert '<option value="BTC-USD|' not in page
