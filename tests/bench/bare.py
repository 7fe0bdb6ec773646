"""The bare engine: the same trials in two processes, without queue, rows, pages or progress."""

import multiprocessing
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from algotrade.ports import Json

WARM_TRIALS = 3


def seconds_of_bare_engine(store: Path, kernels: Path, spec: Json, inputs: Json, n_trials: int, workers: int) -> float:
    """Return the wall seconds that `workers` processes take for all trials, once their kernels are loaded."""
    context = multiprocessing.get_context("spawn")
    with context.Manager() as manager:
        barrier = manager.Barrier(workers + 1)
        with ProcessPoolExecutor(workers, mp_context=context) as pool:
            parts = [range(n, n_trials, workers) for n in range(workers)]
            jobs = [pool.submit(_evaluate, barrier, store, kernels, spec, inputs, part) for part in parts]
            barrier.wait()
            began = time.perf_counter()
            for job in jobs:
                job.result()
            return time.perf_counter() - began


def _evaluate(barrier: Any, store: Path, kernels: Path, spec: Json, inputs: Json, numbers: range) -> None:
    from algotrade.market.store import CandleStore
    from algotrade.optimize.evaluator import TrialEvaluator
    from algotrade.spec import OptimizationInputs, OptimizationSpec
    from algotrade.strategies.sma_cross import SmaCross

    def evaluator() -> TrialEvaluator:
        parsed = OptimizationSpec.from_dict(spec), OptimizationInputs.from_dict(inputs)
        return TrialEvaluator(lambda: SmaCross, *parsed, CandleStore(store), kernels)

    warm = evaluator()
    for number in numbers[:WARM_TRIALS]:
        warm.evaluate(number, _never)
    fresh = evaluator()  # as every run of the product, it computes its indicators itself
    barrier.wait()
    for number in numbers:
        fresh.evaluate(number, _never)


def _never() -> bool:
    return False
