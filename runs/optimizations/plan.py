"""Plan of an optimization: its spec, a trial's parameters and metrics, and the backtest that a trial is."""

from dataclasses import dataclass
from threading import Lock

import numpy as np
from cachetools import LRUCache, cached
from numpy.typing import NDArray

from algotrade.metrics.vector import from_vector
from algotrade.optimize.samplers import Sampler, sampler_of
from algotrade.optimize.space import Space, space_of
from algotrade.resolve import Pinned
from algotrade.spec import OptimizationInputs, OptimizationSpec, ParamValue, run_key
from runs.models import Run, Trial


@dataclass(frozen=True)
class Plan:
    """What was asked of an optimization, parsed.

    Attributes:
        spec: the whole of it.
        space: its combinations.
        varied: names of the axes with more than one value, in the order of the spec.
    """

    spec: OptimizationSpec
    space: Space
    varied: tuple[str, ...]

    def parameters(self, combination: int) -> dict[str, ParamValue]:
        """Return the parameters of a combination; asset and timeframe too, where they are varied."""
        return self.space.parameters(combination)

    def digits(self, axis: str, combinations: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return which of the axis's values each combination has, int64[len(combinations)]."""
        shape = self.space.shape
        place = [one.name for one in self.space.axes].index(axis)
        stride = int(np.prod(shape[place + 1 :], dtype=np.int64))
        return combinations // stride % shape[place]


MOST_PARSED = 16
"""Specs kept in memory, those asked for last; a space may hold megabytes."""


def key_of(run: Run) -> tuple[int, str]:
    """Return what a run is known by in the memory of a process: numbers alone come back when tests empty the tables."""
    return run.pk, str(run.id)


@cached(LRUCache[tuple[int, str], Plan](MOST_PARSED), key=key_of, lock=Lock())
def plan_of(run: Run) -> Plan:
    """Return what an optimization tries; parsed once per process."""
    spec = OptimizationSpec.from_dict(run.spec)
    space = space_of(spec)
    return Plan(spec, space, tuple(axis.name for axis in space.axes if len(axis.values) > 1))


def sampler(run: Run) -> Sampler:
    """Return the sampler of an optimization's trials."""
    return sampler_of(plan_of(run).spec)


def metrics_of(trial: Trial) -> dict[str, float | None] | None:
    """Return every metric of a trial by key; None when it failed."""
    return None if trial.metrics is None else from_vector(bytes(trial.metrics))


def pinned_backtest(trial: Trial) -> Pinned:
    """Return the backtest that a trial is: the same spec, source and candles, and so the same bits."""
    run, plan = trial.run, plan_of(trial.run)
    spec, dataset = plan.spec.backtest(plan.parameters(trial.combination))
    given = {**run.inputs, "source_hash": run.sources[trial.source]}
    inputs = OptimizationInputs.from_dict(given).of_dataset(dataset)
    return Pinned(spec, inputs, run_key(spec, inputs), plan.spec.datasets[dataset].total_bars)
