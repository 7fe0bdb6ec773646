"""The form of a new optimization in a browser: counts while one types, what is refused, submission, Duplicate."""

import itertools
import re

import pytest
from playwright.sync_api import expect

from tests.browser.strategies import DATASET

pytestmark = pytest.mark.browser

FORM = f"/optimizations/new?strategy=sma_cross&dataset={DATASET}"
OPTIMIZATION_PAGE = re.compile(r"/optimizations/[0-9a-f-]{36}$")
_numbers = itertools.count(1)
RANGES = {"min.fast": 4, "max.fast": 60, "step.fast": 2, "min.slow": 20, "max.slow": 100, "step.slow": 4}


def fill(page, **typed):
    for name, value in typed.items():
        page.fill(f"[name='{name}']", str(value))


@pytest.fixture
def ours():
    """Return a number that no other test has, so that each submission is a run of its own."""
    return next(_numbers)


def submit(page, **typed):
    page.goto(FORM)
    fill(page, **typed)
    page.click("[data-run]")
    page.wait_for_url(OPTIMIZATION_PAGE)
    return page.url.rpartition("/")[2]


def test_counts_follow_what_is_typed_and_keep_the_focus(page):
    page.goto(FORM)
    summary = page.get_by_test_id("combo-summary")
    expect(summary).to_contain_text(
        re.compile(r"121 combinations,\s+121\s+trials · 1\.1M bars ·\s+(about [\d.]+ s|Measuring)")
    )
    fill(page, **{name: value for name, value in RANGES.items() if name != "step.slow"})
    last = page.locator("[name='step.slow']")
    last.fill("4")
    expect(summary).to_contain_text("609 combinations, 121 skipped by rules, 488 trials")
    expect(last).to_be_focused()
    values = page.get_by_test_id("axis-values")
    expect(values).to_have_text(["29: 4, 6, 8 … 60", "21: 20, 24, 28 … 100", "1: long"])
    page.fill("[name=rules]", "slow - fast >= 10")
    expect(summary).not_to_contain_text("488 trials")
    # Measured while one waits; on a new machine everything is compiled first.
    expect(summary).to_contain_text(re.compile(r"about [\d.]+ s on \d workers?"), timeout=100_000)


def test_wrong_range_is_told_at_once_and_not_submitted(page, complaints):
    complaints.expect("422")  # the browser logs the refusal
    page.goto(FORM)
    step, last = page.locator("[name='step.fast']"), page.locator("[name='max.fast']")
    message = page.locator("#field-axes-fast-error")
    step.fill("0")
    expect(message).to_contain_text("Step must be greater than 0.")
    expect(step).to_have_attribute("aria-invalid", "true")
    step.fill("1")
    expect(step).not_to_have_attribute("aria-invalid", "true")
    last.fill("3")
    expect(message).to_contain_text("Max must be at least min.")
    expect(last).to_have_attribute("aria-invalid", "true")
    page.click("[data-run]")
    expect(page.get_by_test_id("problems")).to_contain_text("fast: Max must be at least min.")
    expect(last).to_be_focused()
    expect(last).to_have_value("3")
    expect(page).to_have_url(re.compile("/optimizations/new$"))


def test_parameter_that_is_not_optimized_has_one_value(page):
    page.goto(FORM)
    row = page.get_by_test_id("param-row").filter(has_text="slow")
    expect(row.get_by_label("Fixed value")).to_be_hidden()
    page.get_by_label("Optimize slow").uncheck()
    expect(row.get_by_label("Min of slow")).to_be_hidden()
    row.get_by_label("Fixed value").fill("70")
    expect(page.get_by_test_id("combo-summary")).to_contain_text("11 combinations, 11 trials")
    page.get_by_label("both", exact=True).check()
    expect(page.get_by_test_id("combo-summary")).to_contain_text("22 combinations, 22 trials")


def test_values_are_listed_instead_of_a_range(page):
    page.goto(FORM)
    row = page.get_by_test_id("param-row").filter(has_text="slow")
    row.get_by_label("List of values").check()
    expect(row.get_by_label("Min of slow")).to_be_hidden()
    listed = row.get_by_label("Values of slow", exact=True)
    expect(listed).to_have_value("20, 22, 24, 26, 28, 30, 32, 34, 36, 38, 40")
    listed.fill("20, 50, x")
    expect(page.locator("#field-axes-slow-error")).to_contain_text("it is 'x'.")
    expect(listed).to_have_attribute("aria-invalid", "true")
    listed.fill("20, 50, 100")
    expect(row.get_by_test_id("axis-values")).to_have_text("3: 20, 50, 100")
    expect(page.get_by_test_id("combo-summary")).to_contain_text("33 combinations, 33 trials")


def test_random_method_asks_for_trials_and_seed(page):
    page.goto(FORM)
    trials = page.locator("[name=max_trials]")
    expect(trials).to_be_hidden()
    page.get_by_label("Random", exact=True).check()
    trials.fill("50")
    expect(page.get_by_test_id("combo-summary")).to_contain_text("121 combinations, 50 random trials")


def test_double_click_starts_one_run(page, ours):
    posts = []
    page.on("request", lambda request: posts.append(request.url) if request.method == "POST" else None)
    page.goto(FORM)
    page.get_by_label("Random", exact=True).check()
    fill(page, max_trials=20, seed=ours)
    page.dblclick("[data-run]")
    page.wait_for_url(OPTIMIZATION_PAGE)
    assert [url for url in posts if url.endswith("/new")] == [page.url.rpartition("/")[0] + "/new"]


def test_keyboard_alone_submits(page, ours):
    page.goto(FORM)
    page.locator("[name='min.fast']").focus()
    page.keyboard.press("Control+a")
    page.keyboard.type("6")
    for _ in range(2):
        page.keyboard.press("Tab")
    expect(page.locator("[name='step.fast']")).to_be_focused()
    page.locator("[name='initial_cash']").fill(str(20_000 + ours))
    page.keyboard.press("Control+Enter")
    page.wait_for_url(OPTIMIZATION_PAGE)


def test_duplicate_fills_the_form_with_what_was_varied(page, ours):
    run_id = submit(page, **RANGES, **{"filters.max_drawdown": 35, "initial_cash": 30_000 + ours}, rules="slow > 24")
    page.goto(f"/optimizations/new?from={run_id}")
    for name, value in {**RANGES, "filters.max_drawdown": 35, "rules": "slow > 24"}.items():
        expect(page.locator(f"[name='{name}']")).to_have_value(str(value))
    expect(page.get_by_test_id("summary")).to_contain_text(
        re.compile("(The same optimization is active|Same spec, code and candles)")
    )


def test_backtest_leads_to_an_optimization_around_its_parameters(page, start):
    run_id = start(page, "sma_cross", fast=20, slow=60)
    page.goto(f"/optimizations/new?from={run_id}")
    expect(page.locator("[name='min.fast']")).to_have_value("10")
    expect(page.locator("[name='max.fast']")).to_have_value("30")


def test_strategy_brings_its_own_rows(page):
    page.goto(FORM)
    page.select_option("[name=strategy_name]", "buy_and_hold")
    expect(page.locator("[name='min.fast']")).to_have_count(0)
    expect(page.get_by_test_id("combo-summary")).to_contain_text("1 combination, 1 trial")


def test_form_works_without_a_script(open_page, ours):
    page = open_page(FORM, java_script_enabled=False)
    expect(page.get_by_test_id("combo-summary")).to_contain_text("121 combinations, 121 trials")
    page.uncheck("[name='optimize.slow']")
    page.get_by_label("List of values of fast").check()
    fill(page, **{"initial_cash": 40_000 + ours, "list.fast": "5, 7, 21"})
    page.get_by_role("button", name="Run optimization").click()
    page.wait_for_url(OPTIMIZATION_PAGE)
    page.get_by_role("link", name="Settings").click()
    expect(page.get_by_test_id("settings")).to_contain_text("5, 7, 21")


def test_nothing_overflows_on_a_phone(open_page):
    page = open_page(FORM, viewport={"width": 390, "height": 844})
    expect(page.get_by_label("Min of fast")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    page.get_by_label("Random", exact=True).check()
    assert page.evaluate("document.documentElement.scrollWidth") == 390
