"""Serve jobs until the parent is gone."""

import faulthandler
import importlib
import os
import resource
import signal
import sys
from pathlib import Path

from algotrade.lifeline import live_under_keeper
from algotrade.ports import Json
from algotrade.runner.backtests import backtest
from algotrade.runner.descriptions import describe
from algotrade.runner.downloads import download, exchanges
from algotrade.runner.pipe import Pipe
from algotrade.runner.trials import Trials


def main() -> None:
    """Serve the process that started this one."""
    parent, memory_bytes, cpu_seconds = (int(text) for text in sys.argv[1:4])
    serve(parent, memory_bytes, cpu_seconds)


def serve(parent: int, memory_bytes: int, cpu_seconds: int) -> None:
    """Bind the process to its parent, and do one job after the other.

    Args:
        parent: process id of the parent.
        memory_bytes: the address space; 0 does not limit it.
        cpu_seconds: processor time that one job may take; 0 does not limit it.
    """
    live_under_keeper(parent)
    _limit_memory(memory_bytes)
    pipe = Pipe()
    faulthandler.enable(file=2)  # a segfault then leaves the strategy's line in the log
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in the terminal is the parent's affair
    preload()
    trials = Trials(pipe)
    for job in pipe.jobs():
        _limit_processor(cpu_seconds)
        pipe.send(_answer(job, pipe, trials))


def _answer(job: Json, pipe: Pipe, trials: Trials) -> Json:
    match job["job"]:
        case "describe":
            return describe(job)
        case "backtest":
            return backtest(job, pipe)
        case "exchanges":
            return exchanges()
        case "download":
            return download(job, pipe)
        case "prepare":
            return trials.prepare(job)
        case _:
            return trials.evaluate(job)


def _limit_memory(memory_bytes: int) -> None:
    """Bound the address space, and leave no core files behind."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if memory_bytes:
        resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))


def _limit_processor(seconds: int) -> None:
    """Let the job that begins take so much processor time; what earlier ones took does not count."""
    if seconds:
        used = resource.getrusage(resource.RUSAGE_SELF)
        most = int(used.ru_utime + used.ru_stime) + 1 + seconds
        resource.setrlimit(resource.RLIMIT_CPU, (most, resource.getrlimit(resource.RLIMIT_CPU)[1]))


def preload() -> None:
    """Import what every job needs before the first one comes."""
    for name in ("algotrade.strategies", "algotrade.engine.backtest", "algotrade.metrics", "algotrade.market.store"):
        importlib.import_module(name)
    # Loading the compiled metrics takes a third of a second. Compiling them here would compete with the first run.
    if any(Path(os.environ.get("NUMBA_CACHE_DIR", os.devnull)).glob("*/stats_nb*.nbi")):
        importlib.import_module("algotrade.metrics.stats_nb")


if __name__ == "__main__":
    main()
