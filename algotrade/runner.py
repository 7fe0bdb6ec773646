"""The child in which strategies run: `python -m algotrade.runner PARENT_PID MEMORY_BYTES`.

It reads one JSON job per line and answers with JSON lines: phases, progress, and one last message (`done`, `failed` or
`stopped`). It knows no Django, no database and no secret, and it dies with its parent. Whatever a strategy does to this
process (a segfault, an endless loop, all memory) ends this process only. A child serves one set of sources: modules of
two versions of a strategy never meet.
"""

import faulthandler
import importlib
import json
import os
import resource
import select
import signal
import sys
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from algotrade.errors import RunCancelled
from algotrade.lifeline import die_with
from algotrade.ports import Json, StrideView

SECONDS_BETWEEN_MESSAGES = 0.1
CURVE_POINTS = 250
"""Points of the growing curve; three columns of them stay below 16 kB of JSON."""
TRACE_CHARACTERS = 64 * 1024


class Pipe:
    """The two ends of the conversation with the parent."""

    def __init__(self) -> None:
        """Take over standard input and output: a strategy's own prints go to standard error, its reads find nothing."""
        self._in, self._out = os.dup(0), os.dup(1)
        with open(os.devnull, "rb") as nothing:
            os.dup2(nothing.fileno(), 0)
        os.dup2(2, 1)
        self._pending = b""

    def send(self, message: Json) -> None:
        """Send one message, whole."""
        data = json.dumps(message, allow_nan=False).encode() + b"\n"
        while data:
            data = data[os.write(self._out, data) :]

    def jobs(self) -> Iterator[Json]:
        """Yield jobs until the parent closes its end."""
        while (line := self._line()) is not None:
            message = json.loads(line)
            if not message.get("stop"):  # a stop that came after the end of its job
                yield message

    def is_told_to_stop(self) -> bool:
        """Tell, without waiting, whether the parent said stop."""
        if b"\n" not in self._pending and not select.select([self._in], [], [], 0)[0]:
            return False
        line = self._line()
        return line is None or bool(json.loads(line).get("stop"))

    def _line(self) -> bytes | None:
        while b"\n" not in self._pending:
            chunk = os.read(self._in, 1 << 16)
            if not chunk:
                return None
            self._pending += chunk
        line, self._pending = self._pending.split(b"\n", 1)
        return line


class PipeSink:
    """Tells the parent what the engine tells, at most ten times a second, and stops the engine when told to."""

    def __init__(self, pipe: Pipe) -> None:
        """Send to `pipe`."""
        self._pipe = pipe
        self._next = 0.0
        self._withheld: StrideView | None = None
        self._began: float | None = None
        self._time: list[int] = []
        self._hold: list[float] = []
        self._step = 1

    def watch(self, time_ns: Any, close: Any, initial_cash: float) -> None:
        """Prepare what is known before the first bar: bar times, and what holding would have made."""
        self._step = max(1, -(-len(close) // CURVE_POINTS))
        self._times_ns = time_ns
        self._growth = close / close[:1] * initial_cash  # a range without bars is the engine's to refuse

    def phase(self, name: str) -> None:
        """Send the phase at once."""
        if name == "running_backtest":
            self._began = time.monotonic()
        self._pipe.send({"phase": name})
        self._stop_if_told()

    def advance(self, view: StrideView) -> None:
        """Send the progress when the last message is old enough, or all is done."""
        self._stop_if_told()
        now = time.monotonic()
        self._withheld = view
        if now >= self._next or view.processed == view.total:
            self._next = now + SECONDS_BETWEEN_MESSAGES
            self.tell_withheld()

    def tell_withheld(self) -> None:
        """Send the progress that no message told yet."""
        view, self._withheld = self._withheld, None
        if view is None:
            return
        now = time.monotonic()
        elapsed = now - (self._began or now)
        self._pipe.send(
            {
                "processed": view.processed,
                "live": {
                    "rate": round(view.processed / elapsed, 1) if elapsed > 0 else None,
                    "sim_time": int(self._times_ns[view.processed - 1]),
                    "equity": round(float(view.equity[-1]), 2),
                    "trades": view.n_trades,
                    "curve": self._curve(view),
                },
            }
        )

    def _curve(self, view: StrideView) -> Json:
        """Return every n-th point and the newest, as columns."""
        rows = list(range(0, view.processed, self._step))
        if rows[-1] != view.processed - 1:
            rows.append(view.processed - 1)
        return {
            "time": [int(self._times_ns[row]) // 1_000_000_000 for row in rows],
            "equity": [round(float(view.equity[row]), 2) for row in rows],
            "hold": [round(float(self._growth[row]), 2) for row in rows],
        }

    def _stop_if_told(self) -> None:
        if self._pipe.is_told_to_stop():
            raise RunCancelled


def main() -> None:
    """Serve jobs until the parent is gone."""
    parent, memory_bytes = int(sys.argv[1]), int(sys.argv[2])
    die_with(parent)
    _limit(memory_bytes)
    pipe = Pipe()
    faulthandler.enable(file=2)  # a segfault then leaves the strategy's line in the log
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in the terminal is the parent's affair
    _preload()
    for job in pipe.jobs():
        pipe.send(_describe(job) if job["job"] == "describe" else _backtest(job, pipe))


def _limit(memory_bytes: int) -> None:
    """Bound the address space, and leave no core files behind."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if memory_bytes:
        resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))


def _preload() -> None:
    """Import what every job needs before the first one comes."""
    for name in ("algotrade.strategies", "algotrade.engine.backtest", "algotrade.metrics", "algotrade.market.store"):
        importlib.import_module(name)
    # Loading the compiled metrics takes a third of a second. Compiling them here would compete with the first run.
    if any(Path(os.environ.get("NUMBA_CACHE_DIR", os.devnull)).glob("*/stats_nb*.nbi")):
        importlib.import_module("algotrade.metrics.stats_nb")


def _load(source: str, module: str) -> Any:
    """Import a strategy's module from its archived sources; later imports find its own modules there, too."""
    if source not in sys.path:
        sys.path.insert(0, source)
    sys.dont_write_bytecode = True
    importlib.invalidate_caches()
    return importlib.import_module(module)


def _forget(source: str) -> None:
    """Undo `_load`, so that the next job starts from nothing."""
    sys.path[:] = [entry for entry in sys.path if entry != source]
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", "") or "").startswith(source + os.sep):
            del sys.modules[name]


def _describe(job: Json) -> Json:
    """Answer what a strategy says of itself, or why it does not import."""
    from algotrade.strategies.base import description_of, strategy_class

    try:
        return description_of(strategy_class(_load(job["source"], job["module"])))
    except BaseException as error:  # noqa: BLE001 - a file may raise SystemExit or worse: it is told like any error
        return {"error": f"{type(error).__name__}: {error}\n{_trace(error, job['source'])}"}
    finally:
        _forget(job["source"])


def _backtest(job: Json, pipe: Pipe) -> Json:
    """Run one backtest and write its arrays; answer metrics, or what went wrong."""
    sink = PipeSink(pipe)
    try:
        return {"done": _run(job, sink)}
    except RunCancelled:
        return {"stopped": True}
    except BaseException as error:  # noqa: BLE001 - SystemExit of a strategy is a failed run, not a lost worker
        sink.tell_withheld()
        return {"failed": failure(error, job)}


def _run(job: Json, sink: PipeSink) -> Json:
    from algotrade.engine.backtest import run_backtest
    from algotrade.market.instruments import Instrument
    from algotrade.market.store import CandleStore
    from algotrade.metrics import compute_metrics
    from algotrade.spec import BacktestSpec, RunInputs
    from algotrade.strategies.base import strategy_class

    sink.phase("loading_data")
    spec, inputs = BacktestSpec.from_dict(job["spec"]), RunInputs.from_dict(job["inputs"])
    store = CandleStore(Path(job["store"]))
    dataset = store.get(spec.asset, spec.exchange, spec.timeframe, version=inputs.dataset_hash)
    bars = store.load(dataset)
    first, last = bars.between(spec.start_ns, spec.end_ns)
    sink.watch(bars.time[first:last], bars.close[first:last], spec.initial_cash)
    strategy = None
    try:
        strategy = strategy_class(_load(job["source"], job["module"]))
        result = run_backtest(
            strategy,
            spec,
            bars,
            Instrument(asset=spec.asset, exchange=spec.exchange, **inputs.instrument),
            cache_dir=Path(job["kernels"]),
            sink=sink,
            source_hash=inputs.source_hash,
        )
    finally:
        if strategy is None or not strategy.compiled:  # what its on_bar counted or kept must not reach the next run
            _forget(job["source"])
    sink.phase("computing_metrics")
    report = compute_metrics(
        result,
        initial_cash=spec.initial_cash,
        days_per_year=dataset.days_per_year,
        risk_free_rate=spec.risk_free_rate,
        asset=spec.asset,
        currency=str(inputs.instrument["currency"]),
    )
    out = Path(job["out"])
    out.mkdir(parents=True)
    result.save(out)
    return {"metrics": report.values, "reasons": report.reasons, "findings": list(report.findings)}


def failure(error: BaseException, job: Json) -> Json:
    """Return an error as the run's row keeps it: type, message, trace, detail."""
    from algotrade.engine.failures import StrategyFailure

    if isinstance(error, StrategyFailure):
        return {
            "type": error.error_type,
            "message": error.message[:2_000],
            "trace": error.trace,
            "detail": error.detail,
        }
    return {
        "type": type(error).__name__,
        "message": str(error)[:2_000] or type(error).__name__,
        "trace": _trace(error, job["source"]),
        "detail": {"parameters": job["spec"]["parameters"]},
    }


def _trace(error: BaseException, source: str) -> str:
    """Return the traceback with paths told from the strategies folder, not from the archive."""
    text = "".join(traceback.format_exception(error))
    return text.replace(source + os.sep, "strategies" + os.sep)[-TRACE_CHARACTERS:]


if __name__ == "__main__":
    main()
