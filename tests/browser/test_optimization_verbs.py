"""What may be done with an optimization, in a browser: finish now, retry, delete, by mouse and by keyboard alone."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import pass_until, shows
from tests.browser.optimizations import fussy

pytestmark = pytest.mark.browser

MENDED = '''"""Is mended between two attempts."""

from algotrade.strategies import Param, Strategy


class Mended(Strategy):
    """Raises for its smallest parameters."""

    compiled = False
    n = Param(1, low=1, high=9)

    @staticmethod
    def on_bar(bars, ind, params, broker):
        if params.n <= {limit} and len(bars.close) == 5:
            raise LookupError("too small")
        if broker.position == 0:
            broker.buy()
'''
VALUES = {"n": {"values": [1, 2, 3, 4]}}


@pytest.fixture
def watched(page, begin, gate):
    """Start an optimization and lead the page there; some trials are done, and the others wait at the gate."""
    page.goto(f"/optimizations/{begin(**fussy(gate))}")
    pass_until(gate.let_next_trial, lambda: shows(page, "count", "Processed [1-9]"), "the first trial")


def confirm(page, verb, button):
    page.get_by_test_id("verbs").get_by_role("link", name=verb).click()
    page.get_by_test_id("confirm-dialog").get_by_role("button", name=button).click()


@pytest.mark.usefixtures("watched")
def test_finish_now_ends_in_a_partial_report(page, gate):
    confirm(page, "Finish now", "Finish now")
    gate.open()
    expect(page.get_by_test_id("summary-text")).to_contain_text(re.compile(r"\d+ trials? finished"))
    expect(page.get_by_test_id("summary-card")).to_contain_text(re.compile(r"\d+ of 100 were left out by Finish now"))
    expect(page.get_by_text("Partial", exact=True)).to_be_visible()
    expect(page.get_by_test_id("status-pill")).to_have_text("Completed")
    expect(page.get_by_test_id("heatmap").locator(".heat-key .pending")).to_have_text("not run")


def test_retry_runs_the_failed_trials_with_the_mended_strategy(page, begin, ended, product):
    product.write_strategy("mended", MENDED.format(limit=2))
    run_id = begin(strategy_name="mended", axes=VALUES)
    assert ended(run_id)["failed_combinations"] == 2
    page.goto(f"/optimizations/{run_id}")
    product.write_strategy("mended", MENDED.format(limit=0))
    page.get_by_test_id("failures").get_by_role("link", name="Retry failed").click()
    expect(page.get_by_test_id("confirm-dialog")).to_contain_text("with the strategy as it is now")
    page.get_by_role("button", name="Retry failed").click()
    expect(page.get_by_test_id("summary-text")).to_contain_text("4 trials finished in")
    expect(page.get_by_test_id("failures")).to_be_hidden()


def test_optimization_without_a_trial_that_works_offers_retry_instead_of_resume(page, begin, ended, product):
    product.write_strategy("hopeless", MENDED.format(limit=9))
    run_id = begin(strategy_name="hopeless", axes=VALUES)
    assert ended(run_id)["status"] == "failed"
    page.goto(f"/optimizations/{run_id}")
    expect(page.get_by_test_id("error-panel")).to_contain_text("All 4 trials failed. Trial 1: too small")
    expect(page.get_by_test_id("percent")).to_have_text("100.0%")
    expect(page.get_by_text("Every trial failed, so none is best.")).to_be_visible()
    expect(page.get_by_test_id("objective-chart")).to_contain_text("No trial has a value")
    expect(page.get_by_role("button", name="Resume")).to_be_hidden()
    expect(page.get_by_test_id("verbs").get_by_role("link", name="Retry failed")).to_be_visible()


def test_delete_asks_and_leaves_nothing(page, begin, ended):
    run_id = begin(**fussy(n_values=2))
    ended(run_id)
    page.goto(f"/optimizations/{run_id}")
    confirm(page, "Delete…", "Keep it")
    expect(page.get_by_test_id("confirm-dialog")).to_be_hidden()
    confirm(page, "Delete…", "Delete optimization")
    page.wait_for_url("**/runs")
    expect(page.get_by_test_id("toast")).to_contain_text("was deleted.")
    assert page.request.get(f"/optimizations/{run_id}").status == 404


@pytest.mark.usefixtures("watched")
def test_keyboard_alone_sorts_opens_a_trace_and_cancels(page, gate):
    group = page.get_by_test_id("error-group")
    pass_until(gate.let_next_trial, group.is_visible, "the first failed trial")
    page.get_by_test_id("trials-table").get_by_role("link", name="Total return").focus()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("sort=-total_return"))
    expect(group).to_be_visible()
    page.locator("#failures-title").evaluate("node => node.closest('section').querySelector('summary').focus()")
    page.keyboard.press("Enter")
    expect(group).not_to_have_attribute("open", "")
    page.keyboard.press("Space")
    expect(group).to_have_attribute("open", "")
    page.keyboard.press("Tab")
    expect(group.get_by_role("link", name=re.compile("^Trial"))).to_be_focused()
    page.get_by_role("link", name="Cancel…").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Keep running")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("status-pill")).to_have_text("Cancelled")
