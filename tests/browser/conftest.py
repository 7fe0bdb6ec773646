"""A running product and a browser in front of it. Every page that a test opens must stay free of console errors."""

import re
import shutil

import pytest
from playwright.sync_api import expect, sync_playwright

from tests import environment
from tests.browser import strategies
from tests.browser.searches import ACME, GRID, fussy
from tests.stack import Product, wait_for

expect.set_options(timeout=20_000)

RUN_PAGE = re.compile(r"/backtests/[0-9a-f-]{36}$")


@pytest.fixture(scope="package")
def product(tmp_path_factory):
    """Return the product with sample candles and strategies that are slow, broken and silent."""
    with Product(tmp_path_factory.mktemp("home"), sample=True) as running:
        for name, source in strategies.SOURCES.items():
            running.write_strategy(name, source)
        yield running


@pytest.fixture(scope="package")
def chromium():
    """Return a browser. It is closed with the package: its event loop must not reach the other tests."""
    executable = shutil.which("chromium") or shutil.which("chromium-browser")
    if executable is None:
        environment.lacks("There is no chromium to drive.")
    arguments = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=arguments)
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def session(product, chromium):
    """Return the cookies of somebody who opened the one-time URL."""
    return logged_in(product, chromium)


def logged_in(product, chromium):
    """Open a product's one-time URL; return the cookies."""
    context = chromium.new_context()
    page = context.new_page()
    page.goto(product.login_url())
    page.wait_for_url("**/runs")
    state = context.storage_state()
    context.close()
    return state


@pytest.fixture
def complaints():
    """Return what pages wrote to the console as errors; whoever expects some takes them out."""
    return []


@pytest.fixture
def open_page(product, chromium, session, complaints):
    """Return a function that opens a logged-in page; afterwards no page may have complained."""
    contexts = []

    def open_(path="", **options):
        context = chromium.new_context(base_url=product.base_url, storage_state=session, **options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(20_000)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        if path:
            page.goto(path)
        return page

    yield open_
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture
def page(open_page):
    """Return a logged-in page of 1440 x 900."""
    return open_page(viewport={"width": 1440, "height": 900})


@pytest.fixture
def start(product):
    """Return a function that starts a backtest through the form, leads its page there and returns the run's id."""

    def start_(page, strategy, **typed):
        page.goto(f"/backtests/new?strategy={strategy}&dataset={strategies.DATASET}")
        for name, value in typed.items():
            page.fill(f"[name='parameters.{name}']", str(value))
        page.click("[data-run]")
        page.wait_for_url(RUN_PAGE)
        return page.url.rpartition("/")[2]

    return start_


@pytest.fixture(scope="package")
def begin(product):
    """Return a function that starts an optimization through the API, and returns its id."""

    def begin_(**body):
        status, answer = product.call("POST", "/api/optimizations/", {**ACME, **body})
        assert status == 202, answer
        return answer["id"]

    return begin_


@pytest.fixture(scope="package")
def ended(product):
    """Return a function that waits for the end of an optimization."""

    def ended_(run_id):
        def find():
            body = product.call("GET", f"/api/optimizations/{run_id}/status")[1]
            return body if body["status"] not in ("pending", "running") else None

        return wait_for(find, 90, "the end of the optimization")

    return ended_


@pytest.fixture(scope="package")
def grid(begin, ended):
    """Return the id of a completed grid of sma_cross: 100 combinations, some of them excluded."""
    run_id = begin(strategy_name="sma_cross", axes=GRID, rules=["fast < slow"])
    assert ended(run_id)["status"] == "completed"
    return run_id


@pytest.fixture(scope="package")
def broken(begin, ended):
    """Return the id of a completed search of which ten trials failed."""
    run_id = begin(**fussy(0))
    assert ended(run_id)["failed_combinations"] == 10
    return run_id
