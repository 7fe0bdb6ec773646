"""Chromium, driven by Playwright, as somebody who is logged in; and what to install where one of them is missing."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from algotrade.errors import AlgotradeError
from runs.bench.product import Product

if TYPE_CHECKING:
    from playwright.sync_api import Browser

CHROMIUMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = ("--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu")
"""Chromium runs as root and in containers, too; it sees pages of this product only."""


class BrowserError(AlgotradeError):
    """The browser did not do as told."""


class NoBrowser(BrowserError):
    """There is no browser; the message says what to install."""


@contextmanager
def chromium() -> "Iterator[Browser]":
    """Give a browser, closed afterwards.

    Raises:
        NoBrowser: Playwright or Chromium is missing, or Chromium does not start.
        BrowserError: it did not do as told later on.
    """
    try:
        from playwright.sync_api import Error, sync_playwright
    except ImportError as error:
        raise NoBrowser(
            "Playwright is not installed; it comes with what the tests need: pip install playwright"
        ) from error
    executable = next(filter(None, map(shutil.which, CHROMIUMS)), None)
    if executable is None:
        raise NoBrowser(
            f"There is no Chromium on the PATH, by any of the names {', '.join(CHROMIUMS)}. "
            "On Debian: apt install chromium"
        )
    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(executable_path=executable, args=FLAGS)
        except Error as error:
            raise NoBrowser(f"{executable} does not start: {error.message}") from error
        try:
            yield browser
            browser.close()
        except Error as error:
            raise BrowserError(f"{executable} did not do as told: {error.message}") from error


def session_of(browser: "Browser", product: Product) -> Any:
    """Return the cookies of somebody who opened the one-time URL."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(product.login_url())
    state = context.storage_state()
    context.close()
    return state
