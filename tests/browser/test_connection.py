"""The line to the server breaks: the page says so, asks by itself, and ends with the truth."""

import os
import re
import signal

import pytest
from playwright.sync_api import expect

from tests.stack import descendants, is_running, wait_for

pytestmark = pytest.mark.browser

NOISE = re.compile("WebSocket|ERR_|Failed to load resource")
"""What the browser itself logs of a connection that breaks."""


@pytest.fixture
def brief(start):
    """Return a function that starts a run of about four seconds."""
    return lambda page, micros: start(page, "slow", micros=micros)


def test_socket_that_never_opens_is_replaced_by_polling(open_page, brief, complaints):
    page = open_page()
    page.route_web_socket(re.compile("/ws/"), lambda socket: socket.close(code=1011))
    brief(page, 401)
    expect(page.get_by_test_id("conn-status")).to_have_text("Reconnecting…")
    expect(page.get_by_test_id("metric-tiles")).to_be_visible()
    expect(page.get_by_test_id("status-pill")).to_contain_text("Completed")


def test_dropped_socket_comes_back_and_catches_up(open_page, brief):
    page = open_page()
    sockets = []

    def between(socket):
        sockets.append(socket)
        socket.connect_to_server()

    page.route_web_socket(re.compile("/ws/"), between)
    brief(page, 402)
    expect(page.get_by_test_id("conn-status")).to_have_text("Live")
    sockets[-1].close(code=1012)
    expect(page.get_by_test_id("conn-status")).to_have_text("Reconnecting…")
    wait_for(lambda: page.wait_for_timeout(50) or len(sockets) > 1, 10, "a second socket")
    expect(page.get_by_test_id("conn-status").or_(page.get_by_test_id("metric-tiles"))).to_have_text(
        re.compile("Live|Net profit")
    )
    expect(page.get_by_test_id("metric-tiles")).to_be_visible()


def test_restarted_web_server_is_found_again(open_page, brief, product, complaints):
    page = open_page()
    run_id = brief(page, 1_200)
    expect(page.get_by_test_id("conn-status")).to_have_text("Live")
    web = next(pid for pid, command in descendants(product.process.pid).items() if " web " in command)
    os.kill(web, signal.SIGKILL)
    expect(page.get_by_test_id("conn-status")).not_to_have_text("Live")
    expect(page.get_by_test_id("conn-status")).to_have_text("Live")
    expect(page.get_by_test_id("metric-tiles")).to_be_visible(timeout=40_000)
    assert product.status(run_id)["status"] == "completed"
    complaints[:] = [text for text in complaints if not NOISE.search(text)]


@pytest.mark.parametrize("victim", ["worker", "child"])
def test_killed_worker_or_child_is_shown_resuming_and_the_run_completes(page, brief, product, victim):
    run_id = brief(page, 501 + len(victim))
    expect(page.get_by_test_id("count")).to_contain_text(re.compile("Processed [1-9]"))
    worker = product.worker_of(run_id)
    for pid in {worker} if victim == "worker" else product.children(of=worker):
        os.kill(pid, signal.SIGKILL)
    wait_for(lambda: product.status(run_id)["attempt"] == 2, 20, "the second attempt")
    expect(
        page.get_by_text("Resuming on another worker (attempt 2 of 3)").or_(page.get_by_text("Attempt 2"))
    ).to_be_visible()
    expect(page.get_by_test_id("metric-tiles")).to_be_visible()
    expect(page.get_by_text("Attempt 2")).to_be_visible()
    if victim == "worker":
        assert not is_running(worker)
