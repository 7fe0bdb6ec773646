"""The page of an optimization in each of its states, its live parts, its table, its failed trials, its trials."""

import re
import uuid

import pytest

from runs import fragments
from runs.models import Run, RunState
from runs.optimizations import terminal
from tests.builders import make_user
from tests.runs.trials import FAILURE, add_trials, make_optimization, make_trial

LIVE_IDS = ["run-header", "run-outcome", "run-best", "run-failures-head"]
ENDED = {"summary": {"seconds": 235.0, "objective": {"min": 0.1, "median": 1.2, "max": 2.4}}}


def text(response):
    return " ".join(re.sub(r"<[^>]*>", " ", response.content.decode()).split())


def address(run, suffix=""):
    return f"/optimizations/{run.id}{suffix}"


@pytest.fixture
def optimization(user):
    """Return a running optimization of 22 trials: 12 are done, one of them failed, the best is the fourth."""
    run = make_optimization(user=user, live={"began": 0.0})
    done = [make_trial(run, n, {"sharpe_ratio": 2.41 if n == 3 else n / 10, "trades": 40.0}) for n in range(11)]
    return add_trials(run, [*done, make_trial(run, 11)])


def change(run, **fields):
    Run.objects.filter(pk=run.pk).update(**fields)
    run.refresh_from_db()
    return run


def test_running_page_shows_progress_in_the_first_html(site, optimization):
    shown = text(site.get(address(optimization)))
    percent = 12 * 1000 // optimization.total / 10
    for part in (
        f"Processed 12 / {optimization.total} trials",
        f"{percent}%",
        "Grid, maximize Sharpe ratio",
        "1 trial",
    ):
        assert part in shown


def test_progress_never_reads_100_percent_while_running(site, optimization):
    change(optimization, processed=optimization.total)
    assert "100.0%" not in text(site.get(address(optimization)))


def test_bar_shows_the_failed_part_and_tells_its_values(site, optimization):
    content = site.get(address(optimization)).content.decode()
    bar = re.search(r'<div class="trial-bar".*?</div>', content, re.DOTALL)[0]
    assert 'role="progressbar"' in bar
    assert 'aria-valuenow="12"' in bar
    assert 'data-testid="bar-failed"' in bar
    assert "style=" not in content


def test_best_trial_is_told_with_its_parameters(site, optimization):
    shown = text(site.get(address(optimization)))
    parameters = re.search(r"Best so far, trial 4 (fast \d+ slow \d+ side \w+) Sharpe ratio 2.41", shown)
    assert parameters


def test_page_without_trials_says_that_they_will_come(site, user):
    shown = text(site.get(address(make_optimization(RunState.PENDING, user=user))))
    assert "The best trial appears here with the first results." in shown
    assert "Trials appear here as they finish." in shown


def test_completed_page_collapses_to_a_sentence_and_a_badge(site, optimization):
    parity = {"status": "equal", "backtest": None, "detail": "131 metrics are the same to the bit."}
    change(optimization, state=RunState.COMPLETED, result=ENDED | {"parity": parity})
    shown = text(site.get(address(optimization)))
    assert "11 trials finished, 1 failed in 3m 55s" in shown
    assert "Best trial equals its backtest" in shown


def test_difference_from_the_backtest_is_told(site, optimization):
    parity = {"status": "different", "backtest": None, "detail": "These metrics differ: trades."}
    change(optimization, state=RunState.COMPLETED, result=ENDED | {"parity": parity})
    assert "These metrics differ: trades." in text(site.get(address(optimization)))


def test_partial_report_says_what_is_missing(site, optimization):
    change(optimization, state=RunState.COMPLETED, is_partial=True, result=ENDED | {"parity": None})
    assert f"{optimization.total - 12} of {optimization.total} were left out by Finish now." in text(
        site.get(address(optimization))
    )


def test_cancelled_page_keeps_what_is_done(site, optimization):
    change(optimization, state=RunState.CANCELLED)
    assert "12 finished trials are kept." in text(site.get(address(optimization)))


def test_failed_page_shows_the_error_inert(site, optimization):
    change(optimization, state=RunState.FAILED, error_type="ValueError", error_message="<script>no</script>")
    content = site.get(address(optimization)).content.decode()
    assert 'data-testid="error-panel"' in content
    assert "<script>no" not in content


@pytest.mark.parametrize("state", RunState.values)
def test_live_parts_have_one_root_with_id_and_revision(site, optimization, state):
    change(optimization, state=state, rev=7)
    content = site.get(address(optimization, "/live?rev=0")).content.decode()
    roots = re.findall(r'<(?:div|section) id="(run-[a-z-]+)"[^>]*data-rev="7"[^>]*hx-swap-oob="morph"', content)
    assert roots == LIVE_IDS


def test_live_parts_hold_no_form_and_no_token(site, optimization):
    content = site.get(address(optimization, "/live")).content.decode()
    assert "<form" not in content
    assert "csrf" not in content


def test_poll_is_silent_when_nothing_is_newer(site, optimization):
    assert site.get(address(optimization, f"/live?rev={optimization.rev}")).status_code == 204
    assert site.get(address(optimization, f"/live?rev={optimization.rev - 1}")).status_code == 200


@pytest.mark.parametrize(
    ("state", "verbs"),
    [
        ("pending", "cancel"),
        ("running", "cancel finish"),
        ("cancelled", "resume delete again"),
        ("failed", "resume retry delete again"),
        ("completed", "retry delete again"),
    ],
)
def test_header_tells_what_may_be_done(site, optimization, state, verbs):
    change(optimization, state=state)
    content = site.get(address(optimization)).content.decode()
    assert f'data-verbs="{verbs}"' in content


def test_stranger_to_a_run_may_look_and_not_change(site):
    run = make_optimization(user=make_user())
    content = site.get(address(run)).content.decode()
    assert 'data-verb="cancel"' not in content
    for verb in ("cancel", "finish", "resume", "retry", "delete"):
        assert site.post(address(run, f"/{verb}")).status_code == 404


def test_queries_of_a_frame_do_not_grow_with_the_trials(optimization, django_assert_max_num_queries):
    fragments.render_live(optimization)
    with django_assert_max_num_queries(8):
        fragments.render_live(optimization)


def test_table_is_sorted_and_says_how(site, optimization):
    content = site.get(address(optimization, "/trials?sort=number")).content.decode()
    assert re.findall(r'data-number="(\d+)"', content) == [str(n) for n in range(12)]
    assert content.count('aria-sort="ascending"') == 1


def test_table_is_filtered(site, optimization):
    content = site.get(address(optimization, "/trials?q=sharpe_ratio+>+0.85")).content.decode()
    assert re.findall(r'data-number="(\d+)"', content) == ["3", "10", "9"]


def test_wrong_filter_is_told_and_not_applied(site, optimization):
    response = site.get(address(optimization, "/trials?q=sharp+>+1"), headers={"HX-Request": "true"})
    assert response.status_code == 200
    assert "There is no column" in text(response)
    assert response.content.decode().count("data-href") == 12


def test_table_by_script_follows_in_the_address(site, optimization):
    response = site.get(address(optimization, "/trials?sort=fast&q=trades+>+1"), headers={"HX-Request": "true"})
    assert response["HX-Push-Url"] == address(optimization, "?sort=fast&q=trades+%3E+1")
    assert "<html" not in response.content.decode()


def test_address_of_the_page_brings_its_table_back(site, optimization):
    content = site.get(address(optimization, "?sort=-number&q=trades+>+1")).content.decode()
    assert re.findall(r'data-number="(\d+)"', content)[0] == "10"
    assert 'value="trades &gt; 1"' in content


def test_newer_trials_are_held_back_until_they_are_asked_for(site, optimization):
    as_of = optimization.rev
    add_trials(optimization, [make_trial(optimization, 12, {"sharpe_ratio": 9.0, "trades": 40.0}, rev=as_of + 1)])
    held = site.get(address(optimization, f"/trials?asof={as_of}")).content.decode()
    assert re.search(r'data-testid="trials-news"[^>]*>1 new<', held)
    assert 'data-number="12"' not in held
    assert 'data-number="12"' in site.get(address(optimization, "/trials")).content.decode()


def test_failed_trial_is_marked_in_the_table(site, optimization):
    row = re.search(
        r'<tr[^>]*class="failed-row">.*?</tr>', site.get(address(optimization)).content.decode(), re.DOTALL
    )[0]
    assert "division by zero" in row
    assert "<details>" in row


def test_same_errors_are_one_group_with_a_trace(site, optimization):
    add_trials(optimization, [make_trial(optimization, 12), make_trial(optimization, 13, error_type="KeyError")])
    shown = text(site.get(address(optimization)))
    assert "3 trials, 2 distinct errors. The optimization continues." in shown
    assert site.get(address(optimization)).content.decode().count('data-testid="error-group"') == 2


def test_what_a_trial_says_is_escaped(site, optimization):
    add_trials(optimization, [make_trial(optimization, 12, error_message="<script>x</script>", error_type="<b>")])
    for suffix in ("", "/failures", "/trials", "/trials/13", "/failures?error=<b>&place=sma_cross.py:31"):
        content = site.get(address(optimization, suffix)).content.decode()
        assert "<script>x" not in content
        assert "<b></" not in content


def test_page_of_an_error_lists_its_trials(site, optimization):
    add_trials(optimization, [make_trial(optimization, 12)])
    shown = text(site.get(address(optimization, "/failures?error=ZeroDivisionError&place=sma_cross.py:31")))
    assert "2 trials" in shown
    assert "13" in shown


def test_trial_page_tells_rank_and_all_metrics(site, optimization):
    shown = text(site.get(address(optimization, "/trials/4")))
    assert "Trial 4 of SMA Cross" in shown
    assert "Rank 1 of 11 by Sharpe ratio, 2.41" in shown
    assert "more metrics" in shown


def test_trial_page_knows_its_neighbours(site, optimization):
    content = site.get(address(optimization, "/trials/4")).content.decode()
    assert re.findall(r'/trials/(\d+)">', content.partition('data-testid="neighbours"')[2])


def test_page_of_a_failed_trial_shows_its_trace_and_replays(site, optimization):
    response = site.get(address(optimization, "/trials/12"))
    assert FAILURE["error_stack_trace"].splitlines()[0] in text(response)
    assert "Replay" in text(response)


@pytest.mark.parametrize("number", [0, 22, 2**63, 10**30])
def test_trial_that_is_not_there_is_not_found(site, optimization, number):
    assert site.get(address(optimization, f"/trials/{number}")).status_code == 404


@pytest.mark.parametrize("suffix", ["", "/live", "/trials", "/failures", "/trials/1", "/cancel"])
def test_unknown_optimization_is_not_found(site, suffix):
    assert site.get(f"/optimizations/{uuid.uuid4()}{suffix}").status_code == 404


@pytest.mark.parametrize("kind", ["backtests", "optimizations"])
def test_run_is_not_found_at_the_address_of_the_other_kind(site, optimization, kind):
    assert (site.get(f"/{kind}/{optimization.id}").status_code == 200) is (kind == "optimizations")


@pytest.mark.parametrize(
    ("filters", "condition"),
    [
        ({}, "has a value for Sharpe ratio"),
        ({"min_trades": 5}, "passes the filters and has a value for Sharpe ratio"),
    ],
)
def test_filters_are_blamed_only_where_there_are_some(site, user, filters, condition):
    run = make_optimization(user=user, spec={"filters": filters})
    add_trials(run, [make_trial(run, n, {"trades": 0.0}) for n in range(3)])
    summary = {"seconds": 1.0, "eligible": 0, "objective": {}}
    change(run, state=RunState.COMPLETED, result={"summary": summary})
    shown = text(site.get(address(run)))
    assert f"No trial {condition}, so none is best." in shown
    assert f"None ranked: none {condition}." in shown
    assert terminal.lines(run)[-1] == f"No trial {condition}."
    trial = text(site.get(address(run, "/trials/1")))
    assert "Not ranked: it has no value for Sharpe ratio." in trial
    assert 'title="Not ranked: no value of the objective."' in site.get(address(run)).content.decode()


def test_trial_that_does_not_pass_the_filters_is_told_so(site, user):
    run = make_optimization(user=user, spec={"filters": {"min_trades": 5}})
    trials = [make_trial(run, 0, {"sharpe_ratio": 3.0, "trades": 1.0}, is_eligible=False)]
    add_trials(run, [*trials, make_trial(run, 1, {"sharpe_ratio": 1.0, "trades": 9.0})])
    change(run, state=RunState.COMPLETED, result=ENDED | {"summary": ENDED["summary"] | {"eligible": 1}})
    assert "1 ranked: each passes the filters and has a value for Sharpe ratio." in text(site.get(address(run)))
    assert "Not ranked: it does not pass the filters." in text(site.get(address(run, "/trials/1")))
