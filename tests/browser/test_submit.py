"""From the login URL through the form to the report and back to the list."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser import strategies
from tests.browser.conftest import RUN_PAGE
from tests.stack import wait_for

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
    page.evaluate("window.stayed = true")
    tiles = page.get_by_test_id("metric-tiles")
    expect(tiles).to_be_visible()
    expect(page.get_by_test_id("status-pill")).to_have_text("Completed")
    expect(tiles).to_contain_text(re.compile(r"Total return\s*[+\u2212][\d.,]+%"))
    expect(tiles).to_contain_text("Sharpe ratio")
    expect(page.get_by_test_id("metrics-table")).to_contain_text("Profit factor")
    assert page.evaluate("window.stayed")
    assert page.title() == "✓ SMA Cross · AlgoTrade"
    assert page.locator("[data-favicon]").get_attribute("href").endswith("favicon-completed.svg")
    page.goto("/runs")
    page.get_by_role("link", name=re.compile(r"^Backtest \d+$")).first.click()
    expect(page).to_have_url(re.compile(run_id))


def test_decimal_comma_is_sent_as_it_was_typed(page, product):
    page.goto(f"/backtests/new?strategy=sma_cross&dataset={strategies.DATASET}")
    page.get_by_text("More costs and rules").click()
    for name, typed in {"fixed_fee": "1,70", "initial_cash": "10.000,50", "commission": "0,2"}.items():
        field = page.locator(f"[name='{name}']")
        field.fill("")
        field.press_sequentially(typed)
    page.click("[data-run]")
    page.wait_for_url(RUN_PAGE)
    _, body = product.call("GET", f"/api/backtests/{page.url.rpartition('/')[2]}")
    sent = {name: body["spec"][name] for name in ("fixed_fee", "initial_cash", "commission")}
    assert sent == {"fixed_fee": 1.7, "initial_cash": 10_000.5, "commission": 0.002}


def test_back_after_a_run_gives_the_form_as_it_was_typed(page):
    page.goto("/backtests/new")
    page.select_option("[name=strategy_name]", "gated")
    page.locator("[name='parameters.gate']").wait_for()
    page.select_option("[name=strategy_name]", "sma_cross")
    fast = page.locator("[name='parameters.fast']")
    fast.fill("7")
    page.fill("[name='parameters.slow']", "44")
    page.fill("[name=start]", "2020-02-03")
    page.click("[data-run]")
    page.wait_for_url(RUN_PAGE)
    page.go_back()
    expect(fast).to_have_value("7")
    expect(page.locator("[name='parameters.slow']")).to_have_value("44")
    expect(page.locator("[name=strategy_name]")).to_have_value("sma_cross")
    expect(page.locator("[name=start]")).to_have_value("2020-02-03")
    fast.fill("8")
    page.click("[data-run]")
    page.wait_for_url(RUN_PAGE)
    page.goto("/backtests/new")  # a fresh form proposes what it always does
    expect(fast).to_have_value("10")


def test_report_draws_its_curve_anew_for_unit_theme_and_range(page, start):
    start(page, "sma_cross", fast=11, slow=31)
    expect(page.get_by_test_id("metric-tiles")).to_be_visible()
    page.reload()
    figure = page.get_by_test_id("equity-chart")
    chart = figure.locator("canvas").first
    expect(chart).to_be_visible()
    expect(page.get_by_test_id("drawdown-chart").locator("canvas")).to_be_visible()
    draw = "canvas => canvas.toDataURL()"
    drawn = [chart.evaluate(draw)]
    for press in ("USD", "Log", "Switch between light and dark", "3M"):
        page.get_by_role("button", name=press, exact=True).click()
        wait_for(lambda: chart.evaluate(draw) not in drawn, 10, f"a chart drawn after {press}")
        drawn.append(chart.evaluate(draw))
    expect(figure.locator("[aria-pressed=true]")).to_have_text(["Log", "3M"])
    # 31 Dec 2024 less three months of 30.44 days.
    expect(figure.locator("[data-readout]")).to_contain_text("1 Oct 2024 to 31 Dec 2024")


def test_report_pages_through_trades_and_switches_tables(page, start):
    start(page, "sma_cross", fast=5, slow=20)
    trades = page.get_by_test_id("trades-table")
    expect(trades).to_be_visible()
    expect(trades.locator("tbody tr")).to_have_count(12)
    page.get_by_role("link", name="Next").click()
    expect(trades.locator("tbody tr td").first).to_have_text("13")
    page.get_by_role("link", name="Previous").click()
    expect(trades.locator("tbody tr td").first).to_have_text("1")
    tabs = page.get_by_role("navigation", name="Tables")
    for name, shown in (("Orders", "orders-table"), ("Equity by day", "equity-table")):
        tabs.get_by_role("link", name=name).click()
        expect(page.get_by_test_id(shown)).to_be_visible()
        expect(tabs.locator("[aria-current]")).to_contain_text(name)
    tabs.get_by_role("link", name="Log").click()
    expect(page.get_by_test_id("tables")).to_contain_text("The strategy printed nothing.")


def test_form_judges_while_one_types_and_submits_nothing_wrong(page, product, complaints):
    complaints.expect("422")  # the browser logs the refusal

    def n_runs():
        return product.call("GET", "/api/backtests/?limit=1")[1]["total"]

    before = n_runs()
    page.goto("/backtests/new?strategy=sma_cross")
    fast = page.locator("[name='parameters.fast']")
    message = page.locator(f"[data-error-for='{fast.get_attribute('id')}']")
    fast.fill("500")
    expect(message).to_contain_text("2 to 200")
    expect(fast).to_have_attribute("aria-invalid", "true")
    expect(fast).to_be_focused()
    assert message.get_attribute("id") in fast.get_attribute("aria-describedby")
    expect(page.get_by_test_id("summary")).to_contain_text("2 to 200")
    fast.fill("50")
    expect(page.get_by_test_id("summary")).to_contain_text("fast < slow is required")
    page.click("[data-run]")
    expect(page.get_by_role("heading", name="New backtest")).to_be_visible()
    expect(page).to_have_url(re.compile("/backtests/new"))
    expect(fast).to_have_value("50")
    expect(page.get_by_test_id("summary")).to_contain_text("fast < slow is required")
    assert n_runs() == before
    page.fill("[name='parameters.slow']", "60")
    expect(page.get_by_test_id("summary-bars")).to_contain_text("bars")
    expect(fast).not_to_have_attribute("aria-invalid", "true")


def test_refused_form_leads_to_its_first_wrong_field(page, complaints):
    complaints.expect("422")  # the browser logs the refusal
    page.goto("/backtests/new?strategy=sma_cross")
    page.fill("[name='initial_cash']", "-1")
    page.click("[data-run]")
    expect(page.get_by_test_id("problems")).to_be_visible()
    expect(page.locator("[name='initial_cash']")).to_be_focused()
    expect(page.locator("[name='initial_cash']")).to_have_attribute("aria-invalid", "true")
    expect(page.locator("[name='initial_cash']")).to_have_value("-1")


def test_double_click_starts_one_run(page, product):
    posts = []
    page.on("request", lambda request: posts.append(request.url) if request.method == "POST" else None)
    page.goto("/backtests/new?strategy=sma_cross")
    page.dblclick("[data-run]")
    page.wait_for_url(RUN_PAGE)
    assert [url.rpartition("/")[2] for url in posts] == ["new"]


def test_duplicate_fills_the_form_with_what_was_run(page, start):
    start(page, "sma_cross", fast=7, slow=77)
    page.get_by_role("link", name="Duplicate").click()
    expect(page.locator("[name=strategy_name]")).to_have_value("sma_cross")
    expect(page.locator("[name='parameters.fast']")).to_have_value("7")
    expect(page.locator("[name='parameters.slow']")).to_have_value("77")
    twin = re.compile("(The same backtest is active|Same spec, code and candles)")
    expect(page.get_by_test_id("summary")).to_contain_text(twin)


def test_strategy_brings_its_own_fields(page):
    page.goto("/backtests/new?strategy=sma_cross")
    page.select_option("[name=strategy_name]", "gated")
    expect(page.locator("[name='parameters.gate']")).to_be_visible()
    expect(page.locator("[name='parameters.fast']")).to_have_count(0)


def test_ctrl_enter_runs(page):
    page.goto("/backtests/new?strategy=buy_and_hold")
    page.locator("[name=initial_cash]").fill("12345")
    page.keyboard.press("Control+Enter")
    page.wait_for_url(RUN_PAGE)
    expect(page.get_by_test_id("parameters")).to_contain_text("12,345.00")


def test_identical_submission_leads_to_the_active_run(page, open_page, start, product, gate):
    run_id = start(page, "gated", gate=gate.number)
    other = open_page()
    assert start(other, "gated", gate=gate.number) == run_id
    product.call("POST", f"/api/backtests/{run_id}/cancel")
