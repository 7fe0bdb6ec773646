"""The bell: who rang for it is notified of the end, of a backtest and of an optimization, and nobody else is asked."""

import pytest
from playwright.sync_api import expect

from tests.browser.optimizations import fussy

pytestmark = pytest.mark.browser

NOTIFICATION = """
window.told = [];
window.asked = 0;
window.Notification = class extends EventTarget {
    static permission = "default";
    static async requestPermission() { window.asked += 1; return (this.permission = ANSWER); }
    constructor(text, options) { super(); window.told.push(text); }
};
"""


@pytest.fixture
def open_with(open_page):
    """Return a function that opens a page in a browser whose user answers the question for permission like this."""

    def open_with_(answer):
        page = open_page(viewport={"width": 1440, "height": 900})
        page.add_init_script(NOTIFICATION.replace("ANSWER", f"'{answer}'"))
        return page

    return open_with_


def bell(page):
    return page.get_by_role("button", name="Notify me when it finishes")


def test_backtest_notifies_after_a_reload_as_well(open_with, start, gate):
    page = open_with("granted")
    start(page, "gated", gate=gate.number)
    assert page.evaluate("window.asked") == 0
    bell(page).click()
    expect(bell(page)).to_have_attribute("aria-pressed", "true")
    page.add_init_script("Notification.permission = 'granted'")  # as the browser remembers
    page.reload()
    expect(bell(page)).to_have_attribute("aria-pressed", "true")
    gate.open()
    expect(page.get_by_test_id("status-pill")).to_have_text("Completed")
    assert "finished. Total return" in page.evaluate("window.told.join()")
    expect(bell(page)).to_be_hidden()


def test_optimization_notifies_with_its_best_value(open_with, begin, gate):
    page = open_with("granted")
    page.goto(f"/optimizations/{begin(**fussy(gate))}")
    bell(page).click()
    expect(bell(page)).to_have_attribute("aria-pressed", "true")
    gate.open()
    expect(page.get_by_test_id("summary-text")).to_be_visible(timeout=60_000)
    value = page.get_by_test_id("best-value").text_content()
    assert page.evaluate("window.told.length") == 1
    assert page.evaluate("window.told[0]").endswith(f" finished. Best Sharpe ratio {value}.")
    expect(page.locator("[data-favicon]")).to_have_attribute("href", "/static/img/favicon-completed.svg")


def test_who_did_not_ring_or_was_refused_is_not_notified(open_with, begin, gate):
    page = open_with("denied")
    page.goto(f"/optimizations/{begin(**fussy(gate, n_values=6))}")
    bell(page).click()
    expect(page.get_by_test_id("toast")).to_contain_text("This browser blocks notifications of this page.")
    expect(bell(page)).to_have_attribute("aria-pressed", "false")
    gate.open()
    expect(page.get_by_test_id("summary-text")).to_be_visible(timeout=60_000)
    assert page.evaluate("window.told") == []
