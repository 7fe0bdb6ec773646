"""Trials in this process: each one the backtest that it is, and the metrics that this backtest has."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from algotrade.engine.backtest import Backtester
from algotrade.engine.execution import Recorders
from algotrade.errors import RunCancelled
from algotrade.market.instruments import Instrument
from algotrade.market.store import CandleStore
from algotrade.metrics import compute_stats, evaluate
from algotrade.metrics.vector import to_vector
from algotrade.optimize.samplers import sampler_of
from algotrade.ports import StrideView
from algotrade.spec import OptimizationInputs, OptimizationSpec, ParamValue

@dataclass(frozen=True, slots=True)
class Outcome:
    """How a trial came out.

    Attributes:
        number: of the trial, from 0.
        parameters: what it was tried with; asset and timeframe too, where they are searched.
        vector: float64[len(METRIC_KEYS)], NaN where a metric is undefined; None when the trial failed.
        error: what the strategy raised; None when it did not.
        seconds: how long it took.
    """

    number: int
    parameters: dict[str, ParamValue]
    vector: NDArray[np.float64] | None
    error: Exception | None
    seconds: float


class Study:
    """Evaluates the trials of one optimization, in any order."""

    def __init__(
        self, strategy: Any, spec: OptimizationSpec, inputs: OptimizationInputs, store: CandleStore, cache_dir: Path
    ) -> None:
        """Prepare; candles are read when the first trial on them is evaluated.

        Args:
            strategy: the class that the spec names.
            spec: what was asked.
            inputs: what it stood for.
            store: where candles are.
            cache_dir: where compiled loops are kept.
        """
        self._strategy, self._spec, self._inputs = strategy, spec, inputs
        self._store, self._cache_dir = store, cache_dir
        self._sampler = sampler_of(spec)
        self._backtesters: dict[int, tuple[Backtester, float]] = {}
        self._recorders = Recorders()

    def evaluate(self, number: int, is_told_to_stop: Callable[[], bool]) -> Outcome:
        """Run one trial.

        Raises:
            RunCancelled: `is_told_to_stop` said so between two strides.
            IndexError: there is no trial of that number.
            MarketDataError: the candles are no longer there.
        """
        began = time.perf_counter()
        combination = self._sampler.ask(number, 1)[0]
        backtest, dataset = self._spec.backtest(combination)
        backtester, days_per_year = self._on(dataset)
        vector, failure = None, None
        try:
            result = backtester.run(backtest, sink=_Brake(is_told_to_stop), recorders=self._recorders)
            rows = compute_stats(
                result,
                initial_cash=backtest.initial_cash,
                days_per_year=days_per_year,
                risk_free_rate=backtest.risk_free_rate,
            )
            values, _ = evaluate(rows)
            vector = to_vector(values)
        except RunCancelled:
            raise
        except Exception as error:  # noqa: BLE001 - one failed trial never stops an optimization
            failure = error
        return Outcome(number, combination, vector, failure, time.perf_counter() - began)

    def _on(self, index: int) -> tuple[Backtester, float]:
        """Return what runs backtests on one of the datasets, and the trading days of its year."""
        if index not in self._backtesters:
            where, inputs = self._spec.datasets[index], self._inputs.of_dataset(index)
            dataset = self._store.get(where.asset, where.exchange, where.timeframe, version=inputs.dataset_hash)
            backtester = Backtester(
                self._strategy,
                self._store.load(dataset),
                Instrument(asset=where.asset, exchange=where.exchange, **inputs.instrument),
                cache_dir=self._cache_dir,
                source_hash=inputs.source_hash,
            )
            self._backtesters[index] = (backtester, dataset.days_per_year)
        return self._backtesters[index]


class _Brake:
    """A Sink that only stops: what a trial does meanwhile nobody watches."""

    def __init__(self, is_told_to_stop: Callable[[], bool]) -> None:
        self._is_told_to_stop = is_told_to_stop

    def phase(self, name: str) -> None:
        """Ignore the phase."""

    def advance(self, view: StrideView) -> None:  # noqa: ARG002 - a Sink's method
        """Stop between two strides when told to."""
        if self._is_told_to_stop():
            raise RunCancelled
