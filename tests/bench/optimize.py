"""`manage.py bench optimize`: trials a second through the product, beside the bare engine and the peers."""

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from algotrade.market.bars import Bars
from algotrade.market.store import CandleStore
from algotrade.ports import Json
from algotrade.resolve import resolve_optimization
from algotrade.strategies.catalog import Catalog
from tests.bench.bare import seconds_of_bare_engine
from tests.bench.candles import NAMES, store_random_walk
from tests.bench.environments import PeerMissing, run_peer
from tests.bench.goals import Goal
from tests.bench.page import OpenPage
from tests.bench.processes import below, command_of, resident_bytes
from tests.bench.product import Product, wait_for

N_BARS = 100_000
WORKERS = 2
ROUNDS = 3
GRID = {"fast": {"min": 2, "max": 101, "step": 1}, "slow": {"min": 102, "max": 201, "step": 1}}
"""10,000 trials, all of them valid, of 200 different averages."""
LARGE_GRID = {
    "fast": {"min": 2, "max": 199, "step": 1},
    "slow": {"min": 200, "max": 400, "step": 1},
    "side": {"values": ["long", "both"]},
}
LARGE_TRIALS = 100_000
PEER_GRID = {"backtesting.py": [(10, 30), (20, 50)], "vectorbt": [(10, 30), (20, 50), (30, 80), (50, 120), (80, 160)]}
RUN_SECONDS = 600.0
POLL_SECONDS = 0.25
"""How often a program asks how a run stands; each answer costs the machine that is being measured."""

Say = Callable[[str], None]


def measure(say: Say) -> Iterator[Goal]:
    """Yield the goals as they are measured; `say` tells what is going on."""
    with tempfile.TemporaryDirectory(prefix="algotrade-bench-") as folder:
        home = Path(folder)
        store = CandleStore(home / "candles")
        bars = store_random_walk(store, N_BARS)
        with Product(home, workers=WORKERS) as product:
            yield from _throughput(product, store, bars, say)
            yield from _scale(product, say)


def body(**fields: Any) -> Json:
    """Return a submission on the random walk."""
    return {"strategy_name": "sma_cross", **NAMES, "commission": 0.0005, **fields}


def _throughput(product: Product, store: CandleStore, bars: Bars, say: Say) -> Iterator[Goal]:
    say("Warming up: compiling strategy and metrics.")
    _run(product, body(axes={"fast": {"values": [5, 6]}, "slow": {"values": [50, 60]}}))
    ours, bare = [], []
    for number in range(ROUNDS):
        asked = body(axes=GRID, initial_cash=10_000 + number)  # another account: no trial is known already
        say(f"Round {number + 1} of {ROUNDS}: 10,000 trials by the bare engine, then through the product.")
        catalog = Catalog(product.home / "strategies", product.home / "cache" / "strategies")
        resolved = resolve_optimization(asked, catalog, store, max_combinations=10**6)
        spec, inputs = resolved.spec.to_dict(), resolved.inputs.to_dict()
        kernels = product.home / "cache" / "kernels"
        bare.append(seconds_of_bare_engine(product.home / "candles", kernels, spec, inputs, resolved.n_trials, WORKERS))
        ours.append(_run(product, asked, is_watched=True))
        say(f"  bare {bare[-1]:.2f} s, product {ours[-1]:.2f} s")
    rate = resolved.n_trials / statistics.median(ours)
    note = f"{resolved.n_trials:,} trials x {N_BARS:,} bars, rows stored, page open, {WORKERS} workers"
    yield Goal("trials a second through the product", rate, 1_000.0, note=note)
    ratio = statistics.median(ours) / statistics.median(bare)
    yield Goal("product against the bare engine, time", ratio, 1.5, is_at_least=False, unit="x")
    yield Goal("trials a second of the bare engine", resolved.n_trials / statistics.median(bare))
    for name in PEER_GRID:
        yield _peer(name, bars, rate, say)


def _peer(name: str, bars: Bars, rate: float, say: Say) -> Goal:
    grid = PEER_GRID[name]
    say(f"Running {len(grid)} of the trials in {name}, in an environment of its own.")
    label = f"faster than {name}"
    try:
        seconds = float(run_peer(name, bars, grid)["seconds_per_trial"])
    except PeerMissing as error:
        return Goal(label, None, note=str(error))
    return Goal(
        label, rate * seconds, unit="x", note=f"{seconds * 1e3:,.1f} ms a trial, a sample of {len(grid)}, 1 process"
    )


def _scale(product: Product, say: Say) -> Iterator[Goal]:
    """Measure a table of 100,000 trials: memory of the workers, first paint, sorting and filtering."""
    say(f"{LARGE_TRIALS:,} trials x 2,000 bars.")
    asked = body(axes=LARGE_GRID, method="random", max_trials=LARGE_TRIALS, end="2010-03-24T07:00:00Z")
    status, submitted = product.call("POST", "/api/optimizations/", asked)
    if status != 202:
        raise RuntimeError(f"{status}: {submitted}")
    run_id = submitted["id"]
    early = 0
    began = time.monotonic()
    while (standing := _status(product, run_id))["status"] in ("pending", "running"):
        if not early and standing["completed_combinations"] >= LARGE_TRIALS // 10:
            early = _memory(product)
        if time.monotonic() - began > RUN_SECONDS:
            raise TimeoutError(f"{LARGE_TRIALS:,} trials did not end within {RUN_SECONDS:g} s.")
        time.sleep(0.5)
    late = _memory(product)
    note = f"{early / 1e6:,.0f} MB at a tenth, {late / 1e6:,.0f} MB at the end, all workers and children"
    yield Goal(
        "memory of the workers, end against a tenth", late / max(early, 1), 1.05, is_at_least=False, unit="x", note=note
    )
    browser = product.browser()
    seconds, n_bytes = _timed(lambda: browser.get(f"/optimizations/{run_id}"))
    yield Goal("page of 100,000 trials, first answer", seconds, 1.0, is_at_least=False, unit=" s")
    yield Goal("page of 100,000 trials, size", n_bytes / 1e3, 300.0, is_at_least=False, unit=" kB")
    for label, query in (("sort", "sort=-total_return"), ("filter", "q=sharpe_ratio+%3E+0.1+and+trades+%3E+50")):
        path = f"/optimizations/{run_id}/trials?{query}"
        part = partial(browser.get, path, **{"HX-Request": "true"})
        times = sorted(_timed(part)[0] for _ in range(5))
        yield Goal(f"{label} of 100,000 trials, slowest of 5", times[-1] * 1e3, 500.0, is_at_least=False, unit=" ms")


def _timed(get: Callable[[], bytes]) -> tuple[float, int]:
    began = time.perf_counter()
    data = get()
    return time.perf_counter() - began, len(data)


def _memory(product: Product) -> int:
    """Return the resident bytes of the workers and of their children."""
    assert product.process is not None
    theirs = (" worker ", "algotrade.runner")
    pids = below(product.process.pid)
    return sum(resident_bytes(pid) for pid in pids if any(part in command_of(pid) for part in theirs))


def _status(product: Product, run_id: str) -> Json:
    body: Json = product.call("GET", f"/api/optimizations/{run_id}/status")[1]
    return body


def _run(product: Product, asked: Json, *, is_watched: bool = False) -> float:
    """Submit an optimization and return the seconds from the submission to its end."""
    began = time.perf_counter()
    status, submitted = product.call("POST", "/api/optimizations/", asked)
    if status != 202:
        raise RuntimeError(f"{status}: {submitted}")

    def ended() -> Json | None:
        standing = _status(product, submitted["id"])
        return standing if standing["status"] not in ("pending", "running") else None

    if is_watched:
        with OpenPage(product, submitted["id"]):
            standing = wait_for(ended, RUN_SECONDS, "the end of the optimization", POLL_SECONDS)
    else:
        standing = wait_for(ended, RUN_SECONDS, "the end of the optimization", POLL_SECONDS)
    seconds = time.perf_counter() - began
    if standing["status"] != "completed" or standing["reused_combinations"]:
        raise RuntimeError(f"The optimization did not run as it should: {standing}")
    return seconds
