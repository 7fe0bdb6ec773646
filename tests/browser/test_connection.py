"""The line to the server breaks: the page says so, asks by itself, and ends with the truth."""

import os
import re
import signal

import pytest
from playwright.sync_api import expect

from tests.browser.strategies import N_BARS
from tests.stack import descendants, is_running, kill, wait_for

pytestmark = pytest.mark.browser

SOCKETS = re.compile("/ws/")
NOISE = "WebSocket|ERR_|Failed to load resource"
"""What the browser itself logs of a connection that breaks."""


@pytest.fixture
def watch(start, gate):
    """Return a function that starts a run, leads the page there, and marks the page to tell a reload.

    Its bars wait at the test's gate.
    """

    def watch_(page):
        run_id = start(page, "gated", gate=gate.number)
        page.evaluate("window.stayed = true")
        return run_id

    return watch_


def expect_report(page, seconds=20):
    """See the page end, without having been loaded again, as the report of the whole run."""
    expect(page.get_by_test_id("metric-tiles")).to_be_visible(timeout=seconds * 1000)
    expect(page.get_by_test_id("status-pill")).to_have_text("Completed")
    expect(page.locator("#run-header")).to_contain_text(f"Processed {N_BARS:,} / {N_BARS:,} bars")
    expect(page.get_by_test_id("conn-status")).to_be_hidden()
    assert page.evaluate("window.stayed")


def says(page, status):
    expect(page.get_by_test_id("conn-status")).to_have_text(status)


def test_socket_that_never_opens_is_replaced_by_polling(open_page, watch, product, gate):
    page = open_page()
    page.clock.install()
    page.route_web_socket(SOCKETS, lambda socket: socket.close(code=1011))
    run_id = watch(page)
    says(page, "Reconnecting…")
    gate.let_bars()
    product.wait_until(run_id, lambda body: body["processed_bars"] > 0)
    page.clock.run_for(5_000)
    expect(page.get_by_test_id("count")).to_contain_text(re.compile("Processed [1-9]"))
    gate.open()
    product.finished(run_id)
    page.clock.run_for(5_000)
    expect_report(page)


def test_open_socket_that_falls_silent_is_replaced_by_polling(open_page, watch, product, gate):
    page = open_page()
    page.clock.install()
    page.route_web_socket(SOCKETS, lambda socket: None)
    run_id = watch(page)
    gate.open()
    product.finished(run_id)
    expect(page.get_by_test_id("status-pill")).not_to_have_text("Completed")
    page.clock.run_for(13_000)
    expect_report(page)


def test_socket_closed_with_whatever_code_comes_back_and_catches_up(open_page, watch, gate):
    page = open_page()
    sockets = []

    def between(socket):
        sockets.append(socket)
        socket.connect_to_server()

    page.route_web_socket(SOCKETS, between)
    watch(page)
    for code in (1000, 1001, 1012):
        says(page, "Live")
        opened = len(sockets)
        sockets[-1].close(code=code)
        says(page, "Reconnecting…")
        wait_for(lambda: page.wait_for_timeout(20) or len(sockets) > opened, 10, "another socket")  # noqa: B023
    gate.open()
    expect_report(page)


def test_browser_without_network_says_so_and_recovers(open_page, watch, gate, complaints):
    page = open_page()
    watch(page)
    says(page, "Live")
    complaints.expect(NOISE)
    page.context.set_offline(True)
    says(page, "Offline")
    gate.open()
    page.context.set_offline(False)
    expect_report(page)


def test_restarted_web_server_is_found_again_without_a_reload(open_page, watch, product, gate, complaints):
    page = open_page()
    watch(page)
    says(page, "Live")
    web = next(pid for pid, command in descendants(product.process.pid).items() if " web " in command)
    complaints.expect(NOISE)
    os.kill(web, signal.SIGKILL)
    expect(page.get_by_test_id("conn-status")).not_to_have_text("Live")
    gate.open()
    expect_report(page, seconds=40)


@pytest.mark.parametrize("victim", ["worker", "child"])
def test_killed_process_is_shown_resuming_and_the_run_completes(page, watch, product, gate, victim):
    run_id = watch(page)
    gate.let_bars()
    expect(page.get_by_test_id("count")).to_contain_text(re.compile("Processed [1-9]"))
    worker = product.worker_of(run_id)
    kill({worker} if victim == "worker" else product.children(of=worker))
    told = page.get_by_text(re.compile(r"Resuming on another worker \(attempt 2 of 3\)|^Attempt 2$"))
    expect(told.first).to_be_visible()
    gate.open()
    expect_report(page)
    expect(page.get_by_text("Attempt 2")).to_be_visible()
    if victim == "worker":
        assert not is_running(worker)
