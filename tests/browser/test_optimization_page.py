"""The page of an optimization in a browser: live, its charts, its table, its failed trials, cancel and resume."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import pass_until, shows
from tests.browser.optimizations import fussy

pytestmark = pytest.mark.browser

BACKTEST_PAGE = re.compile(r"/backtests/[0-9a-f-]{36}$")
OPTIMIZATION_PAGE = re.compile(r"/optimizations/[0-9a-f-]{36}(\?.*)?$")


def numbers(page):
    """Return the numbers of the trials that the table shows."""
    rows = page.get_by_test_id("trials-table").locator("tbody tr")
    return [int(row.get_attribute("data-number")) for row in rows.all()]


def test_page_follows_the_run_and_turns_into_its_report_in_place(page, begin, gate):
    run_id = begin(**fussy(gate))
    page.goto(f"/optimizations/{run_id}")
    page.evaluate("window.isSame = true")
    pass_until(gate.let_next_trial, lambda: shows(page, "best-value", r"\d"), "a best value")
    expect(page.get_by_test_id("count")).to_contain_text(re.compile(r"Processed [1-9]\d* / 100 trials"))
    expect(page.get_by_test_id("percent")).not_to_have_text("100.0%")
    expect(page.get_by_test_id("best-value")).not_to_have_text("—")
    expect(page.get_by_test_id("heatmap").locator("[data-readout]")).to_contain_text(re.compile("of 100 cells"))
    gate.open()
    expect(page.get_by_test_id("summary-text")).to_contain_text("90 trials finished, 10 failed in", timeout=60_000)
    expect(page.get_by_test_id("parity")).to_contain_text("Best trial equals its backtest")
    expect(page).to_have_title(re.compile("^✓ Fussy"))
    expect(page.get_by_test_id("heatmap").locator("[data-readout]")).to_contain_text("90 of 100 cells")
    assert page.evaluate("window.isSame")


def test_rows_are_held_until_they_are_asked_for(page, begin, product, gate):
    run_id = begin(**fussy(gate))
    page.goto(f"/optimizations/{run_id}")
    pass_until(gate.let_next_trial, page.get_by_test_id("trials-table").is_visible, "the first rows")
    shown = numbers(page)
    pass_until(gate.let_next_trial, lambda: shows(page, "trials-news", r"[1-9]\d* new"), "news of more rows")
    assert numbers(page) == shown
    page.keyboard.press("Shift+R")
    expect(page.get_by_test_id("trials-table").locator("tbody tr").nth(len(shown))).to_be_visible()
    product.call("POST", f"/api/optimizations/{run_id}/cancel")


def test_table_is_sorted_filtered_and_found_again_by_its_address(page, grid):
    page.goto(f"/optimizations/{grid}")
    table = page.get_by_test_id("trials-table")
    table.get_by_role("link", name="Max drawdown").click()
    expect(table.locator("th[aria-sort=descending]")).to_contain_text("Max drawdown")
    expect(page).to_have_url(re.compile(r"\?sort=-max_drawdown$"))
    page.keyboard.press("/")
    page.keyboard.type("fast == 8 and slow > 40")
    expect(page.get_by_test_id("trials-range")).to_have_text("1\N{EN DASH}6 of 6")
    expect(page.get_by_role("searchbox")).to_be_focused()
    expect(page).to_have_url(re.compile(r"q=fast"))
    shown = numbers(page)
    page.reload()
    assert numbers(page) == shown
    page.go_back()
    expect(page.get_by_test_id("trials-range")).not_to_have_text("1\N{EN DASH}6 of 6")


def test_wrong_filter_is_told_beside_the_table(page, grid):
    page.goto(f"/optimizations/{grid}")
    page.get_by_role("searchbox").fill("sharpe > 1")
    expect(page.get_by_test_id("trials-error")).to_contain_text("sharpe")
    expect(page.get_by_role("searchbox")).to_have_attribute("aria-invalid", "true")
    page.get_by_role("searchbox").fill("sharpe_ratio > -100")
    expect(page.get_by_role("searchbox")).not_to_have_attribute("aria-invalid", "true")


def test_table_is_paged(page, grid):
    page.goto(f"/optimizations/{grid}")
    first = numbers(page)
    assert len(first) == 50
    page.get_by_role("link", name="Next").click()
    expect(page.get_by_test_id("trials-range")).to_contain_text("51\N{EN DASH}")
    assert not set(first) & set(numbers(page))


def test_heatmap_is_walked_by_keyboard_and_opens_the_trial(page, grid):
    page.goto(f"/optimizations/{grid}")
    canvas, readout = page.get_by_test_id("heatmap-canvas"), page.get_by_test_id("heatmap").locator("[data-readout]")
    expect(canvas).to_be_visible()
    page.get_by_label("Metric").first.focus()
    page.keyboard.press("Tab")
    expect(canvas).to_be_focused()
    for _ in range(10):
        page.keyboard.press("ArrowLeft")
        page.keyboard.press("ArrowDown")
    expect(readout).to_contain_text("fast 4, slow 10 · Sharpe ratio")
    for _ in range(10):
        page.keyboard.press("ArrowRight")
    expect(readout).to_have_text("fast 40, slow 10 · excluded by the rules")
    for _ in range(10):
        page.keyboard.press("ArrowUp")
    number = re.search(r"trial (\d+)", readout.text_content())[1]
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text(f"Trial {number} of SMA Cross")


def test_heatmap_agrees_with_the_table(page, grid):
    page.goto(f"/optimizations/{grid}?q=fast+==+8+and+slow+==+60")
    value = page.locator(".trials td.objective b").text_content()
    readout = page.get_by_test_id("heatmap").locator("[data-readout]")
    box = page.get_by_test_id("heatmap-canvas").bounding_box()
    for x in range(40, int(box["width"]) - 70, 12):
        page.mouse.move(box["x"] + x, box["y"] + 8 + (310 - 34) * 0.45)  # the fifth row of ten from above is 60
        if "fast 8," in readout.text_content():
            break
    expect(readout).to_contain_text(f"fast 8, slow 60 · Sharpe ratio {value}")


def test_axes_metric_and_theme_of_the_heatmap_can_be_changed(page, grid):
    page.goto(f"/optimizations/{grid}")
    title = page.get_by_test_id("heatmap").locator("[data-title]")
    expect(title).to_have_text("Sharpe ratio by fast \N{MULTIPLICATION SIGN} slow")
    page.get_by_label("Parameter of the horizontal axis").select_option("slow")
    expect(title).to_have_text("Sharpe ratio by slow \N{MULTIPLICATION SIGN} fast")
    page.get_by_label("Metric").first.select_option("win_rate")
    expect(title).to_have_text("Win rate by slow \N{MULTIPLICATION SIGN} fast")
    before = page.evaluate("document.querySelector('[data-testid=heatmap-canvas]').toDataURL()")
    page.keyboard.press("Escape")
    page.locator("h1").click()
    page.get_by_role("button", name="Switch between light and dark").click()
    assert page.evaluate("document.querySelector('[data-testid=heatmap-canvas]').toDataURL()") != before


def test_views_of_the_trials_are_drawn_when_they_are_opened(page, grid):
    page.goto(f"/optimizations/{grid}")
    page.get_by_role("link", name="Parallel coordinates").click()
    expect(page.get_by_test_id("parallel-coords").locator("canvas")).to_be_visible()
    page.get_by_role("link", name="Slices").click()
    expect(page.locator(".slice")).to_have_count(2)
    page.get_by_role("link", name="Settings").click()
    expect(page.get_by_test_id("settings")).to_contain_text("fast < slow")


def test_best_trial_opens_as_a_backtest_that_links_back(page, grid):
    page.goto(f"/optimizations/{grid}")
    page.get_by_role("link", name="Open report").click()
    page.wait_for_url(BACKTEST_PAGE)
    expect(page.get_by_test_id("metric-tiles")).to_be_visible()
    page.get_by_test_id("repeats").get_by_role("link", name=re.compile("^trial")).click()
    expect(page.get_by_test_id("status-pill")).to_have_text("Best")
    expect(page.get_by_test_id("rank")).to_contain_text("Rank 1 of")


def test_failed_trials_are_grouped_with_a_trace_to_copy_and_to_replay(page, broken):
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(f"/optimizations/{broken}")
    expect(page.get_by_test_id("failures-text")).to_have_text("10 trials, 1 distinct error.")
    group = page.get_by_test_id("error-group")
    expect(group).to_have_count(1)
    expect(group).to_contain_text("10 trials")
    expect(group.get_by_test_id("own-line")).to_contain_text("share = 1 / (params.first - params.second)")
    group.get_by_role("button", name="Copy trace").click()
    expect(page.get_by_test_id("toast")).to_contain_text("Copied.")
    assert "FloatingPointError" in page.evaluate("navigator.clipboard.readText()")
    group.get_by_role("link", name="Replay").click()
    page.wait_for_url(BACKTEST_PAGE)
    expect(page.get_by_test_id("error-panel")).to_contain_text("FloatingPointError")


def test_cancel_asks_keeps_what_is_done_and_resume_does_the_rest(page, begin, gate):
    run_id = begin(**fussy(gate))
    page.goto(f"/optimizations/{run_id}")
    pass_until(gate.let_next_trial, lambda: shows(page, "count", "Processed [1-9]"), "the first trial")
    page.get_by_role("link", name="Cancel…").click()
    dialog = page.get_by_test_id("confirm-dialog")
    expect(dialog).to_contain_text(re.compile(r"[1-9]\d* finished trials? (is|are) kept\. \d+ will not run\."))
    expect(page.get_by_role("button", name="Keep running")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("link", name="Cancel…")).to_be_focused()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Cancel optimization").click()
    expect(page.get_by_test_id("status-pill")).to_have_text("Cancelled")
    expect(page.get_by_role("link", name="Cancel…")).to_be_hidden()
    gate.open()
    page.get_by_role("button", name="Resume").click()
    expect(page.get_by_test_id("summary-text")).to_contain_text("90 trials finished, 10 failed", timeout=60_000)


def test_opened_trace_and_typed_filter_survive_the_frames(page, begin, product, gate):
    run_id = begin(**fussy(gate))
    page.goto(f"/optimizations/{run_id}")
    pass_until(gate.let_next_trial, page.get_by_test_id("error-group").is_visible, "the first failed trial")
    frames = page.get_by_test_id("trace").locator("details").first
    if frames.count():
        frames.locator("summary").click()
    page.get_by_role("searchbox").fill("trades > 0")

    def rev():
        return int(page.locator("#run-header").get_attribute("data-rev"))

    before = rev()
    pass_until(gate.let_next_trial, lambda: rev() > before + 8, "eight frames")
    expect(page.get_by_role("searchbox")).to_have_value("trades > 0")
    expect(page.get_by_test_id("error-group")).to_have_attribute("open", "")
    if frames.count():
        expect(frames).to_have_attribute("open", "")
    product.call("POST", f"/api/optimizations/{run_id}/cancel")


def test_table_and_trials_are_read_without_javascript(open_page, broken):
    page = open_page(f"/optimizations/{broken}", java_script_enabled=False)
    expect(page.get_by_test_id("summary-text")).to_contain_text("90 trials finished, 10 failed")
    page.get_by_test_id("trials-table").get_by_role("link", name="Total return").click()
    expect(page.locator("th[aria-sort=descending]")).to_contain_text("Total return")
    page.get_by_role("searchbox").fill("status == 'failed'")
    page.get_by_role("button", name="Filter").click()
    expect(page.get_by_test_id("trials-range")).to_have_text("1\N{EN DASH}10 of 10")
    page.get_by_test_id("trials-table").locator("tbody tr a").first.click()
    expect(page.get_by_test_id("error-panel")).to_contain_text("FloatingPointError")


@pytest.mark.parametrize(
    "suffix", ["", "?tab=parallel", "?tab=slices", "?tab=settings", "/trials", "/failures", "/trials/3"]
)
def test_pages_fit_a_phone_and_obey_their_policy(phone, broken, suffix):
    page = phone
    answer = page.goto(f"/optimizations/{broken}{suffix}")
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert len(answer.body()) < 300_000
    page.wait_for_load_state("networkidle")
    assert page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]") == [390, 390]


def test_list_shows_the_optimization_with_its_best_objective(page, grid):
    page.goto("/runs?kind=optimization")
    row = page.locator(f"#run-{grid}")
    expect(row).to_contain_text("SMA Cross")
    expect(row.get_by_test_id("row-result")).to_contain_text("Sharpe ratio")
    page.goto("/runs?kind=backtest")
    expect(page.locator(f"#run-{grid}")).to_have_count(0)
