"""A running backtest: what the page shows, what it never does, and how it is cancelled."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.strategies import N_BARS

pytestmark = pytest.mark.browser


def count(page):
    return int(re.search(r"Processed ([\d,]+)", page.get_by_test_id("count").inner_text())[1].replace(",", ""))


@pytest.fixture
def running(page, start, product):
    """Return the page and the id of a run that takes half a minute."""
    run_id = start(page, "slow", micros=3_000)
    expect(page.get_by_test_id("count")).to_contain_text(re.compile(rf"Processed [1-9][\d,]* / {N_BARS:,} bars"))
    yield page, run_id
    product.call("POST", f"/api/backtests/{run_id}/cancel")


def test_progress_grows_and_never_goes_back(running):
    page, _ = running
    counts = []
    for _ in range(8):
        counts.append(count(page))
        page.wait_for_timeout(150)
    assert counts == sorted(counts)
    assert counts[-1] > counts[0]
    expect(page.get_by_test_id("phase-steps").locator("[aria-current=step]")).to_have_text("Running backtest")
    expect(page.get_by_test_id("rate")).to_contain_text("bars/s")
    expect(page.get_by_test_id("percent")).to_have_text(re.compile(r"^\d+\.\d%$"))
    expect(page.get_by_test_id("eta")).to_contain_text("about")
    expect(page.get_by_test_id("conn-status")).to_have_text("Live")


def test_list_shows_the_same_live(running, open_page):
    _, _ = running
    listing = open_page("/runs")
    progress = listing.get_by_test_id("row-progress").first
    expect(progress).to_be_visible()
    before = progress.inner_text()
    expect(progress).not_to_have_text(before)


def test_second_tab_begins_with_the_present_state(running, open_page):
    page, run_id = running
    reached = count(page)
    other = open_page(f"/backtests/{run_id}")
    assert count(other) >= reached
    expect(other.get_by_test_id("conn-status")).to_have_text("Live")


def test_cancel_asks_first_and_ends_the_run_in_place(running, product):
    page, run_id = running
    page.get_by_role("link", name="Cancel…").click()
    dialog = page.get_by_test_id("confirm-dialog")
    expect(dialog).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    assert product.status(run_id)["status"] == "running"
    page.get_by_role("link", name="Cancel…").click()
    dialog.get_by_role("button", name="Cancel backtest").click()
    expect(page.get_by_test_id("status-pill")).to_contain_text("Cancelled")
    expect(page.get_by_test_id("cancelled-card")).to_contain_text("Cancelled before the end")
    assert product.status(run_id)["status"] == "cancelled"
    expect(page.get_by_role("button", name="Run again")).to_be_visible()


def test_run_is_cancelled_from_the_list(running, open_page, product):
    _, run_id = running
    listing = open_page("/runs")
    row = listing.locator("tr", has=listing.locator(f"[href*='{run_id}']")).first
    row.get_by_role("link", name="Cancel…").click()
    listing.get_by_test_id("confirm-dialog").get_by_role("button", name="Cancel backtest").click()
    expect(row.get_by_test_id("status-pill")).to_contain_text("Cancelled")
    assert product.status(run_id)["status"] == "cancelled"


def test_equity_curve_grows(running):
    page, _ = running
    chart = page.get_by_test_id("equity-chart").locator("canvas").first
    expect(chart).to_be_visible()
    before = chart.screenshot()
    page.wait_for_timeout(300)
    expect(page.get_by_test_id("percent")).not_to_have_text("0.0%")
    page.wait_for_timeout(300)
    assert chart.screenshot() != before
