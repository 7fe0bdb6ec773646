"""Without JavaScript, on a phone, by keyboard, in the dark: the pages still do their work."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import RUN_PAGE
from tests.browser.strategies import DATASET

pytestmark = pytest.mark.browser

ACME = {"asset": "ACME", "exchange": "SAMPLE", "timeframe": "1h"}
PAGES = ["/runs", "/backtests/new", "/data", "/about", "/api/docs", "live", "report", "orders", "failed", "cancelled"]

FIND_STOPS = """() => {
    const all = [...document.querySelectorAll("a[href], button, input, select, summary, [tabindex='0']")];
    window.stops = all.filter((node) => node.checkVisibility({ visibilityProperty: true }) && node.type !== "hidden");
    return window.stops.length;
}"""
FOCUS = """() => {
    const node = document.activeElement;
    const isInside = node.type === "date" && !node.matches(":focus"); // its calendar button has the browser's own ring
    const isMarked = isInside || getComputedStyle(node).outlineStyle !== "none";
    return [window.stops.indexOf(node), isMarked, node.outerHTML.slice(0, 100)];
}"""


@pytest.fixture(scope="module")
def examples(product):
    """Return addresses of a live, a completed, a failed and a cancelled run."""

    def submit(strategy, **more):
        return product.submit({"strategy_name": strategy, **ACME, **more})["id"]

    live = submit("gated", parameters={"gate": waits(product)})
    report = submit("sma_cross", commission=0.003)
    failed = submit("faulty", parameters={"at": 60})
    product.finished(report)
    product.finished(failed)
    product.wait_until(live, lambda body: body["processed_bars"] > 0)
    cancelled = submit("gated", parameters={"gate": waits(product)})
    product.wait_until(cancelled, lambda body: body["processed_bars"] > 0)
    product.call("POST", f"/api/backtests/{cancelled}/cancel")
    paths = {"live": live, "report": report, "orders": f"{report}/orders", "failed": failed, "cancelled": cancelled}
    yield {name: f"/backtests/{path}" for name, path in paths.items()}
    product.call("POST", f"/api/backtests/{live}/cancel")


def waits(product):
    """Return the number of a gate that lets the first bars pass, and no more."""
    gate = product.gates.new()
    gate.let_bars()
    return gate.number


def test_login_submission_progress_and_cancel_work_without_javascript(chromium, product):
    context = chromium.new_context(base_url=product.base_url, java_script_enabled=False)
    page = context.new_page()
    page.goto(product.login_url())
    expect(page).to_have_url(re.compile("/runs$"))
    page.goto(f"/backtests/new?strategy=gated&dataset={DATASET}")
    page.fill("[name='parameters.gate']", "10001")
    page.get_by_role("button", name="Run backtest").click()
    expect(page.get_by_test_id("problems")).to_contain_text("0 to 10,000")
    page.fill("[name='parameters.gate']", str(waits(product)))
    page.get_by_role("button", name="Run backtest").click()
    page.wait_for_url(RUN_PAGE)
    run_id = page.url.rpartition("/")[2]
    product.wait_until(run_id, lambda body: body["processed_bars"] > 0)
    page.reload()
    expect(page.get_by_test_id("count")).to_contain_text(re.compile("Processed [1-9]"))
    page.get_by_role("link", name="Cancel…").click()
    expect(page.get_by_role("link", name="Keep running")).to_be_visible()
    page.get_by_role("button", name="Cancel backtest").click()
    expect(page.get_by_test_id("status-pill")).to_have_text("Cancelled")
    context.close()


def test_strategy_is_changed_without_javascript(open_page):
    page = open_page("/backtests/new?strategy=sma_cross", java_script_enabled=False)
    page.select_option("[name=strategy_name]", "gated")
    page.get_by_role("button", name="Run backtest").click()
    expect(page.get_by_text("These are the parameters of Gated. Check them, then run.")).to_be_visible()
    expect(page.locator("[name='parameters.gate']")).to_have_value("0")


def test_report_is_read_and_paged_without_javascript(open_page, examples):
    page = open_page(examples["report"], java_script_enabled=False)
    expect(page.get_by_test_id("metric-tiles")).to_contain_text("Total return")
    expect(page.get_by_role("img", name="Equity and buy and hold")).to_be_visible()
    page.get_by_role("link", name="Next").click()
    expect(page.get_by_test_id("trades-table").locator("tbody tr td").first).to_have_text("51")
    page.get_by_role("link", name="Orders").click()
    expect(page.get_by_test_id("orders-table")).to_be_visible()


@pytest.mark.parametrize("path", PAGES)
def test_page_fits_a_phone_under_a_strict_policy(phone, examples, path):
    page = phone
    policy = page.goto(examples.get(path, path)).headers["content-security-policy"]
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    expect(page.get_by_test_id("app-bar")).to_be_visible()
    page.wait_for_load_state("load")
    widths = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
    assert widths == [390, 390]


def test_phone_shows_result_and_progress_of_a_run_without_scrolling_sideways(open_page, examples):
    page = open_page("/runs", viewport={"width": 390, "height": 844})
    row = page.locator("#runs tr", has=page.get_by_text("Completed", exact=True)).first
    for part in ("status-pill", "row-result", "row-progress"):
        box = row.get_by_test_id(part).bounding_box()
        assert 0 <= box["x"] <= box["x"] + box["width"] <= 390, part


def test_inline_script_is_refused(open_page, complaints):
    page = open_page("/runs")
    violations = page.evaluate("""async () => {
        const violated = new Promise((resolve) => document.addEventListener("securitypolicyviolation", resolve));
        const script = document.createElement("script");
        script.textContent = "window.ran = true";
        document.body.append(script);
        return [(await violated).violatedDirective, window.ran === undefined];
    }""")
    assert violations == ["script-src-elem", True]
    complaints.expect("Content Security Policy")  # the browser says that it refused


def test_theme_follows_the_system_until_it_is_switched_and_kept(open_page):
    def paper(page):
        return page.evaluate("getComputedStyle(document.body).backgroundColor")

    dark = paper(open_page("/runs", color_scheme="dark"))
    page = open_page("/runs", color_scheme="light")
    assert paper(page) != dark
    page.get_by_role("button", name="Switch between light and dark").click()
    assert paper(page) == dark
    page.reload()
    assert paper(page) == dark
    page.keyboard.press("t")
    assert paper(page) != dark


@pytest.mark.parametrize("path", ["/runs", "/backtests/new?strategy=sma_cross", "report", "failed"])
def test_tab_reaches_everything_in_order_and_shows_where_it_is(open_page, examples, path):
    page = open_page(examples.get(path, path), viewport={"width": 1440, "height": 900})
    page.wait_for_load_state("networkidle")
    page.evaluate("document.activeElement.blur()")
    n_stops = page.evaluate(FIND_STOPS)
    assert n_stops > 8
    reached = [-1]
    for _ in range(3 * n_stops):
        page.keyboard.press("Tab")
        stop, is_marked, html = page.evaluate(FOCUS)
        assert is_marked, html
        if stop != reached[-1]:  # day, month and year of a date are stops within one
            reached.append(stop)
        if stop == n_stops - 1:
            break
    assert reached == [-1, *range(n_stops)]


def test_first_tab_stop_skips_to_the_content(page):
    page.goto("/runs")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()


def test_single_keys_lead_through_the_product_unless_switched_off(page, examples):
    page.goto("/data")
    page.keyboard.type("gr")
    page.wait_for_url("**/runs")
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox")).to_be_focused()
    page.keyboard.type("gr")
    expect(page.get_by_role("searchbox")).to_have_value("gr")
    expect(page.get_by_test_id("no-match")).to_be_visible()
    page.get_by_role("searchbox").fill("")
    expect(page.locator("#runs tr").first).to_be_visible()
    page.locator("h1").click()
    page.keyboard.type("jjk")
    expect(page.locator("#runs tr").first.locator("a").first).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_url(RUN_PAGE)
    page.keyboard.press("?")
    sheet = page.get_by_test_id("shortcut-sheet")
    sheet.get_by_role("checkbox").uncheck()
    page.keyboard.press("Escape")
    expect(sheet).to_be_hidden()
    page.keyboard.type("gr")
    expect(page).to_have_url(RUN_PAGE)
