"""The page of an optimization when its line to the server breaks: it says so, asks, and ends with the truth."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.optimizations import fussy
from tests.stack import wait_for

pytestmark = pytest.mark.browser

SOCKETS = re.compile("/ws/")
DONE = "90 trials finished, 10 failed"


@pytest.fixture
def follow(begin, gate):
    """Return a function that starts an optimization, leads a page there, and marks the page to tell a reload.

    Its trials wait at the test's gate.
    """

    def follow_(page):
        run_id = begin(**fussy(gate))
        page.goto(f"/optimizations/{run_id}")
        page.evaluate("window.stayed = true")
        return run_id

    return follow_


def expect_report(page):
    """See the page end, without having been loaded again, with every trial counted."""
    expect(page.get_by_test_id("summary-text")).to_contain_text(DONE, timeout=60_000)
    expect(page.get_by_test_id("conn-status")).to_be_hidden()
    expect(page.get_by_test_id("failures-text")).to_have_text("10 trials, 1 distinct error.")
    expect(page.get_by_test_id("heatmap").locator("[data-readout]")).to_contain_text("90 of 100 cells")
    assert page.evaluate("window.stayed")


def test_socket_closed_with_whatever_code_comes_back_with_true_counts(open_page, follow, gate):
    page = open_page()
    sockets = []

    def between(socket):
        sockets.append(socket)
        socket.connect_to_server()

    page.route_web_socket(SOCKETS, between)
    follow(page)
    for code in (1000, 1001, 1006, 1012):
        expect(page.get_by_test_id("conn-status")).to_have_text("Live")
        opened = len(sockets)
        sockets[-1].close(code=code)
        expect(page.get_by_test_id("conn-status")).to_have_text("Reconnecting…")
        wait_for(lambda: page.wait_for_timeout(20) or len(sockets) > opened, 10, "another socket")  # noqa: B023
    gate.open()
    expect_report(page)


def test_blocked_sockets_are_replaced_by_polling_up_to_the_report(open_page, follow, ended, gate):
    page = open_page()
    page.clock.install()
    page.route_web_socket(SOCKETS, lambda socket: socket.close(code=1011))
    run_id = follow(page)
    expect(page.get_by_test_id("conn-status")).to_have_text("Reconnecting…")
    gate.open()
    ended(run_id)
    for _ in range(3):  # a poll, then the charts and the errors that it makes the page ask for
        page.clock.run_for(5_000)
    expect_report(page)
