"""In what order parameter sets are tried. A sampler of the same space and seed gives the same trials everywhere."""

import random
from abc import ABC, abstractmethod

import numpy as np
from numpy.typing import NDArray

from algotrade.optimize.space import Space, space_of
from algotrade.spec import OptimizationSpec, ParamValue

METHODS = ("grid", "random")


class Sampler(ABC):
    """Gives each trial its parameter set.

    Any number of workers may ask in any order: what a trial gets depends on its number alone, never on who asked or
    when.
    """

    def __init__(self, space: Space, max_trials: int | None, seed: int) -> None:
        self.space = space
        self.seed = seed
        self.n_trials = space.n_valid if max_trials is None else min(space.n_valid, max_trials)

    @abstractmethod
    def combinations(self, first: int, count: int) -> NDArray[np.int64]:
        """Return which combinations of the space trials first to first + count - 1 are, counted from 0."""

    def ask(self, first: int, count: int) -> list[dict[str, ParamValue]]:
        """Return the parameter sets of trials first to first + count - 1, counted from 0."""
        return [self.space.parameters(int(index)) for index in self.combinations(first, count)]


class GridSampler(Sampler):
    """Every valid combination, in the order of the axes."""

    def combinations(self, first: int, count: int) -> NDArray[np.int64]:
        """Return which combinations of the space trials first to first + count - 1 are, counted from 0."""
        return self.space.valid[: self.n_trials][first : first + count]


class RandomSampler(Sampler):
    """Valid combinations in random order, none twice. Memory is that of the trials, however large the space is."""

    def __init__(self, space: Space, max_trials: int | None, seed: int) -> None:
        """Draw the order once; Python's generator gives the same numbers in every version."""
        super().__init__(space, max_trials, seed)
        drawn = random.Random(seed).sample(range(space.n_valid), self.n_trials)
        self._drawn = space.valid_at(np.array(drawn, dtype=np.int64))

    def combinations(self, first: int, count: int) -> NDArray[np.int64]:
        """Return which combinations of the space trials first to first + count - 1 are, counted from 0."""
        return self._drawn[first : first + count]


_SAMPLERS: dict[str, type[Sampler]] = {"grid": GridSampler, "random": RandomSampler}


def make_sampler(method: str, space: Space, max_trials: int | None, seed: int) -> Sampler:
    """Return the sampler of a method, one of METHODS."""
    return _SAMPLERS[method](space, max_trials, seed)


def sampler_of(spec: OptimizationSpec) -> Sampler:
    """Return the sampler that gives the trials of a spec their parameter sets."""
    return make_sampler(spec.method, space_of(spec), spec.max_trials, spec.seed)
