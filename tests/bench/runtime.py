"""`manage.py bench runtime`: submission to run, cancel to a free core, a thousand pages that watch."""

import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings

from algotrade.market.store import CandleStore
from algotrade.ports import Json
from tests.bench.candles import NAMES, store_random_walk
from tests.bench.goals import Goal
from tests.bench.processes import below, command_of, cpu_seconds, resident_bytes
from tests.bench.product import Product, wait_for
from tests.bench.viewers import Viewers

N_BARS = 20_000
WORKERS = 2
RUN_SECONDS = 120.0
PROCESSES_OF_A_CHILD = 2
"""The strategy's own, and its keeper above it."""

ENDLESS = '''
from algotrade.strategies import Strategy


class Endless(Strategy):
    """Never come to an end."""

    compiled = False

    @staticmethod
    def on_bar(bars, ind, params, broker):
        while True:
            pass
'''

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Extent:
    """How much is done of each.

    Attributes:
        submissions: of backtests, by `parallel` clients.
        parallel: clients that submit without a pause.
        starts: submissions to idle workers.
        cancels: of an endless strategy.
        sockets: pages that watch.
        seconds: how long they do.
    """

    submissions: int = 200
    parallel: int = 20
    starts: int = 15
    cancels: int = 5
    sockets: int = 1_000
    seconds: float = 10.0


def measure(say: Say, extent: Extent = Extent(), make: Callable[..., Product] = Product) -> Iterator[Goal]:
    """Yield the goals as they are measured; `say` tells what is going on, `make` makes the product."""
    with tempfile.TemporaryDirectory(prefix="algotrade-bench-") as folder:
        home = Path(folder)
        store_random_walk(CandleStore(home / "candles"), N_BARS)
        (home / "strategies").mkdir()
        (home / "strategies" / "endless.py").write_text(ENDLESS)
        with make(home, workers=WORKERS) as product:
            say("Warming up: compiling strategy and metrics.")
            _ended(product, _submit(product, initial_cash=1_000)["id"])
            yield from _submitting(product, extent, say)
            yield _starting(product, extent.starts, say)
            yield _cancelling(product, extent.cancels, say)
            yield from _watching(product, extent, say)


def _submit(product: Product, **fields: Any) -> Json:
    status, submitted = product.call("POST", "/api/backtests/", {"strategy_name": "sma_cross", **NAMES, **fields})
    if status != 202:
        raise RuntimeError(f"{status}: {submitted}")
    answer: Json = submitted
    return answer


def _ended(product: Product, run_id: str) -> Json:
    """Return how a run stands once it has completed."""

    def ended() -> Json | None:
        standing: Json = product.call("GET", f"/api/backtests/{run_id}/status")[1]
        return standing if standing["status"] not in ("pending", "running") else None

    standing = wait_for(ended, RUN_SECONDS, "the end of a backtest")
    if standing["status"] != "completed":
        raise RuntimeError(f"The backtest did not run as it should: {standing}")
    return standing


def _submitting(product: Product, extent: Extent, say: Say) -> Iterator[Goal]:
    say(f"{extent.submissions} submissions, {extent.parallel} at a time, while the workers execute them.")

    def timed(number: int) -> tuple[float, str]:
        began = time.perf_counter()
        submitted = _submit(product, initial_cash=2_000 + number)
        return time.perf_counter() - began, submitted["id"]

    with ThreadPoolExecutor(extent.parallel) as pool:
        answers = list(pool.map(timed, range(extent.submissions)))
    seconds = [second for second, _ in answers]
    note = f"median {statistics.median(seconds) * 1e3:.0f} ms"
    yield Goal("submission to 202, 95th percentile", _at(seconds, 0.95) * 1e3, 100.0, False, " ms", note)
    for _, run_id in answers:
        _ended(product, run_id)


def _starting(product: Product, n_starts: int, say: Say) -> Goal:
    say(f"{n_starts} submissions to idle workers.")
    seconds = []
    for number in range(n_starts):
        standing = _ended(product, _submit(product, initial_cash=5_000 + number)["id"])
        created, started = (datetime.fromisoformat(standing[name]) for name in ("created_at", "started_at"))
        seconds.append((started - created).total_seconds())
    note = f"slowest {max(seconds) * 1e3:.0f} ms"
    return Goal("submission to running, idle workers, median", statistics.median(seconds), 0.2, False, " s", note)


def _cancelling(product: Product, n_cancels: int, say: Say) -> Goal:
    say(f"{n_cancels} cancels of a strategy that never returns.")
    seconds = [_cancel(product, number) for number in range(n_cancels)]
    note = f"median {statistics.median(seconds):.2f} s"
    return Goal("cancel to process gone, endless loop, slowest", max(seconds), 1.0, False, " s", note)


def _cancel(product: Product, number: int) -> float:
    """Return the seconds from a cancel until the process of an endless strategy, and its keeper, are gone."""
    submitted = _submit(product, strategy_name="endless", initial_cash=7_000 + number)
    path = f"/api/backtests/{submitted['id']}"

    def is_in_the_loop() -> bool:
        return bool(product.call("GET", f"{path}/status")[1]["phase"] == "running_backtest")

    wait_for(is_in_the_loop, RUN_SECONDS, "the endless loop")
    children = _children(product)
    began = time.perf_counter()
    status, answer = product.call("POST", f"{path}/cancel")
    if status != 200:
        raise RuntimeError(f"{status}: {answer}")

    def is_gone() -> bool:
        return sum(not command_of(pid) for pid in children) >= PROCESSES_OF_A_CHILD

    wait_for(is_gone, RUN_SECONDS, "the end of the process", 0.005)
    return time.perf_counter() - began


def _children(product: Product) -> list[int]:
    assert product.process is not None
    return [pid for pid in below(product.process.pid) if "algotrade.runner" in command_of(pid)]


def _watching(product: Product, extent: Extent, say: Say) -> Iterator[Goal]:
    n_sockets = extent.sockets
    say(f"{n_sockets:,} pages watch 10 runs that tell their progress 4 times a second.")
    web = _web(product)
    environment = {**product.environment, "DJANGO_SETTINGS_MODULE": "algotrade.settings"}
    with subprocess.Popen(
        [sys.executable, "-m", "tests.bench.pulse", str(extent.seconds)],
        cwd=settings.BASE_DIR,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as pulse:
        viewers, written, cpu, seconds, n_bytes = asyncio.run(_watch(product, pulse, web, n_sockets))
    latencies = [at - written[run_id, rev] for run_id, rev, at in viewers.arrivals if (run_id, rev) in written]
    if not latencies:
        raise RuntimeError("No page was told anything.")
    note = f"{len(latencies):,} states in {seconds:.0f} s, median {statistics.median(latencies) * 1e3:.0f} ms"
    yield Goal(f"update to {n_sockets:,} pages, 99th percentile", _at(latencies, 0.99), 1.0, False, " s", note)
    yield Goal(f"web server with {n_sockets:,} pages, of a core", cpu / seconds * 100, unit=" %")
    yield Goal("memory for each page that watches", n_bytes / n_sockets / 1e3, 100.0, False, " kB")
    yield Goal("pages that were cut off", float(viewers.n_lost), 0.0, False)


async def _watch(
    product: Product, pulse: "subprocess.Popen[str]", web: int, n_sockets: int
) -> tuple[Viewers, dict[tuple[str, int], float], float, float, int]:
    """Return the viewers, when each state was written, and what the web server used: CPU, over seconds, memory."""
    assert pulse.stdin is not None
    assert pulse.stdout is not None
    viewers = Viewers(product.base_url, product.browser())
    idle = resident_bytes(web)
    await viewers.open(json.loads(pulse.stdout.readline()), n_sockets)
    n_bytes = max(0, resident_bytes(web) - idle)
    written: dict[tuple[str, int], float] = {}
    cpu, began = cpu_seconds(web), time.monotonic()
    pulse.stdin.write("\n")
    pulse.stdin.flush()
    while told := json.loads(await asyncio.to_thread(pulse.stdout.readline)):
        run_id, rev, at = told
        written[run_id, rev] = at
    cpu, seconds = cpu_seconds(web) - cpu, time.monotonic() - began
    await viewers.close()
    pulse.stdin.close()
    return viewers, written, cpu, seconds, n_bytes


def _web(product: Product) -> int:
    assert product.process is not None
    return next(pid for pid in below(product.process.pid) if " web " in command_of(pid))


def _at(values: list[float], share: float) -> float:
    """Return the value below which a share of all values lies."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]
