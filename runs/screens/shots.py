"""The list of screens, and how they are taken."""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runs.bench.chromium import chromium, session_of
from runs.bench.product import Product
from runs.screens.content import DATASET, Content, furnish

if TYPE_CHECKING:
    from playwright.sync_api import Page

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
PAGE_MILLISECONDS = 30_000
"""How long a page may take to load, on a busy machine."""
NEXT_FRAMES = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done())))"


@dataclass(frozen=True, slots=True)
class Screen:
    """One picture of a page.

    Attributes:
        name: of the file, before the variant.
        path: address of the page; asking for it makes what the page shows.
        prepare: what is done on the page before the picture.
        is_stranger: whether nobody is logged in.
        status: with which the page answers.
    """

    name: str
    path: Callable[[Content], str]
    prepare: "Callable[[Page], None]" = lambda _page: None
    is_stranger: bool = False
    status: int = 200


def _wrongly(field: str) -> "Callable[[Page], None]":
    """Return what submits a form with one wrong field."""

    def submit(page: "Page") -> None:
        page.fill(f"[name='{field}']", "0")
        page.click("[data-run]")
        page.get_by_test_id("problems").wait_for()

    return submit


SCREENS = (
    # In this order: the list is empty at first, and what runs or waits comes last.
    Screen("runs-empty", lambda _: "/runs"),
    Screen("login", lambda _: "/login/", is_stranger=True),
    Screen("data", lambda _: "/data"),
    Screen("data-import", lambda _: "/data/import"),
    Screen("dataset", lambda _: "/data/ACME-SAMPLE-1h"),
    Screen("about", lambda _: "/about"),
    Screen("api", lambda _: "/api/docs"),
    Screen("not-found", lambda _: "/nowhere", status=404),
    Screen("backtest-new", lambda _: f"/backtests/new?strategy=supertrend&dataset={DATASET}"),
    Screen(
        "backtest-new-wrong",
        lambda _: f"/backtests/new?strategy=supertrend&dataset={DATASET}",
        prepare=_wrongly("parameters.length"),
    ),
    Screen("optimization-new", lambda _: f"/optimizations/new?strategy=supertrend&dataset={DATASET}"),
    Screen(
        "optimization-new-wrong",
        lambda _: f"/optimizations/new?strategy=supertrend&dataset={DATASET}",
        prepare=_wrongly("min.length"),
    ),
    Screen("backtest-completed", lambda content: content.completed),
    Screen("backtest-orders", lambda content: f"{content.completed}/orders"),
    Screen("backtest-failed", lambda content: content.failed),
    Screen("backtest-cancelled", lambda content: content.cancelled),
    Screen("optimization-completed", lambda content: content.search_completed),
    Screen("optimization-with-failures", lambda content: content.search_with_failures),
    Screen("optimization-failed", lambda content: content.search_failed),
    Screen("optimization-cancelled", lambda content: content.search_cancelled),
    Screen("trials", lambda content: f"{content.search_completed}/trials"),
    Screen("trial", lambda content: content.best_trial),
    Screen("comparison", lambda content: content.comparison),
    Screen("trial-failed", lambda content: content.failed_trial),
    Screen("failures", lambda content: f"{content.search_with_failures}/failures"),
    Screen("backtest-running", lambda content: content.running),
    Screen("backtest-cancel", lambda content: f"{content.running}/cancel"),
    Screen("backtest-pending", lambda content: content.pending),
    Screen("optimization-pending", lambda content: content.search_pending),
    Screen("runs", lambda content: content.everything),
    Screen("optimization-running", lambda content: content.search_running),
)


def take(folder: Path, screens: Sequence[Screen], make: Callable[..., Product] = Product) -> Iterator[Path]:
    """Start a product of its own, and write a picture of each screen in each variant.

    Args:
        folder: where the pictures go; one of the same name is replaced.
        screens: which ones, in the order of SCREENS.
        make: makes the product.

    Yields:
        Each picture once it is written.

    Raises:
        BrowserError: Playwright or Chromium is missing, before anything was started; or it did not do as told.
        RuntimeError: a page answers otherwise than it should, or a run ended before its picture was taken.
        TimeoutError: a run did not get where it was wanted in time.
    """
    with chromium() as browser, tempfile.TemporaryDirectory(prefix="algotrade-screens-") as home:
        folder.mkdir(parents=True, exist_ok=True)
        product = make(Path(home), workers=1)
        furnish(product)
        with product:
            content = Content(product)
            session = session_of(browser, product)
            for screen in screens:
                path = screen.path(content)
                for variant, options in VARIANTS.items():
                    state = None if screen.is_stranger else session
                    context = browser.new_context(base_url=product.base_url, storage_state=state, **options)
                    context.set_default_timeout(PAGE_MILLISECONDS)
                    page = context.new_page()
                    answer = page.goto(path, wait_until="networkidle")  # scripts have fetched what their charts draw
                    if answer is None or answer.status != screen.status:
                        raise RuntimeError(f"{path} answers {answer and answer.status}, and not {screen.status}.")
                    screen.prepare(page)
                    page.evaluate(NEXT_FRAMES)
                    picture = folder / f"{screen.name}-{variant}.png"
                    page.screenshot(path=picture, full_page=True, animations="disabled")
                    context.close()
                    yield picture
