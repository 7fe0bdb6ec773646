"""The page of one run in each of its states, its live parts, and cancelling."""

import json
import re
import uuid

import pytest
from django.contrib.messages import get_messages

from runs.models import RunState
from tests.builders import make_user
from tests.runs.pages import ERROR_DETAIL, METRICS, make_completed, make_failed, make_page_run

LIVE = {
    "rate": 4180.0,
    "sim_time": 1_704_067_200_000_000_000,
    "equity": 10_284.3,
    "trades": 51,
    "curve": {"time": [1_704_067_200, 1_704_070_800], "equity": [10_000.0, 9_000.0], "hold": [10_000.0, 10_100.0]},
}


def page(site, run, suffix=""):
    return site.get(f"/backtests/{run.id}{suffix}")


def text(response):
    return " ".join(re.sub(r"<[^>]*>", " ", response.content.decode()).split())


def test_running_page_shows_progress_in_the_first_html(site, user):
    run = make_page_run(RunState.RUNNING, user=user, total=8760, processed=3200, live=LIVE)
    shown = text(page(site, run))
    assert "Processed 3,200 / 8,760 bars" in shown
    assert "36.5%" in shown
    assert "4,180 bars/s" in shown
    assert "10,284.30 USD" in shown
    assert "Metrics appear when the backtest finishes." in shown


def test_progressbar_tells_its_values(site, user):
    run = make_page_run(RunState.RUNNING, user=user, total=8760, processed=3200)
    content = page(site, run).content.decode()
    bar = re.search(r"<progress[^>]*>", content)[0]
    for part in ('aria-valuemin="0"', 'aria-valuemax="8760"', 'aria-valuenow="3200"', "3,200 of 8,760 bars, 36.5%"):
        assert part in bar


def test_active_phase_is_the_current_step(site, user):
    run = make_page_run(RunState.RUNNING, user=user)
    steps = re.findall(r'<li aria-current="step">.*?</svg>([^<]+)</li>', page(site, run).content.decode())
    assert steps == ["Running backtest"]


@pytest.mark.parametrize(("phase", "is_shown"), [("compiling_strategy", True), ("running_backtest", False)])
def test_compiling_is_a_step_only_while_it_happens(site, user, phase, is_shown):
    run = make_page_run(RunState.RUNNING, user=user, phase=phase)
    assert ("Compiling strategy" in text(page(site, run))) is is_shown


def test_progress_never_reads_100_percent_while_running(site, user):
    run = make_page_run(RunState.RUNNING, user=user, total=1000, processed=1000)
    shown = text(page(site, run))
    assert "99.9%" in shown
    assert "100.0%" not in shown


def test_waiting_run_tells_its_place(site, user):
    make_page_run(user=user)
    run = make_page_run(user=user)
    assert "Waiting for a worker. 1 run ahead." in text(page(site, run))


def test_lost_run_is_shown_as_resuming(site, user):
    notice = "The worker stopped responding at 14:03:18. Resuming on another worker (attempt 2)."
    run = make_page_run(user=user, attempt=1, notice=notice)
    shown = text(page(site, run))
    assert "Resuming" in shown
    assert notice in shown


def test_remaining_time_is_calculated_first(site, user):
    run = make_page_run(RunState.RUNNING, user=user, total=1_000_000, processed=100, live={"rate": 10.0})
    assert "Calculating…" in text(page(site, run))


def test_live_curve_has_its_drawdown(site, user):
    run = make_page_run(RunState.RUNNING, user=user, live=LIVE)
    series = page(site, run, "/series.json").json()
    assert series["drawdown"] == [0.0, -0.1]  # 9,000 below a peak of 10,000


def test_completed_page_is_a_report(site, user):
    shown = text(page(site, make_completed(user=user)))
    for part in (
        "+48.20%",
        "+4,820.14 USD",
        "excess +54.52%",
        "62 of 139 trades",
        "Monthly returns",
        "Worst drawdowns",
    ):
        assert part in shown
    assert "nan" not in shown


def test_buy_and_hold_is_signed_but_only_the_strategys_result_is_coloured(site, user):
    result = {"metrics": METRICS | {"buy_and_hold_return": 3.0846}, "reasons": {}, "findings": []}
    content = page(site, make_completed(user=user, result=result)).content.decode()
    assert '<dd class="">+308.46%</dd>' in content
    assert '<dd class="pos">+48.20%</dd>' in content


def test_undefined_metric_is_a_dash_with_its_reason(site, user):
    content = page(site, make_completed(user=user)).content.decode()
    assert 'title="No losing trades."' in content
    assert "None" not in re.sub(r"<[^>]*>", " ", content)


def test_what_a_strategy_says_is_escaped(site, user):
    content = page(site, make_completed(user=user)).content.decode()
    assert "Worth &lt;b&gt;knowing&lt;/b&gt;." in content


def test_report_without_trades_says_so(site, user):
    metrics = METRICS | {"trades": 0, "win_rate": None, "winning_trades": 0}
    result = {"metrics": metrics, "reasons": {"win_rate": "No trades."}, "findings": []}
    assert "No trades" in text(page(site, make_completed(user=user, result=result)))


def test_report_survives_missing_arrays(site, user):
    run = make_completed(user=user)
    run.artifact = "gone"
    run.save()
    response = page(site, run)
    assert response.status_code == 200
    assert "cannot be read" in text(response)
    assert "+48.20%" in text(response)


@pytest.mark.parametrize(
    ("size_kind", "size", "told"),
    [
        ("equity_fraction", 0.5, "buy 50% of equity, market, given at bar 4,100"),
        ("quantity", 1200.0, "buy 1,200 units, market, given at bar 4,100"),
        ("quote", 250.0, "buy 250 in money, market, given at bar 4,100"),
        ("all", None, "buy all, market, given at bar 4,100"),
    ],
)
def test_pending_order_of_a_failed_run_is_told_in_words(site, user, size_kind, size, told):
    order = {"verb": "buy", "kind": "market", "size_kind": size_kind, "size": size, "bar": 4100}
    assert told in text(page(site, make_failed(user=user, error_detail=ERROR_DETAIL | {"pending_orders": [order]})))


def test_failed_page_lights_the_strategys_own_line(site, user):
    content = page(site, make_failed(user=user)).content.decode()
    assert re.search(r'class="own-line" data-testid="own-line">\s*x = 1 / zero<', content)
    assert "… 2 engine frames" in content


def test_failed_page_tells_bar_time_parameters_and_position(site, user):
    shown = text(page(site, make_failed(user=user)))
    # Bar 41 of an hourly range from 1 January 2024, 00:00 opens on 2 January at 17:00.
    for part in ("41, 2 Jan 2024, 17:00", "fast 40", "slow 41", "\N{MINUS SIGN}3", "fast 101.25", "slow —"):
        assert part in shown


def test_error_message_is_inert(site, user):
    content = page(site, make_failed(user=user)).content.decode()
    assert "<script>zero" not in content
    assert "&lt;script&gt;zero" in content


def test_whole_trace_can_be_copied(site, user):
    run = make_failed(user=user)
    content = page(site, run).content.decode()
    assert f'<pre id="trace-text" hidden>{run.error_stack_trace}</pre>' in content
    assert 'data-copy="trace-text"' in content


def test_error_without_frames_shows_its_trace(site, user):
    run = make_failed(user=user, error_detail={}, error_stack_trace="Fatal: segmentation fault")
    assert "Fatal: segmentation fault" in text(page(site, run))


def test_cancelled_page_keeps_the_curve_and_says_incomplete(site, user):
    run = make_page_run(RunState.CANCELLED, user=user, processed=200, live=LIVE)
    response = page(site, run)
    assert "kept but incomplete" in text(response)
    assert json.loads(re.search(r'id="chart-data"[^>]*>(.*?)</script>', response.content.decode())[1])["equity"]


@pytest.mark.parametrize("suffix", ["", "/live", "/series.json", "/trades", "/log", "/cancel"])
def test_unknown_run_is_not_found(site, suffix):
    assert site.get(f"/backtests/{uuid.uuid4()}{suffix}").status_code == 404


@pytest.mark.parametrize("state", ["pending", "running", "failed", "cancelled"])
def test_live_parts_have_one_root_with_id_and_revision(site, user, state):
    run = make_failed(user=user) if state == "failed" else make_page_run(state, user=user, rev=7)
    content = page(site, run, "/live?rev=0").content.decode()
    roots = re.findall(r'<(?:div|section) id="(run-[a-z]+)"[^>]*data-rev="\d+"[^>]*hx-swap-oob="morph"', content)
    assert roots == ["run-header", "run-outcome", "run-metrics", "run-report"]


def test_live_parts_hold_no_form_and_no_token(site, user):
    content = page(site, make_page_run(RunState.RUNNING, user=user), "/live").content.decode()
    assert "<form" not in content
    assert "csrf" not in content


def test_poll_is_silent_when_nothing_is_newer(site, user):
    run = make_page_run(RunState.RUNNING, user=user, rev=7)
    assert page(site, run, "/live?rev=7").status_code == 204
    assert page(site, run, "/live?rev=6").status_code == 200


def test_poll_of_a_waiting_run_always_answers(site, user):
    assert page(site, make_page_run(user=user, rev=7), "/live?rev=7").status_code == 200


def test_poll_brings_the_report(site, user):
    content = page(site, make_completed(user=user), "/live?rev=0").content.decode()
    assert 'data-testid="metric-tiles"' in content
    assert 'data-testid="trades-table"' in content


def test_cancel_turns_the_state_at_once(site, user):
    run = make_page_run(RunState.RUNNING, user=user)
    response = site.post(f"/backtests/{run.id}/cancel")
    run.refresh_from_db()
    assert (response.status_code, response.url, run.state) == (302, run.get_absolute_url(), "cancelled")


def test_cancel_by_script_returns_the_live_parts(site, user):
    run = make_page_run(RunState.RUNNING, user=user)
    response = site.post(f"/backtests/{run.id}/cancel", headers={"HX-Request": "true"})
    assert response.status_code == 200
    assert 'data-state="cancelled"' in response.content.decode()


def test_cancel_from_the_list_returns_the_row(site, user):
    run = make_page_run(RunState.RUNNING, user=user)
    response = site.post(f"/backtests/{run.id}/cancel?as=row", headers={"HX-Request": "true"})
    assert response.content.decode().strip().startswith(f'<tr id="run-{run.id}"')


def test_second_cancel_is_harmless(site, user):
    run = make_page_run(user=user)
    answers = [site.post(f"/backtests/{run.id}/cancel", headers={"HX-Request": "true"}) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]


def test_cancel_that_comes_too_late_is_a_toast(site, user):
    run = make_completed(user=user)
    response = site.post(f"/backtests/{run.id}/cancel", headers={"HX-Request": "true"})
    assert response.status_code == 409
    assert json.loads(response["HX-Trigger"]) == {"toast": {"value": f"{run} had already completed."}}
    assert 'data-testid="metric-tiles"' in response.content.decode()


def test_late_cancel_without_script_is_a_message(site, user):
    run = make_completed(user=user)
    response = site.post(f"/backtests/{run.id}/cancel")
    assert [str(message) for message in get_messages(response.wsgi_request)] == [f"{run} had already completed."]


def test_cancel_page_asks_first(site, user):
    run = make_page_run(user=user)
    assert "Keep running" in text(page(site, run, "/cancel"))
    run.refresh_from_db()
    assert run.state == "pending"


def test_foreign_run_cannot_be_cancelled(site):
    run = make_page_run(user=make_user())
    assert site.post(f"/backtests/{run.id}/cancel").status_code == 404
    assert f"/backtests/{run.id}/cancel" not in page(site, run).content.decode()


def test_staff_may_cancel_any_run(site, user):
    user.is_staff = True
    user.save()
    run = make_page_run(user=make_user())
    assert site.post(f"/backtests/{run.id}/cancel").status_code == 302


def test_cancel_needs_the_token(site, user):
    run = make_page_run(user=user)
    site.handler.enforce_csrf_checks = True
    assert site.post(f"/backtests/{run.id}/cancel").status_code == 403


@pytest.mark.parametrize("name", ["sma_cross", "x<script>alert(1)</script>"])
def test_names_are_escaped(site, user, name):
    run = make_page_run(user=user, strategy_name=name)
    assert "<script>alert(1)" not in page(site, run).content.decode()
