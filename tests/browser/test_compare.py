"""Side by side in a browser: ticked in the table of trials, narrowed to the differences, drawn on one chart."""

import re

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

COMPARISON = re.compile(r"/compare\?r=o\d+\.\d+&r=o\d+\.\d+$")


@pytest.fixture
def boxes(page, grid):
    """Return the boxes of the table of trials."""
    page.goto(f"/optimizations/{grid}")
    return page.get_by_test_id("trials-table").get_by_role("checkbox")


@pytest.fixture
def compare(page):
    """Return the button that leads to the comparison."""
    return page.get_by_role("button", name="Compare")


def test_ticked_trials_are_compared_and_stay_ticked_while_one_sorts(page, boxes, compare):
    expect(compare).to_be_disabled()
    boxes.first.check()
    expect(compare).to_be_disabled()
    chosen = boxes.first.get_attribute("value")
    page.get_by_test_id("trials-table").get_by_role("link", name="Trades").click()
    expect(page.locator("th[aria-sort=descending]")).to_contain_text("Trades")
    page.get_by_role("link", name="Next").click()
    expect(page.get_by_text("Page 2 of")).to_be_visible()
    boxes.nth(1).check()
    expect(compare).to_have_text("Compare 2")
    compare.click()
    page.wait_for_url(COMPARISON)
    assert f"r={chosen}" in page.url
    expect(page.get_by_test_id("compare-table").locator("thead th")).to_have_count(3)


def test_seven_are_too_many(page, boxes, compare):
    for place in range(7):
        boxes.nth(place).check()
    expect(page.get_by_test_id("toast").last).to_contain_text("At most 6 can be compared; 7 are ticked.")
    expect(compare).to_be_disabled()
    boxes.first.uncheck()
    expect(compare).to_have_text("Compare 6")


def test_rows_are_ticked_and_compared_by_keyboard(page, boxes):
    page.locator("h1").click()
    page.keyboard.type("jxjx")
    expect(boxes.nth(1)).to_be_checked()
    page.keyboard.press("c")
    page.wait_for_url(COMPARISON)


def test_differences_are_told_and_curves_drawn(page, boxes, compare):
    for place in (0, 3, 5):
        boxes.nth(place).check()
    compare.click()
    table = page.get_by_test_id("compare-table")
    expect(table.get_by_role("row", name="Commission", exact=False).first).to_be_visible()
    page.get_by_role("link", name="Differences only").click()
    expect(table.locator("tr.same")).to_have_count(0)
    expect(table.get_by_role("row", name="Sharpe ratio", exact=False).first).to_be_visible()
    page.get_by_role("button", name="Draw 2 more curves").click()
    expect(page.locator(".legend .series")).to_have_count(3, timeout=60_000)
    expect(page.get_by_test_id("compare-chart").locator(".uplot")).to_be_visible()
    page.get_by_test_id("compare-chart").locator(".u-over").hover()
    expect(page.get_by_test_id("compare-chart").locator("[data-readout]")).to_contain_text(re.compile(r"Trial \d+.*%"))
    expect(page).to_have_url(re.compile("differences=1"))
    page.get_by_role("link", name=re.compile("^Leave out")).first.click()
    expect(table.locator("thead th")).to_have_count(3)


def test_comparison_works_without_a_script(open_page, grid, complaints):
    page = open_page(f"/optimizations/{grid}/trials", java_script_enabled=False)
    for place in (0, 1):
        page.get_by_test_id("trials-table").get_by_role("checkbox").nth(place).check()
    page.get_by_role("button", name="Compare").click()
    expect(page.get_by_test_id("compare-table").locator("thead th")).to_have_count(3)
    complaints.expect("400")  # the browser logs the refusal
    page.get_by_label("Add a run or a trial").fill("b1x")
    page.get_by_role("button", name="Add").click()
    expect(page.get_by_test_id("problems")).to_contain_text("'b1x' is not a run")
    expect(page.get_by_test_id("compare-table").locator("thead th")).to_have_count(3)
