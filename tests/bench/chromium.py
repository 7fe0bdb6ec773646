"""Chromium, driven by Playwright, as somebody who is logged in; and what to install where one of them is missing."""

import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from algotrade.errors import AlgotradeError
from tests.bench.processes import below, command_of, cpu_seconds
from tests.bench.product import Product, wait_for

if TYPE_CHECKING:
    from playwright.sync_api import Browser

CHROMIUMS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
"""Names on the PATH; the first one draws pages alone, without the windows of a browser, for two thirds of the work."""
FLAGS = ("--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu")
"""Chromium runs as root and in containers, too; it sees pages of this product only."""
FATAL = re.compile(r"(?:FATAL:[^]]*] |(?=error while loading ))(.*)")
"""What Chromium writes before it gives up, and the loader when a library is missing."""
MOST_CHARACTERS = 300
DRIVEN = "--remote-debugging-pipe"
"""What the command line of a browser that Playwright drives has."""
REMOVE_SECONDS = 20.0
SETTLE_SECONDS = 10.0
SECONDS_OF_REST = 0.3
MOST_CPU_AT_REST = 0.011
"""CPU seconds in so many of rest: one tick of the clock."""


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
            "On Debian: apt install chromium-headless-shell"
        )
    with ExitStack() as stack:
        with _temporaries_in(stack.enter_context(_folder())):
            playwright = stack.enter_context(sync_playwright())
        try:
            browser = playwright.chromium.launch(executable_path=executable, args=FLAGS)
        except Error as error:
            raise NoBrowser(f"{executable} does not start: {_gist(error.message)}") from error
        try:
            yield browser
            browser.close()
        except Error as error:
            raise BrowserError(f"{executable} did not do as told: {_gist(error.message)}") from error


@contextmanager
def _folder() -> Iterator[str]:
    """Give a folder for what the driver and Chromium leave behind when they are ended early; it goes with the block.

    Its name is short, because Chromium has a socket below, and the path of a socket may not be long.
    """
    folder = tempfile.mkdtemp(prefix="algotrade-")
    try:
        yield folder
    finally:
        wait_for(lambda: _is_gone(folder), REMOVE_SECONDS, f"the end of what uses {folder}")


def _is_gone(folder: str) -> bool:
    """Remove a folder, into which a process on its last legs may still write, and tell whether that was all."""
    shutil.rmtree(folder, ignore_errors=True)
    return not Path(folder).exists()


@contextmanager
def _temporaries_in(folder: str) -> Iterator[None]:
    """Let the processes that are started in the block have their temporary files in a folder."""
    before = os.environ.get("TMPDIR")
    os.environ["TMPDIR"] = folder
    try:
        yield
    finally:
        del os.environ["TMPDIR"]
        if before is not None:
            os.environ["TMPDIR"] = before


def _gist(message: str) -> str:
    """Return the head of an error of Playwright, which repeats all that the browser wrote, and what was fatal."""
    head, *others = message.splitlines() or [""]
    fatal = next((found[1] for line in others if (found := FATAL.search(line))), "")
    return f"{head} {fatal}".strip()[:MOST_CHARACTERS]


def session_of(browser: "Browser", product: Product) -> Any:
    """Return the cookies of somebody who opened the one-time URL."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(product.login_url())
    state = context.storage_state()
    context.close()
    return state


def settle() -> None:
    """Wait until Chromium does nothing any more, at most SETTLE_SECONDS.

    A new context is a new window, for which it prepares parts of its own, such as suggestions below the address: much
    work beside the first page, of which a person whose browser has long been open sees nothing.
    """
    deadline = time.monotonic() + SETTLE_SECONDS
    used = _cpu_seconds()
    while time.monotonic() < deadline:
        time.sleep(SECONDS_OF_REST)
        before, used = used, _cpu_seconds()
        if used - before <= MOST_CPU_AT_REST:
            return


def _cpu_seconds() -> float:
    """Return the CPU time of all processes of the browsers that this process has started."""
    tops = [pid for pid in below(os.getpid()) if DRIVEN in command_of(pid)]
    return sum(cpu_seconds(pid) for top in tops for pid in {top, *below(top)})
