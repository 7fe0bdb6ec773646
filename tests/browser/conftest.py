"""A running product and a browser in front of it. Every page that a test opens must stay free of console errors."""

import re

import pytest
from playwright.sync_api import expect

from tests import environment
from tests.bench.chromium import NoBrowser
from tests.bench.chromium import chromium as driven
from tests.browser import strategies
from tests.browser.optimizations import ACME, GRID, fussy
from tests.downloads import beside
from tests.exchange import LocalExchange
from tests.stack import wait_for

expect.set_options(timeout=20_000)

RUN_PAGE = re.compile(r"/backtests/[0-9a-f-]{36}$")


@pytest.fixture(scope="package")
def server():
    """Return the exchange from which the product downloads."""
    with LocalExchange() as running:
        yield running


@pytest.fixture(scope="package")
def product(server, tmp_path_factory):
    """Return the product with sample candles and strategies that wait, are broken and silent."""
    with beside(server, tmp_path_factory.mktemp("home"), sample=True) as running:
        for name, source in strategies.SOURCES.items():
            running.write_strategy(name, source)
        yield running


@pytest.fixture(scope="package")
def chromium():
    """Return a browser. It is closed with the package: its event loop must not reach the other tests."""
    try:
        with driven() as browser:
            yield browser
    except NoBrowser as error:
        environment.lacks(str(error))


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


class Complaints(list):
    """What pages wrote to the console as errors."""

    def __init__(self):
        """Expect none."""
        super().__init__()
        self._expected = []

    def expect(self, pattern):
        """Let pages complain like this: whether the browser says so before or after it shows the page is its own."""
        self._expected.append(re.compile(pattern))

    @property
    def unexpected(self):
        """Those that nobody expected."""
        return [text for text in self if not any(pattern.search(text) for pattern in self._expected)]


@pytest.fixture
def complaints():
    """Return what pages wrote to the console as errors; whoever expects some says so."""
    return Complaints()


@pytest.fixture
def open_page(product, chromium, session, complaints):
    """Return a function that opens a logged-in page; afterwards no page may have complained."""
    contexts = []

    def open_(path="", **options):
        context = chromium.new_context(base_url=product.base_url, storage_state=session, **options)
        contexts.append(context)
        page = context.new_page()
        hear(page, complaints)
        if path:
            page.goto(path)
        return page

    yield open_
    for context in contexts:
        context.close()
    assert complaints.unexpected == []


def hear(page, complaints):
    """Note what a page complains of, and give up waiting for it in time."""
    page.set_default_timeout(20_000)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)


@pytest.fixture(scope="module")
def readers(product, chromium, session):
    """Return a function that returns the page of a window's size that all tests of a module share which only read.

    Its context keeps what it loaded: a new one loads every script and style again.
    """
    opened = {}

    def reader(width, height):
        if (width, height) not in opened:
            viewport = {"width": width, "height": height}
            context = chromium.new_context(base_url=product.base_url, storage_state=session, viewport=viewport)
            page, complaints = context.new_page(), Complaints()
            hear(page, complaints)
            opened[width, height] = page, complaints
        return opened[width, height]

    yield reader
    for page, _ in opened.values():
        page.context.close()


def lent(page, complaints):
    """Yield a page that is shared; afterwards it may not have complained."""
    yield page
    told = list(complaints)
    complaints.clear()
    assert told == []


@pytest.fixture
def phone(readers):
    """Return a logged-in page of 390 x 844 for reading; it must not complain."""
    yield from lent(*readers(390, 844))


@pytest.fixture
def desk(readers):
    """Return a logged-in page of 1440 x 900 for reading; it must not complain."""
    yield from lent(*readers(1440, 900))


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


@pytest.fixture
def gate(product):
    """Return the gate at which a run of this test waits."""
    return product.gates.new()


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


def pass_until(let_more, is_so, what):
    """Let bars or trials pass until something is so."""
    wait_for(lambda: is_so() or let_more(), 60, what)


def shows(page, name, pattern):
    """Tell whether a part of the page shows a text like this by now."""
    part = page.get_by_test_id(name)
    return part.is_visible() and re.search(pattern, part.inner_text()) is not None


@pytest.fixture(scope="package")
def grid(begin, ended):
    """Return the id of a completed grid of sma_cross: 100 combinations, some of them excluded."""
    run_id = begin(strategy_name="sma_cross", axes=GRID, rules=["fast < slow"])
    assert ended(run_id)["status"] == "completed"
    return run_id


@pytest.fixture(scope="package")
def broken(begin, ended):
    """Return the id of a completed optimization of which ten trials failed."""
    run_id = begin(**fussy())
    assert ended(run_id)["failed_combinations"] == 10
    return run_id
