"""Paint times, as the browser tells them: a page opened afresh, with nothing in its cache."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.bench.chromium import settle

if TYPE_CHECKING:
    from playwright.sync_api import Browser

SCRIPT = Path(__file__).with_name("paint.js")
WIDTH, HEIGHT = 1440, 900
PATIENCE_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Paint:
    """How one page came up; seconds count from the start of its navigation.

    Attributes:
        seconds: until each wanted thing was painted, by its name.
        first: seconds until the first text or picture was (first contentful paint).
        answered: seconds from the request to the first byte of the answer.
        n_bytes: of the page's HTML.
        fetched: bytes of what scripts fetched for it, as JSON and as sent, by the last part of its address.
    """

    seconds: Mapping[str, float]
    first: float
    answered: float
    n_bytes: int
    fetched: Mapping[str, tuple[int, int]]


def paint_of(
    browser: "Browser", session: Any, address: str, wanted: Mapping[str, str], *, height: int = HEIGHT
) -> Paint:
    """Open a page in a browser that has nothing of it, and return how it came up.

    Args:
        browser: in which a context of its own is made.
        session: the cookies of somebody who is logged in.
        address: of the page.
        wanted: what must be painted, selectors by name. An element is when it is in the page, whole; a canvas when
            something coloured is on it, and not just paper, axes and grid.
        height: of the window, in pixels; it is WIDTH wide.

    Raises:
        playwright.sync_api.Error: it did not come up within PATIENCE_SECONDS.
        RuntimeError: the page answers with an error.
    """
    context = browser.new_context(storage_state=session, viewport={"width": WIDTH, "height": height})
    try:
        page = context.new_page()
        patience = PATIENCE_SECONDS * 1e3
        page.set_default_timeout(patience)
        page.add_init_script(f"({SCRIPT.read_text()})({json.dumps(dict(wanted))}, {patience:.0f})")
        settle()
        answer = page.goto(address, wait_until="commit")
        if answer is None or answer.status != 200:
            raise RuntimeError(f"{address} answers {answer and answer.status}, and not 200.")
        told = page.evaluate("() => globalThis.benchPaint")
    finally:
        context.close()
    fetched: dict[str, tuple[int, int]] = {}
    for path, plain, sent in told["fetched"]:
        before = fetched.get(name := path.rpartition("/")[2], (0, 0))
        fetched[name] = before[0] + plain, before[1] + sent
    return Paint(
        seconds={name: milliseconds / 1e3 for name, milliseconds in told["painted"].items()},
        first=told["first"] / 1e3,
        answered=told["answered"] / 1e3,
        n_bytes=told["bytes"],
        fetched=fetched,
    )
