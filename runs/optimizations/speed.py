"""Speed of a strategy on this machine: a small sample, measured in a child while nobody waits for it."""

import math
import threading
import time
from dataclasses import dataclass, field, replace

import structlog
from cachetools import LRUCache
from django.conf import settings

from algotrade.child import Child, ChildEnded
from algotrade.errors import AlgotradeError
from algotrade.optimize.space import space_of
from algotrade.ports import Json
from algotrade.resolve import ResolvedOptimization
from algotrade.spec import OptimizationInputs, OptimizationSpec
from runs import artifacts

log = structlog.get_logger(__name__)

N_TRIALS = 4
"""Times the sample runs; the first one computes the indicators, which other trials share."""
LONGEST_SECONDS = 60.0
MOST_KEPT = 256


@dataclass
class _Sample:
    """One measurement: running until `is_over` is set; without a speed afterwards when it failed."""

    is_over: threading.Event = field(default_factory=threading.Event)
    seconds_per_bar: float | None = None


_samples = LRUCache[tuple[str, str], _Sample](MOST_KEPT)
_lock = threading.Lock()
_one_at_a_time = threading.Lock()


def seconds_per_bar(resolved: ResolvedOptimization, wait_seconds: float = 0.0) -> tuple[float | None, bool]:
    """Return the seconds that a bar of one trial takes, and whether that is still being measured.

    The first question of a strategy and dataset starts the measurement. Neither known nor being measured means that the
    sample failed.

    Args:
        resolved: whose strategy and first dataset are meant.
        wait_seconds: how long to wait for the measurement.
    """
    key = (resolved.inputs.source_hash, resolved.inputs.of_dataset(0).dataset_hash)
    with _lock:
        sample = _samples.get(key)
        if sample is None:
            sample = _samples[key] = _Sample()
            threading.Thread(target=_measure, args=(resolved, sample), name="speed", daemon=True).start()
    is_over = sample.is_over.wait(wait_seconds) if wait_seconds else sample.is_over.is_set()
    return sample.seconds_per_bar, not is_over


def _measure(resolved: ResolvedOptimization, sample: _Sample) -> None:
    try:
        with _one_at_a_time:
            sample.seconds_per_bar = _measured(resolved)
    except (AlgotradeError, OSError, TimeoutError) as error:
        log.info("speed not measured", strategy=resolved.strategy.name, error=str(error))
    finally:
        sample.is_over.set()


def _measured(resolved: ResolvedOptimization) -> float:
    """Run one trial a few times and return the best time of a bar.

    Raises:
        AlgotradeError: it cannot run, or did not come to an end.
        TimeoutError: it takes too long to be measured.
    """
    spec, inputs = _first_trial(resolved)
    job: Json = {
        "job": "trials",
        "source": str(artifacts.catalog().snapshot(inputs.source_hash)),
        "module": spec.strategy_name,
        "spec": spec.to_dict(),
        "inputs": inputs.to_dict(),
        "store": str(artifacts.candles_folder()),
        "kernels": str(artifacts.kernels_folder()),
        "run_key": "sample",
        "numbers": [0] * N_TRIALS,
        "is_careful": True,
    }
    child = Child(
        kernels=artifacts.kernels_folder(),
        memory_bytes=settings.CHILD_MEMORY_BYTES,
        cpu_seconds=settings.CHILD_CPU_SECONDS,
    )
    try:
        milliseconds = _told(child, job)
    finally:
        child.close()
    return min(milliseconds[1:] or milliseconds) / 1e3 / spec.datasets[0].total_bars


def _first_trial(resolved: ResolvedOptimization) -> tuple[OptimizationSpec, OptimizationInputs]:
    """Return an optimization of the first combination only, on its dataset."""
    space = space_of(resolved.spec)
    first = space.parameters(int(next(block[0] for block in space.valid_blocks() if len(block))))
    _, dataset = resolved.spec.backtest(first)
    spec = replace(
        resolved.spec,
        datasets=(resolved.spec.datasets[dataset],),
        axes={name: (value,) for name, value in first.items()},
        method="grid",
        max_trials=None,
    )
    return spec, replace(resolved.inputs, datasets=(resolved.inputs.datasets[dataset],))


def _told(child: Child, job: Json) -> list[float]:
    """Return the milliseconds of each time that the child ran the sample, until time is up."""
    deadline = time.monotonic() + LONGEST_SECONDS
    taken: list[float] = []
    try:
        child.send(job)
        while (left := deadline - time.monotonic()) > 0:
            message = child.receive(left) or {}
            taken += message.get("trials", {}).get("milliseconds", [])
            if "failed" in message:
                raise AlgotradeError(str(message["failed"]["message"]))
            if message.keys() & {"done", "stopped"}:
                break
    except ChildEnded as error:
        raise AlgotradeError(str(error)) from error
    if not taken or not math.isfinite(sum(taken)):
        raise TimeoutError(f"No trial finished within {LONGEST_SECONDS:.0f} s.")
    return taken
