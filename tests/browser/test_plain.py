"""Without JavaScript, on a phone, by keyboard, in the dark: the pages still do their work."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import RUN_PAGE
from tests.browser.strategies import DATASET

pytestmark = pytest.mark.browser


def test_everything_works_without_javascript(open_page, product):
    page = open_page(f"/backtests/new?strategy=slow&dataset={DATASET}", java_script_enabled=False)
    page.fill("[name='parameters.micros']", "1501")
    page.get_by_role("button", name="Run backtest").click()
    page.wait_for_url(RUN_PAGE)
    run_id = page.url.rpartition("/")[2]
    product.wait_until(run_id, lambda body: body["processed_bars"] > 0)
    page.reload()
    expect(page.get_by_test_id("count")).to_contain_text(re.compile("Processed [1-9]"))
    page.get_by_role("link", name="Cancel…").click()
    page.get_by_role("button", name="Cancel backtest").click()
    expect(page.get_by_test_id("status-pill").first).to_contain_text("Cancelled")


def test_report_is_read_and_paged_without_javascript(open_page, product):
    body = {"strategy_name": "sma_cross", "asset": "ACME", "exchange": "SAMPLE", "timeframe": "1h", "commission": 0.002}
    run_id = product.submit(body)["id"]
    product.finished(run_id)
    page = open_page(f"/backtests/{run_id}", java_script_enabled=False)
    expect(page.get_by_test_id("metric-tiles")).to_contain_text("Net profit")
    page.get_by_role("link", name="Next").click()
    expect(page.get_by_test_id("trades-table").locator("tbody tr td").first).to_have_text("51")


@pytest.mark.parametrize(
    "path", ["/runs", "/backtests/new", "/data", "/about", "/api/docs", "live", "report", "failed"]
)
def test_no_page_scrolls_sideways_on_a_phone(open_page, product, path, examples):
    page = open_page(examples.get(path, path), viewport={"width": 390, "height": 844})
    expect(page.get_by_test_id("app-bar")).to_be_visible()
    widths = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
    assert widths[0] == widths[1] == 390


@pytest.fixture(scope="module")
def examples(product):
    """Return addresses of a live, a completed and a failed run."""
    data = {"asset": "ACME", "exchange": "SAMPLE", "timeframe": "1h"}
    live = product.submit({"strategy_name": "slow", **data, "parameters": {"micros": 50_000}})["id"]
    report = product.submit({"strategy_name": "sma_cross", **data, "commission": 0.003})["id"]
    failed = product.submit({"strategy_name": "faulty", **data, "parameters": {"at": 60}})["id"]
    product.finished(report)
    product.finished(failed)
    product.wait_until(live, lambda body: body["processed_bars"] > 0)
    yield {"live": f"/backtests/{live}", "report": f"/backtests/{report}", "failed": f"/backtests/{failed}"}
    product.call("POST", f"/api/backtests/{live}/cancel")


def test_theme_is_switched_and_kept(open_page):
    page = open_page("/runs", color_scheme="light")
    light = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.get_by_role("button", name=re.compile("theme|dark", re.I)).click()
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert dark != light
    page.reload()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == dark


def test_keyboard_reaches_the_content_first_and_shows_where_it_is(page):
    page.goto("/runs")
    page.keyboard.press("Tab")
    assert "Skip" in page.evaluate("document.activeElement.textContent")
    page.keyboard.press("Tab")
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline != "none"
    page.keyboard.press("?")
    expect(page.get_by_test_id("shortcut-sheet")).to_be_visible()


def test_pages_forbid_inline_script(open_page, complaints):
    page = open_page()
    answer = page.goto("/runs")
    policy = answer.headers["content-security-policy"]
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    violations = page.evaluate("""async () => {
        const found = [];
        document.addEventListener("securitypolicyviolation", (event) => found.push(event.violatedDirective));
        const script = document.createElement("script");
        script.textContent = "window.ran = true";
        document.body.append(script);
        await new Promise((resolve) => setTimeout(resolve, 50));
        return [found[0], window.ran === undefined];
    }""")
    assert violations == ["script-src-elem", True]
    assert len(complaints) == 1
    complaints.clear()  # the browser says that it refused
