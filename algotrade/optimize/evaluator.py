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
from algotrade.engine.failures import StrategyFailure
from algotrade.errors import RunCancelled, StrategyError
from algotrade.market.instruments import Instrument
from algotrade.market.store import CandleStore
from algotrade.metrics import compute_stats, evaluate
from algotrade.metrics.vector import to_vector
from algotrade.optimize.samplers import sampler_of
from algotrade.ports import NullSink, Sink, StrideView
from algotrade.spec import OptimizationInputs, OptimizationSpec, ParamValue

_NULL_SINK = NullSink()


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a trial came out.

    Attributes:
        number: of the trial, from 0.
        combination: index in the space.
        parameters: what it was tried with; asset and timeframe too, where they are varied.
        vector: float64[len(METRIC_KEYS)], NaN where a metric is undefined; None when the trial failed.
        error: what the strategy raised; None when it did not.
        seconds: how long it took.
    """

    number: int
    combination: int
    parameters: dict[str, ParamValue]
    vector: NDArray[np.float64] | None
    error: Exception | None
    seconds: float


class TrialEvaluator:
    """Evaluates the trials of one optimization, in any order."""

    def __init__(
        self,
        load: Callable[[], Any],
        spec: OptimizationSpec,
        inputs: OptimizationInputs,
        store: CandleStore,
        cache_dir: Path,
    ) -> None:
        """Prepare; candles are read when the first trial on them is evaluated.

        Args:
            load: imports the class that the spec names. Called once for a compiled strategy, and for each trial of an
                interpreted one, whose module may keep what it likes.
            spec: what was asked.
            inputs: what it stood for.
            store: where candles are.
            cache_dir: where compiled loops are kept.
        """
        self._load, self._spec, self._inputs = load, spec, inputs
        self._store, self._cache_dir = store, cache_dir
        self._sampler = sampler_of(spec)
        self._strategy: Any = None
        self._is_used = False
        self._backtesters: dict[int, tuple[Backtester, float]] = {}
        self._recorders = Recorders()

    def load(self) -> None:
        """Import the strategy if that was not done yet. What its file does then is no trial's fault.

        Raises:
            Exception: whatever the file raises.
        """
        if self._strategy is None:
            self._strategy = self._load()

    def prepare(self, sink: Sink = _NULL_SINK) -> None:
        """Compile the strategy and check it, by the parameters of the first trial.

        Raises:
            StrategyFailure: no trial could run: the strategy cannot be compiled.
            StrategyError: no trial may run: it looks ahead, or uses what compiled code does otherwise.
            MarketDataError: the candles are no longer there.
            RunCancelled: the sink said so.
        """
        backtest, dataset = self._spec.backtest(self._sampler.ask(0, 1)[0])
        try:
            self._on(dataset)[0].prepare(backtest, sink)
        except StrategyFailure as failure:
            if failure.concerns_all:
                raise
            # Its indicators refuse these parameters: that is for the trial to tell.

    def evaluate(self, number: int, is_told_to_stop: Callable[[], bool]) -> Outcome:
        """Run one trial.

        Raises:
            RunCancelled: `is_told_to_stop` said so between two strides.
            IndexError: there is no trial of that number.
            MarketDataError: the candles are no longer there.
            StrategyFailure, StrategyError: as for `prepare`; what concerns one trial only is in its outcome.
        """
        began = time.perf_counter()
        combination = int(self._sampler.combinations(number, 1)[0])
        parameters = self._sampler.space.parameters(combination)
        backtest, dataset = self._spec.backtest(parameters)
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
            vector = to_vector(evaluate(rows)[0])
        except (RunCancelled, StrategyError):
            raise
        except Exception as error:
            if isinstance(error, StrategyFailure) and error.concerns_all:
                raise
            failure = error
        return Outcome(number, combination, parameters, vector, failure, time.perf_counter() - began)

    def _on(self, index: int) -> tuple[Backtester, float]:
        """Return what runs backtests on one of the datasets, and the trading days of its year."""
        strategy = self._strategy_now()
        if index not in self._backtesters:
            where, inputs = self._spec.datasets[index], self._inputs.of_dataset(index)
            dataset = self._store.get(where.asset, where.exchange, where.timeframe, version=inputs.dataset_hash)
            backtester = Backtester(
                strategy,
                self._store.load(dataset),
                Instrument(asset=where.asset, exchange=where.exchange, **inputs.instrument),
                cache_dir=self._cache_dir,
                source_hash=inputs.source_hash,
            )
            self._backtesters[index] = (backtester, dataset.days_per_year)
        backtester, days_per_year = self._backtesters[index]
        backtester.use(strategy)
        return backtester, days_per_year

    def _strategy_now(self) -> Any:
        if self._strategy is None or (self._is_used and not self._strategy.compiled):
            self._strategy = self._load()
        self._is_used = True
        return self._strategy


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
