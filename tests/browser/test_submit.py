"""From the login URL through the form to the report and back to the list."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import RUN_PAGE

pytestmark = pytest.mark.browser


def test_login_url_works_once(product, chromium):
    url = product.login_url()
    context = chromium.new_context()
    first = context.new_page()
    first.goto(url)
    expect(first).to_have_url(re.compile(r"/runs$"))
    context.clear_cookies()
    first.goto(url)
    expect(first.get_by_role("alert")).to_contain_text("used")
    first.goto(product.base_url + "/runs")
    expect(first).to_have_url(re.compile(r"/login/\?next=/runs$"))
    context.close()


def test_backtest_is_submitted_and_turns_into_its_report_in_place(page, start):
    run_id = start(page, "sma_cross", fast=10, slow=30)
    expect(page.get_by_test_id("metric-tiles")).to_be_visible()
    expect(page.get_by_test_id("status-pill")).to_contain_text("Completed")
    tiles = page.get_by_test_id("metric-tiles")
    expect(tiles).to_contain_text(re.compile(r"Net profit\s*[+\u2212][\d.,]+%"))
    expect(tiles).to_contain_text("Sharpe ratio")
    expect(page.get_by_test_id("equity-chart").locator("canvas").first).to_be_visible()
    expect(page.get_by_test_id("metrics-table")).to_contain_text("Profit factor")
    assert page.title() == "✓ SMA Cross · AlgoTrade"
    page.goto("/runs")
    page.get_by_role("link", name=re.compile(r"^Backtest \d+$")).first.click()
    expect(page).to_have_url(re.compile(run_id))


def test_report_pages_through_trades_and_switches_tables(page, start):
    start(page, "sma_cross", fast=5, slow=20)
    trades = page.get_by_test_id("trades-table")
    expect(trades).to_be_visible()
    first = trades.locator("tbody tr").first.inner_text()
    page.get_by_role("link", name="Next").click()
    expect(trades.locator("tbody tr").first).not_to_have_text(first)
    expect(trades.locator("tbody tr td").first).to_have_text("13")
    page.get_by_role("link", name="Orders").click()
    expect(page.get_by_test_id("orders-table")).to_be_visible()
    expect(page.get_by_role("link", name="Orders")).to_have_attribute("aria-current", re.compile("."))


def test_form_judges_while_one_types_and_submits_nothing_wrong(page, product, complaints):
    def n_runs():
        return product.call("GET", "/api/backtests/?limit=1")[1]["total"]

    before = n_runs()
    page.goto("/backtests/new?strategy=sma_cross")
    page.fill("[name='parameters.fast']", "500")
    expect(page.get_by_test_id("summary")).to_contain_text("2 to 200")
    page.fill("[name='parameters.fast']", "50")
    expect(page.get_by_test_id("summary")).to_contain_text("fast < slow is required")
    page.click("[data-run]")
    expect(page.get_by_test_id("problems")).to_be_visible()
    expect(page).to_have_url(re.compile("/backtests/new"))
    assert n_runs() == before
    assert all("422" in text for text in complaints)
    complaints.clear()  # the browser logs the refusal
    page.fill("[name='parameters.slow']", "60")
    expect(page.get_by_test_id("summary-bars")).to_contain_text("bars")


def test_strategy_brings_its_own_fields(page):
    page.goto("/backtests/new?strategy=sma_cross")
    page.select_option("[name=strategy_name]", "slow")
    expect(page.locator("[name='parameters.micros']")).to_be_visible()
    expect(page.locator("[name='parameters.fast']")).to_have_count(0)


def test_ctrl_enter_runs(page):
    page.goto("/backtests/new?strategy=buy_and_hold")
    page.locator("[name=initial_cash]").fill("12345")
    page.keyboard.press("Control+Enter")
    page.wait_for_url(RUN_PAGE)
    expect(page.get_by_test_id("parameters")).to_contain_text("12,345.00")


def test_identical_submission_leads_to_the_active_run(page, open_page, start, product):
    run_id = start(page, "slow", micros=20_011)
    other = open_page()
    assert start(other, "slow", micros=20_011) == run_id
    product.call("POST", f"/api/backtests/{run_id}/cancel")
