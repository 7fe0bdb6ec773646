"""The price chart: loaded when somebody comes to it, coarse from afar, exact near by, led by the table of trades."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.strategies import N_BARS
from tests.stack import wait_for

pytestmark = pytest.mark.browser

ACME = {"asset": "ACME", "exchange": "SAMPLE", "timeframe": "1h"}
LIBRARY = re.compile(r"lightweight-charts-[\d.]+\.min\.js")
MERGED = """async (markers) => (await import("/static/js/price_chart.js")).merged(markers, 10)"""
BACKGROUND = "canvas => [...canvas.getContext('2d').getImageData(1, 1, 1, 1).data].slice(0, 3)"


@pytest.fixture(scope="module")
def reports(product):
    """Return addresses of a completed run and of one that failed at bar 4,000."""
    found = {}
    for name, at in (("report", 0), ("failed", 4_001)):
        found[name] = product.submit({"strategy_name": "swinging", **ACME, "parameters": {"at": at}})["id"]
        product.finished(found[name])
    return {name: f"/backtests/{run_id}" for name, run_id in found.items()}


@pytest.fixture
def chart(page, reports):
    """Return the price chart of the completed run, drawn."""
    page.goto(reports["report"])
    return drawn(page)


def drawn(page):
    """Bring the price chart into view, and return it once its candles are there."""
    figure = page.get_by_test_id("price-chart")
    figure.scroll_into_view_if_needed()
    expect(figure).to_have_attribute("data-view", re.compile(r"^\d+-\d+$"))
    return figure


def view(figure):
    first, last = figure.get_attribute("data-view").split("-")
    return int(first), int(last)


def test_chart_and_its_library_are_loaded_when_it_comes_into_view(open_page, reports):
    page = open_page(viewport={"width": 1280, "height": 480})
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(reports["report"])
    expect(page.get_by_test_id("equity-chart").locator("canvas").first).to_be_visible()
    wanted = [url for url in asked if LIBRARY.search(url) or "candles.json" in url]
    assert wanted == []
    figure = drawn(page)
    assert sum(1 for url in asked if LIBRARY.search(url)) == 1
    expect(figure.locator("[data-readout]")).to_contain_text(re.compile(rf"Showing [1-4]\d\d of {N_BARS:,} bars"))
    expect(figure.get_by_role("link", name="Charts by TradingView")).to_have_attribute(
        "href", "https://www.tradingview.com/"
    )


def test_chart_shows_indicators_upon_the_price_and_below_it(chart):
    expect(chart.locator("[data-legend] [data-line]")).to_have_text(["mean", "strength"])
    expect(chart).to_have_attribute("data-panes", "2")


def test_chart_is_coarse_from_afar_and_raw_near_by(page, chart):
    expect(chart).to_have_attribute("data-bars-per-candle", "1")
    chart.get_by_role("button", name="All").click()
    expect(chart).to_have_attribute("data-view", f"0-{N_BARS}")
    expect(chart.locator("[data-readout]")).to_contain_text("to a candle")
    assert int(chart.get_attribute("data-bars-per-candle")) > 8
    box = chart.locator("[data-plot]").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 3, box["y"] + 150)
    with page.expect_response(lambda response: "candles.json" in response.url):
        for _ in range(30):
            page.mouse.wheel(0, -600)
    wait_for(lambda: chart.get_attribute("data-bars-per-candle") == "1", 10, "raw bars")
    first, last = view(chart)
    assert last - first <= 2_000
    chart.locator("[data-plot]").dblclick(position={"x": 200, "y": 100})
    expect(chart).to_have_attribute("data-view", f"0-{N_BARS}")


def test_chart_marks_every_entry_and_exit_in_view(page, chart, reports):
    first, last = view(chart)
    told = page.request.get(f"{reports['report']}/candles.json?first={first}&last={last}").json()["markers"]
    assert len(told["candle"]) > 2
    shown = page.evaluate(MERGED, told)
    assert sum(one["trades"] for one in shown) >= len(set(told["trade"]))
    assert int(chart.get_attribute("data-markers")) >= len(shown)


def test_neighbouring_markers_become_one_that_counts_their_trades(page, chart):
    columns = {
        "candle": [3, 4, 7, 15, 18, 40],
        "kind": ["entry", "exit", "entry", "exit", "entry", "several"],
        "side": ["long"] * 6,
        "trade": [1, 1, 2, 2, 3, 3],
        "trades": [1, 1, 1, 1, 1, 4],
        "return": [None, 0.1, None, 0.2, None, None],
    }
    shown = page.evaluate(MERGED, columns)
    assert [(one["candle"], one["kind"], one["trade"], one["trades"]) for one in shown] == [
        (5, "several", 1, 2),
        (15, "exit", 2, 1),
        (18, "entry", 3, 1),
        (40, "several", 3, 4),
    ]


def test_click_on_a_trade_moves_the_chart_there(page, chart):
    row = page.get_by_test_id("trades-table").locator("tbody tr").nth(3)
    first, last = (int(bar) for bar in row.get_attribute("data-bars").split("-"))
    row.locator("td").nth(2).click()
    expect(chart).to_have_attribute("data-highlight", f"{first}-{last}")
    expect(row).to_have_attribute("aria-current", "true")
    wait_for(lambda: view(chart)[0] <= first <= last <= view(chart)[1], 10, "the bars of the trade in view")
    page.mouse.move(5, 5)  # no candle is under the cursor
    expect(chart.locator("[data-readout]")).to_contain_text("Trade 4. Showing")
    expect(chart).to_be_in_viewport()


def test_trade_of_the_tables_own_page_leads_to_the_chart(page, reports):
    page.goto(f"{reports['report']}/trades")
    link = page.get_by_test_id("trades-table").locator("tbody tr a").nth(1)
    bars = link.get_attribute("href").partition("#bars=")[2]
    link.click()
    expect(page).to_have_url(re.compile(r"/backtests/[0-9a-f-]{36}#bars="))
    figure = page.get_by_test_id("price-chart")
    expect(figure).to_have_attribute("data-highlight", bars)
    expect(figure).to_be_in_viewport()


def test_chart_is_read_by_keyboard(page, chart):
    plot = chart.locator("[data-plot]")
    plot.focus()
    page.keyboard.press("Home")
    expect(chart).to_have_attribute("data-view", "0-150")
    page.keyboard.press("0")
    expect(chart).to_have_attribute("data-view", f"0-{N_BARS}")
    page.keyboard.press("+")
    wait_for(lambda: view(chart)[1] - view(chart)[0] < 0.6 * N_BARS, 10, "half of the bars")
    before = view(chart)
    page.keyboard.press("ArrowLeft")
    wait_for(lambda: view(chart)[0] < before[0], 10, "earlier bars")
    page.keyboard.press("End")
    wait_for(lambda: view(chart)[1] == N_BARS, 10, "the latest bars")


def test_caption_says_the_last_bars_day_however_coarse_the_candles_are(page, chart):
    chart.get_by_role("button", name="All").click()
    page.mouse.move(5, 5)  # no candle is under the cursor
    expect(chart.locator("[data-readout]")).to_contain_text(
        re.compile(rf"Showing {N_BARS:,} of {N_BARS:,} bars, \d+ to a candle, 1 Jan 2020 to 31 Dec 2024\.")
    )


def test_volume_is_drawn_and_told(page, chart):
    expect(chart).to_have_attribute("data-volume", "")
    expect(chart.locator("[data-legend]")).to_contain_text("Volume")
    chart.locator("[data-plot]").hover(position={"x": 300, "y": 100})
    expect(chart.locator("[data-readout]")).to_contain_text(re.compile(r" C [\d.]+ V [\d,]+"))


LABELS = """async ([name, values, unit]) => (await import("/static/js/numbers.js"))[name](values, unit)"""


@pytest.mark.parametrize(
    ("name", "values", "unit", "labels"),
    [
        ("axisLabels", [0.5, 0.25, 0, -0.25], "ratio", ["0.50", "0.25", "0.00", "\N{MINUS SIGN}0.25"]),
        ("axisLabels", [0.1, 0.2, 0.30000000000000004], "ratio", ["0.1", "0.2", "0.3"]),
        ("axisLabels", [0, 0.0125, 0.025], "fraction", ["0.00%", "1.25%", "2.50%"]),
        ("axisLabels", [0, 2.5, 5], "count", ["0.0", "2.5", "5.0"]),
        ("axisLabels", [0, 500, 1_000], "money", ["0", "500", "1,000"]),
        ("axisLabels", [7], "ratio", ["7"]),
        ("axisLabels", [], "ratio", []),
        ("percentLabels", [-0.05, 0, 0.05], None, ["\N{MINUS SIGN}5%", "0%", "+5%"]),
        ("percentLabels", [-0.005, -0.0025, 0], None, ["\N{MINUS SIGN}0.50%", "\N{MINUS SIGN}0.25%", "0.00%"]),
    ],
)
def test_labels_of_an_axis_are_exact(desk, name, values, unit, labels):
    desk.goto("/about")
    assert desk.evaluate(LABELS, [name, values, unit]) == labels


def test_trades_fit_beside_the_metrics(page, reports):
    page.goto(reports["report"])
    box = page.get_by_test_id("trades-table").locator("xpath=..")
    assert box.evaluate("box => box.scrollWidth <= box.clientWidth")


def test_trades_come_as_a_file(page, reports):
    page.goto(reports["report"])
    n_trades = int(page.get_by_role("link", name="Trades").locator(".count-badge").text_content().replace(",", ""))
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV of all trades").click()
    assert re.fullmatch(r"backtest-\d+-trades\.csv", download.value.suggested_filename)
    assert len(download.value.path().read_text().splitlines()) == n_trades + 1


@pytest.mark.parametrize("path", ["/runs", "/data", "live"])
def test_every_page_of_the_bar_is_in_view_on_a_phone(phone, reports, path):
    page = phone
    page.goto(reports["report"] if path == "live" else path)
    nav = page.get_by_role("navigation", name="Main")
    expect(nav.get_by_role("link")).to_have_text(["Runs", "Backtest", "Optimize", "Data"], use_inner_text=True)
    assert nav.evaluate("nav => nav.scrollWidth <= nav.clientWidth")
    assert page.get_by_test_id("app-bar").bounding_box()["height"] <= 48


def test_chart_takes_the_colours_of_the_theme(page, chart):
    canvas = chart.locator("canvas").first
    light = canvas.evaluate(BACKGROUND)
    page.get_by_role("button", name="Switch between light and dark").click()
    wait_for(lambda: sum(canvas.evaluate(BACKGROUND)) < sum(light) / 4, 10, "a dark chart")


def test_run_that_fails_before_ones_eyes_shows_where(page, start):
    start(page, "swinging", at=4_000)
    expect(page.get_by_test_id("error-panel")).to_be_visible()
    chart = drawn(page)
    first, last = view(chart)
    assert first < 3_999 < last
    expect(chart.get_by_role("heading", name="Price", exact=True)).to_be_visible()


def test_candles_that_are_gone_are_told_in_the_chart(page, reports, complaints):
    gone = '{"error": "There are no candles any more."}'
    complaints.expect("404")
    page.route("**/candles.json?*", lambda route: route.fulfill(status=404, json=None, body=gone))
    page.goto(reports["failed"])
    page.get_by_test_id("price-chart").scroll_into_view_if_needed()
    expect(page.get_by_text("The candles cannot be shown: There are no candles any more.")).to_be_visible()


def test_chart_says_what_is_missing_without_javascript(open_page, reports):
    page = open_page(reports["report"], java_script_enabled=False)
    expect(page.get_by_test_id("price-chart").locator("noscript p")).to_contain_text("needs JavaScript")
    page.get_by_test_id("price-chart").get_by_role("link", name="View data").click()
    expect(page.get_by_test_id("candles-table").locator("tbody tr")).to_have_count(50)


def test_zoomed_equity_is_asked_for_again_and_double_click_resets(page, reports):
    page.goto(reports["report"])
    figure = page.get_by_test_id("equity-chart")
    plot = figure.locator(".u-over").first
    expect(plot).to_be_visible()
    box = plot.bounding_box()
    page.mouse.move(box["x"] + 200, box["y"] + 60)
    page.mouse.down()
    with page.expect_response(re.compile(r"series\.json\?px=\d+&from=\d+&to=\d+$")) as answer:
        page.mouse.move(box["x"] + 300, box["y"] + 60, steps=4)
        page.mouse.up()
    assert 100 < len(answer.value.json()["time"]) < N_BARS / 3  # every bar of the range
    with page.expect_response(re.compile(r"series\.json\?px=\d+$")):
        plot.dblclick(position={"x": 150, "y": 60})
    page.mouse.move(5, 5)  # no bar is under the cursor
    expect(figure.locator("[data-readout]")).to_contain_text("1 Jan 2020 to 31 Dec 2024")
