"""`manage.py bench pages`: how long a trader waits for the list of runs and for charts, in a real Chromium.

Each page is opened in a browser that has nothing of it, of a product that has answered it before. Pages are opened in
turn, round after round; medians are judged, the worst is told.
"""

import os
import statistics
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from algotrade.market.store import CandleStore
from runs.display.listing import ROWS_PER_PAGE, SORTS
from tests.bench.candles import NAMES, store_random_walk
from tests.bench.chromium import NoBrowser, chromium, session_of
from tests.bench.goals import Goal
from tests.bench.paint import HEIGHT, Paint, paint_of
from tests.bench.product import Product, wait_for

MINUTES = {**NAMES, "timeframe": "1m"}
OTHER_ASSETS = ("ACME", "SPY", "BTC-USDT", "ETH-USDT", "EURUSD")
"""What the stored runs ran on, a thousand hours of each."""
OTHER_BARS = 1_000
AXES = {"fast": {"values": [5, 10]}, "slow": {"values": [20, 50]}}
WORKERS = 1
RUN_SECONDS = 300.0
STORE_SECONDS = 600.0
MOST_SECONDS = 1.0
MOST_LIST_KILOBYTES = 200.0
MOST_SERIES_KILOBYTES = 150.0
TALL = 1_300
"""A price chart stands below the curves, and a page loads it when it is about to be seen."""
ROWS = {"rows": ".card:has(#runs tr) [data-testid=runs-range]"}
"""The line below the table: where it is, all rows are."""
PRICE = "[data-plot=price] canvas"
CURVES = {"equity": "[data-plot=equity] canvas", "drawdown": "[data-plot=drawdown] canvas"}

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Extent:
    """How much there is, and how often it is looked at.

    Attributes:
        n_runs: stored runs.
        n_bars: of the dataset and of the backtest whose charts are drawn.
        rounds: how often each page is opened.
    """

    n_runs: int = 10_000
    n_bars: int = 500_000
    rounds: int = 5


@dataclass(frozen=True, slots=True)
class View:
    """A page that is opened.

    Attributes:
        name: what a goal's line calls it.
        path: its address; RUN stands for the id of the backtest.
        wanted: what must be painted, selectors by name; see `paint_of`.
        series: what its scripts fetch, and what is drawn of it.
        height: of the window in which all that is wanted can be seen, pixels.
    """

    name: str
    path: str
    wanted: Mapping[str, str]
    series: Mapping[str, str] = field(default_factory=dict)
    height: int = HEIGHT


def measure(say: Say, extent: Extent = Extent(), make: Callable[..., Product] = Product) -> Iterator[Goal]:
    """Yield the goals once all is measured; `say` tells what is going on, `make` makes the product.

    Without a browser every goal is skipped, and says what to install.
    """
    views = [*_lists(extent), *_charts(extent)]
    try:
        paints, load = _measure(views, extent, say, make)
    except NoBrowser as error:
        yield from _goals(views, {view.name: [] for view in views}, str(error))
        return
    yield from _goals(views, paints, "")
    yield Goal("load average meanwhile, highest", load, note=f"{os.cpu_count()} cores; above that, everything waits")


def _lists(extent: Extent) -> Iterator[View]:
    """Yield the list as it is opened, late, filtered, searched, and sorted by whatever it can be sorted by."""
    late = extent.n_runs // ROWS_PER_PAGE * 3 // 4 + 1
    for name, query in (
        ("newest first", ""),
        (f"page {late}", f"?page={late}"),
        ("filtered", "?status=failed&kind=backtest&from=2025-01-01"),
        ("searched", "?q=spy"),
        *((f"sorted by {key}", f"?sort={'' if key == 'number' else '-'}{key}") for key in SORTS),
        ("sorted by duration, rising", "?sort=duration"),
    ):
        yield View(f"runs list, {name}", f"/runs{query}", ROWS)


def _charts(extent: Extent) -> Iterator[View]:
    yield View(
        f"dataset of {extent.n_bars:,} bars",
        f"/data/{'-'.join(MINUTES.values())}",
        {"candles": PRICE},
        {"candles.json": "candles"},
    )
    yield View(
        f"run over {extent.n_bars:,} bars",
        "/backtests/RUN",
        {**CURVES, "price": PRICE},
        {"series.json": "equity and drawdown", "candles.json": "price"},
        height=TALL,
    )


def _measure(
    views: Sequence[View], extent: Extent, say: Say, make: Callable[..., Product]
) -> tuple[dict[str, list[Paint]], float]:
    """Return how each view came up in each round, and the highest load average (of a minute) after a round.

    Raises:
        NoBrowser: nothing was started.
    """
    with chromium() as browser, tempfile.TemporaryDirectory(prefix="algotrade-bench-") as folder:
        home = Path(folder)
        say(f"{extent.n_bars:,} bars, {extent.n_runs:,} stored runs.")
        store = CandleStore(home / "candles")
        store_random_walk(store, extent.n_bars, timeframe=MINUTES["timeframe"])
        for asset in OTHER_ASSETS:
            store_random_walk(store, OTHER_BARS, asset=asset)
        with make(home, workers=WORKERS) as product:
            run_id = _furnish(product, extent.n_runs)
            session = session_of(browser, product)
            paints: dict[str, list[Paint]] = {view.name: [] for view in views}
            load = 0.0
            for number in range(extent.rounds + 1):
                say(f"Round {number} of {extent.rounds}." if number else "Opening each page once, to warm the product.")
                for view in views:
                    address = product.base_url + view.path.replace("RUN", run_id)
                    paints[view.name].append(paint_of(browser, session, address, view.wanted, height=view.height))
                load = max(load, os.getloadavg()[0])
    return {name: found[1:] for name, found in paints.items()}, load


def _furnish(product: Product, n_runs: int) -> str:
    """Execute a backtest and a small optimization, store copies of them, and return the backtest's id."""
    asked = {"strategy_name": "sma_cross", "commission": 0.0005}
    run_id = _completed(product, "backtests", {**asked, **MINUTES})
    _completed(product, "optimizations", {**asked, **NAMES, "asset": OTHER_ASSETS[0], "axes": AXES})
    code = f"from tests.bench.history import store_history; store_history({n_runs})"
    product.manage("shell", "-c", code, seconds=STORE_SECONDS)
    return run_id


def _completed(product: Product, kind: str, asked: Mapping[str, object]) -> str:
    """Submit a run, wait for its end, and return its id."""
    status, submitted = product.call("POST", f"/api/{kind}/", asked)
    if status != 202:
        raise RuntimeError(f"{status}: {submitted}")

    def ended() -> str:
        state: str = product.call("GET", f"/api/{kind}/{submitted['id']}/status")[1]["status"]
        return "" if state in ("pending", "running") else state

    if (state := wait_for(ended, RUN_SECONDS, f"the end of a run of {kind}")) != "completed":
        raise RuntimeError(f"A run of {kind} is {state}.")
    return str(submitted["id"])


def _goals(views: Sequence[View], paints: Mapping[str, Sequence[Paint]], reason: str) -> Iterator[Goal]:
    """Yield the goals of what was measured; where nothing was, they are skipped and tell the reason."""
    for view in views:
        yield from _goals_of(view, paints[view.name], reason)
    lists = [paints[view.name] for view in views if view.wanted is ROWS]
    firsts = [statistics.median(paint.first for paint in found) for found in lists if found]
    sizes = [paint.n_bytes / 1e3 for found in lists for paint in found]
    first, size = max(firsts, default=None), max(sizes, default=None)
    worst = max((paint.first for found in lists for paint in found), default=0.0)
    note = f"median of the slowest page, worst {worst:.2f} s" if lists[0] else reason
    yield Goal("runs list, first contentful paint", first, MOST_SECONDS, False, " s", note)
    yield Goal("runs list, largest answer", size, MOST_LIST_KILOBYTES, False, " kB", reason)


def _goals_of(view: View, found: Sequence[Paint], reason: str) -> Iterator[Goal]:
    for thing in view.wanted:
        seconds = [paint.seconds[thing] for paint in found]
        note = f"fastest {min(seconds):.2f} s, worst {max(seconds):.2f} s; {_about(found)}" if found else reason
        yield Goal(f"{view.name}: {thing} painted", _median(seconds), MOST_SECONDS, False, " s", note)
    for name, drawn in view.series.items():
        plain, sent = (_median([paint.fetched[name][at] / 1e3 for paint in found]) for at in (0, 1))
        note = f"{sent:,.1f} kB compressed, as sent" if sent else reason
        yield Goal(f"{view.name}: {drawn}, JSON", plain, MOST_SERIES_KILOBYTES, False, " kB", note)


def _about(found: Sequence[Paint]) -> str:
    """Return what stands beside the time of a page: where it went, and how large the page is."""
    first, answered = (statistics.median(getattr(paint, name) for paint in found) for name in ("first", "answered"))
    return f"first contentful paint {first:.2f} s, answer after {answered:.2f} s, {found[0].n_bytes / 1e3:,.0f} kB"


def _median(values: Sequence[float]) -> float | None:
    return statistics.median(values) if values else None
