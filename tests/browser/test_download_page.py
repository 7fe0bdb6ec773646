"""A download in the browser: started from the form, watched, cancelled, resumed, done; and without a script."""

import re

import pytest
from playwright.sync_api import expect

from tests.downloads import Downloads
from tests.exchange import holds

pytestmark = pytest.mark.browser

PAGE = re.compile(r"/downloads/[0-9a-f-]{36}$")


@pytest.fixture(autouse=True)
def calm(server):
    server.troubles.clear()
    server.gate.set()


def start(page, asset="btc/usd", end="2020-05-04"):
    page.goto("/data/download")
    page.select_option("#field-exchange", "bitstamp")
    page.fill("#field-asset", asset)
    page.fill("#field-start", "2020-01-01")
    page.fill("#field-end", end)
    page.click("[data-run]")
    page.wait_for_url(PAGE)
    return page.url.rpartition("/")[2]


def test_form_follows_what_is_typed(page):
    page.goto("/data")
    page.get_by_role("link", name="Download from an exchange").click()
    page.select_option("#field-exchange", "bitstamp")
    page.fill("#field-asset", "btc/usd")
    expect(page.get_by_test_id("problems")).to_contain_text("no candles yet that could be continued")
    page.fill("#field-start", "2020-01-01")
    page.fill("#field-end", "2020-01-10")
    expect(page.get_by_test_id("summary-bars")).to_have_text("240 bars")
    page.select_option("#field-exchange", "kraken")
    expect(page.locator("#field-timeframe option")).to_have_text(
        ["1m", "5m", "15m", "30m", "1h", "4h", "1d", "1w", "2w"]
    )


def test_download_is_watched_cancelled_resumed_and_done(page, server, product):
    server.troubles.extend([None, holds])
    run_id = start(page)
    expect(page.get_by_test_id("count")).to_contain_text("Fetched 1,000 / 3,000 bars")
    expect(page.get_by_test_id("conn-status")).to_have_attribute("data-status", "live")
    page.locator("[data-verb=cancel]").click()
    page.locator("#cancel-dialog [data-yes]").click()
    expect(page.get_by_test_id("cancelled-card")).to_contain_text("Fetched bars are kept")
    expect(page.locator("[data-verb=cancel]")).to_be_hidden()
    server.gate.set()
    page.locator("[data-verb=resume] button").click()
    expect(page.get_by_test_id("added")).to_have_text("3,000 bars")
    expect(page.get_by_test_id("status-pill")).to_have_text("Completed")
    assert Downloads(product).status(run_id)["attempt"] == 2


def test_trouble_is_shown_while_it_lasts(page, server):
    server.troubles.append(lambda handler, _found: handler.answer({}, 429, Retry_After="4"))
    start(page, end="2020-02-01")
    expect(page.get_by_test_id("waiting")).to_contain_text("Bitstamp asks for fewer requests")
    expect(page.get_by_test_id("download-done")).to_be_visible()


def test_error_is_shown_with_its_trace(page):
    start(page, asset="DOGE/USD")
    expect(page.get_by_test_id("error-panel")).to_contain_text("Bitstamp has no DOGE-USD")
    expect(page.get_by_test_id("trace")).to_contain_text("Traceback")


def test_everything_works_without_a_script(open_page, server, product):
    page = open_page(java_script_enabled=False)
    server.gate.clear()
    run_id = start(page, end="2020-03-01")
    page.get_by_role("link", name="Cancel…").click()
    page.get_by_role("button", name="Cancel download").click()
    expect(page.get_by_test_id("status-pill")).to_have_text("Cancelled")
    server.gate.set()
    page.get_by_role("button", name="Resume").click()
    Downloads(product).finished(run_id)
    page.reload()
    expect(page.get_by_test_id("status-pill")).to_have_text("Completed")


@pytest.mark.parametrize("width", [1440, 390])
def test_pages_fit_their_window(open_page, width):
    page = open_page(viewport={"width": width, "height": 844})
    for path in ("/data/download", "/runs?kind=download"):
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
