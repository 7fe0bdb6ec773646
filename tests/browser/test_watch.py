"""A running backtest: what the page shows, what it never does, and how it is cancelled."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import pass_until, shows
from tests.browser.strategies import N_BARS

pytestmark = pytest.mark.browser

GATED = {"strategy_name": "gated", "asset": "ACME", "exchange": "SAMPLE", "timeframe": "1h"}

NOTE_EACH_CHANGE = """
window.seen = [];
document.addEventListener("htmx:afterSettle", () => {
    if (!document.getElementById("run-announce")) return; // not the page of a run yet
    const text = (id) => document.querySelector(`[data-testid=${id}]`)?.textContent.trim() ?? "";
    const [done, total] = text("count").match(/[\\d,]+/g)?.map((number) => Number(number.replaceAll(",", ""))) ?? [];
    window.seen.push({
        done, total, percent: parseFloat(text("percent")), pill: text("status-pill"),
        step: document.querySelector("[aria-current=step]")?.textContent.trim(),
        elapsed: document.querySelector("[data-elapsed]")?.textContent,
        said: document.getElementById("run-announce").textContent,
    });
});
"""


def count(page):
    return int(re.search(r"Processed ([\d,]+)", page.get_by_test_id("count").inner_text())[1].replace(",", ""))


@pytest.fixture
def running(page, start, product, gate):
    """Return the page and the id of a run that told of its first bars; the others wait at the gate."""
    gate.let_bars()
    run_id = start(page, "gated", gate=gate.number)
    expect(page.get_by_test_id("count")).to_contain_text(re.compile(rf"Processed [1-9][\d,]* / {N_BARS:,} bars"))
    yield page, run_id
    product.call("POST", f"/api/backtests/{run_id}/cancel")


def test_running_page_tells_phase_count_percent_rate_and_time(running, gate):
    page, _ = running
    pass_until(gate.let_bars, lambda: shows(page, "eta", "about"), "an estimate")
    expect(page.get_by_test_id("phase-steps").locator("[aria-current=step]")).to_have_text("Running backtest")
    expect(page.get_by_test_id("rate")).to_have_text(re.compile(r"^[\d,]+ bars/s$"))
    expect(page.get_by_test_id("percent")).to_have_text(re.compile(r"^\d+\.\d%$"))
    expect(page.get_by_test_id("elapsed")).to_have_text(re.compile(r"^\s*[\d.]+ s\s*$"))
    expect(page.get_by_test_id("eta")).to_have_text(re.compile(r"^\s*about [\dms. ]+\s*$"))
    expect(page.get_by_test_id("conn-status")).to_have_text("Live")
    expect(page).to_have_title(re.compile(r"^\d+\.\d% · Gated · AlgoTrade$"))


def test_figures_of_a_run_never_go_back(page, start, gate):
    page.add_init_script(NOTE_EACH_CHANGE)
    start(page, "gated", gate=gate.number)
    n_counts = "new Set(window.seen.map((one) => one.done)).size"
    pass_until(gate.let_bars, lambda: page.evaluate(n_counts) > 6, "some counts")
    gate.open()
    expect(page.get_by_test_id("metric-tiles")).to_be_visible()
    seen = page.evaluate("window.seen")
    under_way = [one for one in seen if one["pill"] == "Running" and one["done"] is not None]
    done = [one["done"] for one in under_way]
    assert len(set(done)) > 4
    assert done == sorted(done)
    assert {one["total"] for one in under_way} == {N_BARS}
    for one in under_way:
        assert one["percent"] == pytest.approx(100 * one["done"] / N_BARS, abs=0.1)
        assert one["percent"] < 100
    elapsed = [float(one["elapsed"].removesuffix(" s")) for one in under_way if one["elapsed"]]
    assert elapsed == sorted(elapsed)
    phases = ["Queued", "Loading data", "Compiling strategy", "Running backtest", "Computing metrics"]
    steps = [phases.index(one["step"]) for one in under_way if one["step"]]
    assert steps == sorted(steps)
    assert phases.index("Running backtest") in steps
    # At most one announcement for each ten percent, one for the end.
    assert len({one["said"] for one in seen} - {""}) <= 11


def test_curve_grows(running, gate):
    page, _ = running
    chart = page.get_by_test_id("equity-chart").locator("canvas").first
    expect(chart).to_be_visible()
    ink = """canvas => canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data
        .reduce((n, value, at) => n + (at % 4 === 3 && value > 0), 0)"""
    before = chart.evaluate(ink)
    assert before > 0
    pass_until(gate.let_bars, lambda: chart.evaluate(ink) > before, "more of the curve")


def test_list_shows_the_same_live(running, open_page, gate):
    listing = open_page("/runs")
    row = listing.locator(f"tr[id='run-{running[1]}']")
    expect(row.get_by_test_id("status-pill")).to_have_text("Running")
    percent = row.get_by_test_id("row-progress")
    before = float(percent.inner_text().partition("%")[0])
    pass_until(gate.let_bars, lambda: float(percent.inner_text().partition("%")[0]) > before, "progress of the row")
    expect(row.locator("progress")).to_have_attribute("max", str(N_BARS))


def test_list_tells_of_a_new_run_without_moving_its_rows(running, open_page, product):
    listing = open_page("/runs")
    expect(listing.get_by_test_id("conn-status")).to_have_text("Live")
    rows = listing.locator("#runs tr").count()
    run_id = product.submit({**GATED, "parameters": {"gate": product.gates.new().number}})["id"]
    listing.get_by_role("link", name="1 new run").wait_for()
    assert listing.locator("#runs tr").count() == rows
    listing.get_by_role("link", name="1 new run").click()
    expect(listing.locator(f"tr[id='run-{run_id}']")).to_be_visible()
    product.call("POST", f"/api/backtests/{run_id}/cancel")


def test_second_tab_begins_with_the_present_state_and_sees_the_cancel(running, open_page, product):
    page, run_id = running
    reached = count(page)
    other = open_page(f"/backtests/{run_id}")
    assert count(other) >= reached
    expect(other.get_by_test_id("conn-status")).to_have_text("Live")
    product.call("POST", f"/api/backtests/{run_id}/cancel")
    for tab in (page, other):
        expect(tab.get_by_test_id("status-pill")).to_have_text("Cancelled")
        expect(tab.get_by_test_id("conn-status")).to_be_hidden()
    assert count(page) == count(other) > 0


def test_cancel_asks_first_and_ends_the_run_in_place(running, product):
    page, run_id = running
    opener = page.get_by_role("link", name="Cancel…")
    opener.focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_test_id("confirm-dialog")
    expect(dialog.get_by_role("button", name="Keep running")).to_be_focused()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(opener).to_be_focused()
    assert product.status(run_id)["status"] == "running"
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("status-pill")).to_have_text("Cancelled")
    expect(page.get_by_test_id("cancelled-card")).to_contain_text("Cancelled before the end")
    expect(opener).to_be_hidden()
    assert product.status(run_id)["status"] == "cancelled"
    expect(page.get_by_role("button", name="Run again")).to_be_visible()


def test_run_is_cancelled_from_the_list(running, open_page, product):
    listing = open_page("/runs")
    row = listing.locator(f"tr[id='run-{running[1]}']")
    row.get_by_role("link", name="Cancel…").click()
    listing.get_by_test_id("confirm-dialog").get_by_role("button", name="Cancel backtest").click()
    expect(row.get_by_test_id("status-pill")).to_have_text("Cancelled")
    expect(row.get_by_role("link", name="Cancel…")).to_have_count(0)
    assert product.status(running[1])["status"] == "cancelled"


def test_cancel_after_the_end_is_told_and_changes_nothing(page, start, gate, complaints):
    complaints.expect("409")  # the browser logs the refusal
    start(page, "gated", gate=gate.number)
    page.get_by_role("link", name="Cancel…").click()
    gate.open()
    expect(page.get_by_test_id("metric-tiles")).to_be_attached()
    page.get_by_test_id("confirm-dialog").get_by_role("button", name="Cancel backtest").click()
    expect(page.get_by_test_id("toast")).to_contain_text("had already completed")
    expect(page.get_by_test_id("status-pill")).to_have_text("Completed")


def test_run_that_waits_for_a_worker_says_so_and_can_be_cancelled(page, start, product):
    gates = [product.gates.new().number for _ in range(3)]
    ahead = [product.submit({**GATED, "parameters": {"gate": number}})["id"] for number in gates[:2]]
    start(page, "gated", gate=gates[2])
    expect(page.get_by_test_id("queue")).to_contain_text("Waiting for a worker.")
    expect(page.get_by_test_id("status-pill")).to_have_text("Pending")
    expect(page.get_by_test_id("phase-steps").locator("[aria-current=step]")).to_have_text("Queued")
    page.get_by_role("link", name="Cancel…").click()
    page.get_by_test_id("confirm-dialog").get_by_role("button", name="Cancel backtest").click()
    expect(page.get_by_test_id("cancelled-card")).to_contain_text("Cancelled before it started.")
    for run_id in ahead:
        product.call("POST", f"/api/backtests/{run_id}/cancel")
