"""A failed backtest: the error, the strategy's own line, the facts of the bar, the trace to take along."""

import re

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser


def test_failed_run_shows_the_line_the_bar_and_the_trace(open_page, start):
    page = open_page(permissions=["clipboard-read", "clipboard-write"])
    start(page, "faulty", at=41)
    panel = page.get_by_test_id("error-panel")
    expect(panel).to_be_visible()
    expect(page.get_by_test_id("status-pill")).to_contain_text("Failed")
    expect(panel).to_contain_text("FloatingPointError")
    expect(panel).to_contain_text("Processed 41 / 9,135 bars")
    expect(panel).to_contain_text("41, 8 Jan 2020, 20:00")
    expect(panel).to_contain_text("at 41")
    expect(page.get_by_test_id("own-line")).to_have_text("1 / distance")
    frames = panel.locator("details")
    expect(frames).to_contain_text("engine frames")
    assert frames.get_attribute("open") is None
    frames.locator("summary").click()
    expect(frames.locator("div").first).to_be_visible()
    panel.get_by_role("button", name="Copy trace").click()
    expect(page.get_by_test_id("toast")).to_contain_text("Copied.")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert "1 / distance" in copied
    assert copied.startswith("Traceback (most recent call last):")
    assert copied.rstrip().splitlines()[-1].startswith("FloatingPointError: ")
    expect(page.get_by_test_id("log")).to_contain_text("looking at")


def test_failed_run_offers_no_table_of_its_unfinished_curve(page, start):
    start(page, "faulty", at=45)
    expect(page.get_by_test_id("error-panel")).to_be_visible()
    expect(page.get_by_test_id("equity-chart").get_by_text("View data")).to_be_hidden()


def test_failed_run_is_known_by_its_error_in_the_list(page, start):
    start(page, "faulty", at=43)
    expect(page.get_by_test_id("error-panel")).to_be_visible()
    page.goto("/runs")
    expect(page.get_by_test_id("row-result").first).to_contain_text("FloatingPointError")
    expect(page.get_by_test_id("row-result").first).to_contain_text("faulty.py:16")


def test_file_that_does_not_import_is_told_in_the_form_and_hurts_no_other(page):
    page.goto("/backtests/new?strategy=sma_cross")
    page.get_by_text("1 strategy file cannot be used").click()
    expect(page.get_by_text("SyntaxError")).to_be_visible()
    expect(page.get_by_test_id("summary-bars")).to_contain_text("bars")


def test_markup_in_an_error_is_shown_and_not_obeyed(page, start):
    start(page, "hostile")
    panel = page.get_by_test_id("error-panel")
    expect(panel).to_contain_text("<b>bold</b>")
    expect(page.get_by_test_id("log")).to_contain_text("</script></pre><img src=x")
    assert page.get_by_text("bold", exact=True).count() == 0
    page.goto("/runs")
    expect(page.locator(".error-text").first).to_have_attribute("title", re.compile("<b>bold</b>"))
    page.goto("/backtests/new?strategy=hostile")
    expect(page.get_by_text("<u>under</u>")).to_be_visible()
    assert page.evaluate("window.ran === undefined && !document.querySelector('main img, main u')")
