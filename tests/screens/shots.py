"""Chromium that takes the pictures."""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.bench.chromium import chromium, session_of
from tests.bench.product import Product
from tests.screens.content import Content, furnish
from tests.screens.downloads import N_HOURS
from tests.screens.exchange import LocalExchange
from tests.screens.pages import Screen

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

VARIANTS: dict[str, dict[str, Any]] = {
    "light": {"viewport": {"width": 1440, "height": 900}, "color_scheme": "light"},
    "dark": {"viewport": {"width": 1440, "height": 900}, "color_scheme": "dark"},
    "mobile": {
        "viewport": {"width": 390, "height": 844},
        "color_scheme": "light",
        "has_touch": True,
        "is_mobile": True,
    },
}
PAGE_MILLISECONDS = 60_000
"""How long a page may take to load, on a busy machine."""
NEXT_FRAMES = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done())))"


def take(folder: Path, screens: Sequence[Screen], make: Callable[..., Product] = Product) -> Iterator[Path]:
    """Start a product of its own, and write a picture of each screen in each variant.

    Args:
        folder: where the pictures go; one of the same name is replaced.
        screens: which ones, in the order of SCREENS.
        make: makes the product.

    Yields:
        Each picture once it is written.

    Raises:
        NoBrowser: Playwright or Chromium is missing, before anything was started.
        BrowserError: it did not do as told later on.
        RuntimeError: a page answers otherwise than it should, or a run ended before its picture was taken.
        TimeoutError: a run did not get where it was wanted in time.
    """
    with (
        chromium() as browser,
        LocalExchange(n_bars=N_HOURS) as exchange,
        tempfile.TemporaryDirectory(prefix="algotrade-screens-") as home,
    ):
        folder.mkdir(parents=True, exist_ok=True)
        product = make(Path(home), workers=1)
        exchange.stand_in(product.environment)
        furnish(product)
        with product:
            content = Content(product, exchange)
            # A context a variant, for all screens: what pages have in common is fetched once.
            strangers, users = (
                _contexts(browser, product, None),
                _contexts(browser, product, session_of(browser, product)),
            )
            for screen in screens:
                if not screen.is_bare:
                    _ = content.candles
                path = screen.path(content)
                # All at once: the three wait together for what their page fetches, and show the same moment.
                pages = {
                    variant: _opened(context, path, screen.status)
                    for variant, context in (strangers if screen.is_stranger else users).items()
                }
                for variant, page in pages.items():
                    page.wait_for_load_state("networkidle")  # scripts have fetched what their charts draw
                    screen.prepare(page)
                    _show_charts(page)
                    page.evaluate(NEXT_FRAMES)
                    picture = folder / f"{screen.name}-{variant}.png"
                    page.screenshot(path=picture, full_page=not screen.is_window, animations="disabled")
                    page.close()
                    yield picture


def _contexts(browser: "Browser", product: Product, session: Any) -> dict[str, "BrowserContext"]:
    """Return a context for each variant, of somebody with these cookies."""
    contexts = {}
    for variant, options in VARIANTS.items():
        context = browser.new_context(
            base_url=product.base_url, storage_state=session, permissions=["notifications"], **options
        )
        context.set_default_timeout(PAGE_MILLISECONDS)
        contexts[variant] = context
    return contexts


def _opened(context: "BrowserContext", path: str, status: int) -> "Page":
    """Return a page that begins to load.

    Raises:
        RuntimeError: it answers with another status.
    """
    page = context.new_page()
    answer = page.goto(path, wait_until="commit")
    if answer is None or answer.status != status:
        raise RuntimeError(f"{path} answers {answer and answer.status}, and not {status}.")
    return page


def _show_charts(page: "Page") -> None:
    """Go where price charts are, which are drawn when somebody comes to see them, and back."""
    for chart in page.locator("[data-price-chart]").all():
        if chart.is_visible():
            chart.scroll_into_view_if_needed()
            chart.and_(page.locator("[data-view]")).wait_for()
    page.evaluate("scrollTo(0, 0)")
