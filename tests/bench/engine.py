"""`manage.py bench engine`: the loop's price per bar, a whole backtest beside the peers, and what surrounds it.

Peers run in environments of their own; one that cannot be installed is skipped, and the line says why.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from algotrade.engine.backtest import Backtester
from algotrade.engine.execution import Recorders
from algotrade.engine.failures import StrategyFailure
from algotrade.market.bars import Bars
from algotrade.market.store import CandleStore
from algotrade.metrics import compute_metrics
from algotrade.ports import NullSink
from algotrade.spec import BacktestSpec
from algotrade.strategies.sma_cross import SmaCross
from tests.bench.candles import COMMISSION, INSTRUMENT, MINUTE_NS, random_walk, spec_of, store_random_walk
from tests.bench.environments import PeerMissing, run_peer
from tests.bench.goals import Goal
from tests.bench.late_failure import LateFailure

YEAR_OF_MINUTES = 525_600
FIRST_BARS = 10_000
"""Bars of the first backtest of a new process."""
ROUNDS = 7
FAST, SLOW = 20, 50
DAYS_PER_YEAR = 365.0
PEER_BARS = {"backtesting.py": YEAR_OF_MINUTES, "vectorbt": YEAR_OF_MINUTES, "backtrader": 50_000}
"""Bars that each peer gets; where they are fewer than a year's, its time is scaled by bars, and the line says so."""
PEER_TARGETS = {"backtesting.py": 200.0, "vectorbt": 5.0, "backtrader": None}

Say = Callable[[str], None]


def measure(say: Say, *, n_bars: int = YEAR_OF_MINUTES, rounds: int = ROUNDS, peers: bool = True) -> Iterator[Goal]:
    """Yield the goals as they are measured.

    Args:
        say: tells what is going on.
        n_bars: bars of the year of minutes.
        rounds: how often each of two things is done in turn; medians are told.
        peers: whether other programs are measured, too.
    """
    bars = random_walk(n_bars, bar_ns=MINUTE_NS)
    with tempfile.TemporaryDirectory(prefix="algotrade-bench-") as folder:
        kernels = Path(folder) / "kernels"
        yield _loop(bars, kernels, rounds, say)
        seconds = _whole_run(bars, kernels, rounds, say)
        yield Goal("one backtest with all metrics", seconds * 1e3, unit=" ms", note=f"{n_bars:,} bars")
        for name in PEER_BARS if peers else ():
            yield _peer(name, bars, seconds, say)
        yield from _first_results(Path(folder), rounds, say)
        yield _failing_line(bars, kernels, rounds, say)


def _loop(bars: Bars, kernels: Path, rounds: int, say: Say) -> Goal:
    """Compare the loop, indicators given, with the least that such a backtest can do."""
    from tests.bench.minimal import run_minimal_loop

    say(f"The loop against the minimal loop, {rounds} rounds of {len(bars):,} bars.")
    backtester = Backtester(SmaCross, bars, INSTRUMENT, cache_dir=kernels)
    spec = spec_of(bars, {"fast": FAST, "slow": SLOW, "side": "long"})
    ours, least = [], []
    recorders, equity = Recorders(), np.empty(len(bars))  # both write into memory that they have, as trials do
    for _ in range(rounds + 1):
        execution, loop = backtester.prepare(spec, recorders=recorders)
        ours.append(_seconds(lambda: execution.stride_through(loop, NullSink(), len(bars))))  # noqa: B023 - called at once
        least.append(
            _seconds(lambda: run_minimal_loop(bars.open, bars.close, FAST, SLOW, 10_000.0, COMMISSION, equity))
        )
    mine, minimal = (statistics.median(times[1:]) / len(bars) * 1e9 for times in (ours, least))
    note = f"{mine:.2f} ns a bar against {minimal:.2f}"
    return Goal("loop against the minimal loop, time", mine / minimal, 2.0, is_at_least=False, unit="x", note=note)


def _whole_run(bars: Bars, kernels: Path, rounds: int, say: Say) -> float:
    """Return the seconds of a backtest from the candles to every metric, indicators included."""
    say(f"Whole backtests of {len(bars):,} bars with indicators and all metrics.")
    spec = spec_of(bars, {"fast": FAST, "slow": SLOW, "side": "long"})

    def run() -> None:
        result = Backtester(SmaCross, bars, INSTRUMENT, cache_dir=kernels).run(spec)
        compute_metrics(result, initial_cash=spec.initial_cash, days_per_year=DAYS_PER_YEAR, risk_free_rate=0.0)

    return statistics.median([_seconds(run) for _ in range(rounds + 1)][1:])


def _peer(name: str, bars: Bars, seconds: float, say: Say) -> Goal:
    count = min(PEER_BARS[name], len(bars))
    say(f"The same in {name}, in an environment of its own: {count:,} bars.")
    label = f"one backtest, faster than {name}"
    try:
        found = float(run_peer(name, bars.slice(0, count), [(FAST, SLOW)])["seconds_per_trial"])
    except PeerMissing as error:
        return Goal(label, None, note=str(error))
    note = f"{found:,.2f} s for {count:,} bars" + (", scaled" if count < len(bars) else "")
    return Goal(label, found * len(bars) / count / seconds, PEER_TARGETS[name], unit="x", note=note)


def _first_results(folder: Path, rounds: int, say: Say) -> Iterator[Goal]:
    """Measure a new process from its start to the metrics of its first backtest, compiled before or not."""
    say("First results of new processes.")
    store_random_walk(CandleStore(folder / "candles"), FIRST_BARS)
    kernels = folder / "first"
    _first_result(folder, kernels)  # the metrics, compiled once for a product
    cold = [_first_result(folder, folder / f"kernels-{number}") for number in range(max(1, rounds // 3))]
    warm = [_first_result(folder, kernels) for _ in range(rounds)]
    yield Goal("first result of a new process", statistics.median(warm), 0.6, is_at_least=False, unit=" s")
    compiling = statistics.median(cold) - statistics.median(warm)
    yield Goal("compiling a new strategy", compiling, 3.0, is_at_least=False, unit=" s")


def _first_result(folder: Path, kernels: Path) -> float:
    command = [sys.executable, "-m", "tests.bench.first_result", str(folder / "candles"), str(kernels)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    here = Path(__file__).resolve().parents[2]
    return _seconds(lambda: subprocess.run(command, check=True, cwd=here, env=environment, stdout=subprocess.DEVNULL))


def _failing_line(bars: Bars, kernels: Path, rounds: int, say: Say) -> Goal:
    """Compare a backtest that fails at its last bar, told exactly, with one that does not fail."""
    say("What telling the failing line costs.")
    backtester = Backtester(LateFailure, bars, INSTRUMENT, cache_dir=kernels)
    specs = [spec_of(bars, {"length": FAST, "failing": failing}) for failing in (0, len(bars))]
    well, failing = [], []
    for _ in range(rounds + 1):
        well.append(_seconds(lambda: backtester.run(specs[0])))
        failing.append(_seconds(lambda: _fail(backtester, specs[1])))
    extra = (statistics.median(failing[1:]) - statistics.median(well[1:])) * 1e3
    return Goal("telling the failing line, extra time", extra, 50.0, is_at_least=False, unit=" ms")


def _fail(backtester: Backtester, spec: BacktestSpec) -> None:
    try:
        backtester.run(spec)
    except StrategyFailure:
        return
    raise AssertionError("the strategy did not fail")


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
