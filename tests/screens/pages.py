"""The list of screens: which page, what is done on it, and in which order."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.screens.content import DATASET, Content
from tests.screens.downloads import DOWNLOADED

if TYPE_CHECKING:
    from playwright.sync_api import Page

ZIP = b"PK\x03\x04 and so on"
"""What is refused, and so leaves nothing behind, however it is called."""
SLOW_FILE_BYTES, SLOW_BYTES = 400_000, 20_000
"""Bytes of a file, and of it in a second, so that one sees it under way."""


@dataclass(frozen=True, slots=True)
class Screen:
    """One picture of a page.

    Attributes:
        name: of the file, before the variant.
        path: address of the page; asking for it makes what the page shows.
        prepare: what is done on the page before the picture.
        is_stranger: whether nobody is logged in.
        is_bare: whether there are no candles yet.
        is_window: whether the picture is of the window, because something stands at its edge or upon it.
        status: with which the page answers.
    """

    name: str
    path: Callable[[Content], str]
    prepare: "Callable[[Page], None]" = lambda _page: None
    is_stranger: bool = False
    is_bare: bool = False
    is_window: bool = False
    status: int = 200


def _wrongly(field: str) -> "Callable[[Page], None]":
    """Return what submits a form with one wrong field."""

    def submit(page: "Page") -> None:
        page.fill(f"[name='{field}']", "0")
        page.click("[data-run]")
        page.get_by_test_id("problems").wait_for()

    return submit


def _log_in_wrongly(page: "Page") -> None:
    page.fill("[name=username]", "somebody")
    page.fill("[name=password]", "wrong")
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("alert").wait_for()


def _send_too_late(page: "Page") -> None:
    """Send a form whose page belongs to another session."""
    page.context.clear_cookies(name="csrftoken")
    page.get_by_role("button", name="Log in").evaluate("(button) => button.form.submit()")
    page.get_by_role("heading", name="This page has expired").wait_for()


def _show_shortcuts(page: "Page") -> None:
    page.keyboard.press("?")
    page.get_by_test_id("shortcut-sheet").wait_for()


def _send(name: str, content: bytes) -> "Callable[[Page], None]":
    def send(page: "Page") -> None:
        page.set_input_files("#upload-file", {"name": name, "mimeType": "text/csv", "buffer": content})
        page.get_by_role("button", name="Look at the file").click()

    return send


def _send_refused(page: "Page") -> None:
    _send("candles.zip", ZIP)(page)
    page.get_by_test_id("import-errors").wait_for()


def _send_slowly(page: "Page") -> None:
    line = page.context.new_cdp_session(page)
    limits = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": SLOW_BYTES}
    line.send("Network.emulateNetworkConditions", limits)
    _send("NOVA_1h.csv", ZIP.ljust(SLOW_FILE_BYTES))(page)
    page.locator("[data-words]", has_text="Sent ").wait_for()


def _go_to_gap(page: "Page") -> None:
    page.get_by_role("link", name="Go to gap").first.click()
    _see_chart(page, "missing")


def _go_to_trade(page: "Page") -> None:
    page.get_by_test_id("trades-table").locator("tbody tr").nth(3).locator("td").nth(5).click()
    _see_chart(page, "Trade ")


def _see_chart(page: "Page", words: str) -> None:
    """Wait until the price chart's caption has these words; it tells of the bar under the mouse, if there is one."""
    page.mouse.move(0, 0)
    page.get_by_test_id("price-chart").locator("[data-readout]", has_text=words).wait_for()


def _ring(page: "Page") -> None:
    page.locator("[data-bell]").click()
    page.get_by_test_id("toast").locator(".toast").wait_for()


def _ask_to_cancel(page: "Page") -> None:
    page.locator(".page-head [data-cancel]").click()
    page.locator("#cancel-dialog [data-yes]").wait_for()


def _select(page: "Page") -> None:
    for number in range(3):
        page.locator("#runs [name=r]").nth(number).check()


SCREENS = (
    # In this order: nothing is there at first, and what runs or waits comes last.
    Screen("data-empty", lambda _: "/data", is_bare=True),
    Screen("backtest-new-empty", lambda _: "/backtests/new", is_bare=True),
    Screen("runs-empty", lambda _: "/runs"),
    Screen("login", lambda _: "/login/", is_stranger=True),
    Screen("login-wrong", lambda _: "/login/", is_stranger=True, prepare=_log_in_wrongly),
    Screen("too-old", lambda _: "/login/", is_stranger=True, prepare=_send_too_late),
    Screen("data", lambda _: "/data"),
    Screen("data-import", lambda _: "/data/import"),
    Screen("import-refused", lambda _: "/data/import", prepare=_send_refused),
    Screen("import-sending", lambda _: "/data/import", prepare=_send_slowly),
    Screen("import-active", lambda content: content.imports.active),
    Screen("import-preview", lambda content: content.imports.preview),
    Screen("import-faulty", lambda content: content.imports.faulty),
    Screen("import-unnamed", lambda content: content.imports.unnamed),
    Screen("import-same", lambda content: content.imports.same),
    Screen("import-changing", lambda content: content.imports.changing),
    Screen("data-waiting", lambda content: content.imports.waiting),
    Screen("dataset", lambda _: "/data/ACME-SAMPLE-1h"),
    Screen("dataset-gap", lambda content: content.imports.stored, prepare=_go_to_gap),
    Screen("dataset-bars", lambda content: f"{content.imports.stored}?at=2023-03-03T18:00:00Z#bars"),
    Screen("download-new", lambda _: "/data/download"),
    Screen("download-completed", lambda content: content.downloads.completed),
    Screen("download-continue", lambda _: f"/data/download?dataset={DOWNLOADED}"),
    Screen("download-new-wrong", lambda _: f"/data/download?dataset={DOWNLOADED}", prepare=_wrongly("asset")),
    Screen("download-delete", lambda content: f"{content.downloads.completed}/delete"),
    Screen("download-failed", lambda content: content.downloads.failed),
    Screen("download-cancelled", lambda content: content.downloads.cancelled),
    Screen("download-waiting", lambda content: content.downloads.waiting),
    Screen("download-running", lambda content: content.downloads.running),
    Screen("download-cancel", lambda content: f"{content.downloads.running}/cancel"),
    Screen("download-pending", lambda content: content.downloads.pending),
    Screen("about", lambda _: "/about"),
    Screen("api", lambda _: "/api/docs"),
    Screen("shortcuts", lambda _: "/about", prepare=_show_shortcuts, is_window=True),
    Screen("administration", lambda _: "/admin/"),
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
    Screen("backtest-trade", lambda content: content.completed, prepare=_go_to_trade),
    Screen("backtest-trades", lambda content: f"{content.completed}/trades"),
    Screen("backtest-orders", lambda content: f"{content.completed}/orders"),
    Screen("backtest-equity", lambda content: f"{content.completed}/equity"),
    Screen("backtest-candles", lambda content: f"{content.completed}/candles"),
    Screen("backtest-new-identical", lambda content: f"/backtests/new?from={content.completed.rpartition('/')[2]}"),
    Screen("backtest-note", lambda content: f"/runs/{content.completed.rpartition('/')[2]}/note"),
    Screen("backtest-without-trades", lambda content: content.tradeless),
    Screen("backtest-outdated", lambda content: content.outdated),
    Screen("dataset-replaced", lambda content: content.imports.replaced),
    Screen("dataset-older", lambda content: content.imports.older),
    Screen("dataset-resampled", lambda content: content.imports.resampled),
    Screen("dataset-delete", lambda content: f"{content.imports.resampled}/delete"),
    Screen("dataset-delete-kept", lambda content: f"{content.used_dataset}/delete"),
    Screen("backtest-failed", lambda content: content.failed),
    Screen("backtest-delete", lambda content: f"{content.failed}/delete"),
    Screen("backtest-cancelled", lambda content: content.cancelled),
    Screen("backtest-log", lambda content: f"{content.failed}/log"),
    Screen("optimization-completed", lambda content: content.optimization_completed),
    Screen("optimization-parallel", lambda content: f"{content.optimization_completed}?tab=parallel"),
    Screen("optimization-slices", lambda content: f"{content.optimization_completed}?tab=slices"),
    Screen("optimization-settings", lambda content: f"{content.optimization_completed}?tab=settings"),
    Screen(
        "optimization-new-identical",
        lambda content: f"/optimizations/new?from={content.optimization_completed.rpartition('/')[2]}",
    ),
    Screen("optimization-delete", lambda content: f"{content.optimization_completed}/delete"),
    Screen("optimization-with-failures", lambda content: content.optimization_with_failures),
    Screen("optimization-retry", lambda content: f"{content.optimization_with_failures}/retry"),
    Screen("optimization-failed", lambda content: content.optimization_failed),
    Screen("optimization-cancelled", lambda content: content.optimization_cancelled),
    Screen("optimization-partial", lambda content: content.optimization_partial),
    Screen("trials", lambda content: f"{content.optimization_completed}/trials"),
    Screen("trials-filter-wrong", lambda content: f"{content.optimization_completed}/trials?q=sharp+%3E+1"),
    Screen("trial", lambda content: content.best_trial),
    Screen("comparison", lambda content: content.comparison),
    Screen("comparison-backtests", lambda content: content.backtest_comparison),
    Screen("comparison-empty", lambda _: "/compare"),
    Screen("trial-failed", lambda content: content.failed_trial),
    Screen("failures", lambda content: f"{content.optimization_with_failures}/failures"),
    Screen("backtest-running", lambda content: content.running),
    Screen("backtest-bell", lambda content: content.running, prepare=_ring, is_window=True),
    Screen("backtest-cancel", lambda content: f"{content.running}/cancel"),
    Screen("backtest-cancel-dialog", lambda content: content.running, prepare=_ask_to_cancel, is_window=True),
    Screen("backtest-pending", lambda content: content.pending),
    Screen("optimization-pending", lambda content: content.optimization_pending),
    Screen("runs", lambda content: content.everything),
    Screen("runs-selected", lambda content: content.everything, prepare=_select, is_window=True),
    Screen("runs-delete", lambda content: content.deletion),
    Screen("runs-no-match", lambda content: f"{content.everything}?q=nowhere"),
    Screen("optimization-running", lambda content: content.optimization_running),
    Screen("optimization-finish", lambda content: f"{content.optimization_running}/finish"),
    Screen("optimization-cancel", lambda content: f"{content.optimization_running}/cancel"),
)
