"""What an optimization's rows mean: its spec, a trial's parameters and metrics, and the backtest that a trial is."""

from collections import OrderedDict
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from algotrade.metrics.vector import from_vector
from algotrade.optimize.samplers import Sampler, sampler_of
from algotrade.optimize.space import Space, space_of
from algotrade.resolve import Pinned
from algotrade.spec import OptimizationInputs, OptimizationSpec, ParamValue, run_key
from runs.models import Run, Trial


@dataclass(frozen=True)
class Search:
    """What was asked of an optimization, parsed.

    Attributes:
        spec: the whole of it.
        space: its combinations.
        searched: names of the axes with more than one value, in the order of the spec.
    """

    spec: OptimizationSpec
    space: Space
    searched: tuple[str, ...]

    def parameters(self, combination: int) -> dict[str, ParamValue]:
        """Return the parameters of a combination; asset and timeframe too, where they are searched."""
        return self.space.parameters(combination)

    def digits(self, axis: str, combinations: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return which of the axis's values each combination has, int64[len(combinations)]."""
        shape = self.space.shape
        place = [one.name for one in self.space.axes].index(axis)
        stride = int(np.prod(shape[place + 1 :], dtype=np.int64))
        return combinations // stride % shape[place]


_parsed: OrderedDict[tuple[int, str], Search] = OrderedDict()
MOST_PARSED = 16
"""Specs kept in memory; a space may hold megabytes."""


def search_of(run: Run) -> Search:
    """Return what an optimization searches; parsed once per process."""
    key = (run.pk, str(run.id))  # numbers come back when tests empty the tables
    if key not in _parsed:
        spec = OptimizationSpec.from_dict(run.spec)
        space = space_of(spec)
        _parsed[key] = Search(spec, space, tuple(axis.name for axis in space.axes if len(axis.values) > 1))
        while len(_parsed) > MOST_PARSED:
            _parsed.popitem(last=False)
    return _parsed[key]


def sampler(run: Run) -> Sampler:
    """Return the sampler of an optimization's trials."""
    return sampler_of(search_of(run).spec)


def metrics_of(trial: Trial) -> dict[str, float | None] | None:
    """Return every metric of a trial by key; None when it failed."""
    return None if trial.metrics is None else from_vector(bytes(trial.metrics))


def pinned_backtest(trial: Trial) -> Pinned:
    """Return the backtest that a trial is: the same spec, source and candles, and so the same bits."""
    run, search = trial.run, search_of(trial.run)
    spec, dataset = search.spec.backtest(search.parameters(trial.combination))
    given = {**run.inputs, "source_hash": run.sources[trial.source]}
    inputs = OptimizationInputs.from_dict(given).of_dataset(dataset)
    return Pinned(spec, inputs, run_key(spec, inputs), search.spec.datasets[dataset].total_bars)
