"""Backtest: from a strategy and bars to a raw result: check, compute indicators, compile, execute."""

import hashlib
import inspect
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np

from algotrade.account import CHARGES, NUMBERS
from algotrade.engine.checks import check_look_ahead, check_on_bar, indicator_columns
from algotrade.engine.compile import Loop, Source, build, params_record
from algotrade.engine.execution import Execution, Recorders
from algotrade.engine.failures import StrategyFailure
from algotrade.engine.refusals import CompilationError
from algotrade.errors import AlgotradeError, EngineError, RunCancelled
from algotrade.indicators import IndicatorCache, shared
from algotrade.market.bars import Bars
from algotrade.market.instruments import Instrument
from algotrade.ports import NullSink, Sink
from algotrade.records import ACCOUNT, SizeKind
from algotrade.results import BacktestResult
from algotrade.spec import BacktestSpec

_SIZE_KINDS = {
    "equity_fraction": SizeKind.EQUITY_FRACTION,
    "quantity": SizeKind.QUANTITY,
    "quote": SizeKind.QUOTE,
}
_NULL_SINK = NullSink()


def run_backtest(
    strategy: Any,
    spec: BacktestSpec,
    bars: Bars,
    instrument: Instrument,
    *,
    cache_dir: Path,
    sink: Sink = _NULL_SINK,
    stride: int | None = None,
    compiled: bool | None = None,
    counting: bool = False,
    source_hash: str | None = None,
) -> BacktestResult:
    """Run a strategy over a range of bars, once; arguments and errors as for Backtester and its `run`."""
    backtester = Backtester(
        strategy, bars, instrument, cache_dir=cache_dir, compiled=compiled, counting=counting, source_hash=source_hash
    )
    return backtester.run(spec, sink=sink, stride=stride)


class Backtester:
    """Runs one strategy over the same bars, as often as there are specs: a trial is nothing but a backtest.

    What runs have in common is done once: indicators of the same parameters, the checks of the strategy, its loop.
    """

    def __init__(
        self,
        strategy: Any,
        bars: Bars,
        instrument: Instrument,
        *,
        cache_dir: Path,
        compiled: bool | None = None,
        counting: bool = False,
        source_hash: str | None = None,
    ) -> None:
        """Prepare for runs.

        Args:
            strategy: a class like algotrade.strategies.base.Strategy (the engine imports none).
            bars: the whole dataset; those before a run's range warm the indicators up, those after it are never read.
            instrument: tick, lot, currency.
            cache_dir: where compiled loops are kept.
            compiled: which gear; None as the strategy says.
            counting: compile with reference counting (tests compare both builds).
            source_hash: hash of the strategy's files; None hashes the file that defines the class.
        """
        self._strategy = strategy
        self._bars = bars
        self._instrument = instrument
        self._cache_dir = cache_dir
        self._is_compiled = bool(strategy.compiled) if compiled is None else compiled
        self._counting = counting
        self._source_hash = source_hash or _source_hash(strategy)
        self._folder = os.path.dirname(os.path.abspath(inspect.getsourcefile(strategy) or __file__))
        self._range: tuple[int, Bars] = (-1, bars)
        self._indicators = IndicatorCache()
        self._loops: dict[tuple[Any, ...], Loop] = {}
        self._first_stride: int | None = None
        self._is_checked = False

    def run(
        self,
        spec: BacktestSpec,
        *,
        sink: Sink = _NULL_SINK,
        stride: int | None = None,
        recorders: Recorders | None = None,
    ) -> BacktestResult:
        """Run the strategy with a spec's parameters, account and range.

        Args:
            spec: what to run; `strategy_name` and the dataset's name are not looked at.
            sink: is told phases and progress between strides, and may stop the run by raising RunCancelled.
            stride: bars between two returns to Python; None finds a number that takes about 50 ms.
            recorders: memory to write into; the result then lasts until the next run with them.

        Raises:
            StrategyFailure: the strategy raised an error, or cannot be compiled.
            StrategyError: the strategy uses what compiled code does otherwise, or its indicators look ahead.
            EngineError: there are no bars in the range.
            RunCancelled: the sink said so.
        """
        execution, loop = self.prepare(spec, sink, recorders)
        sink.phase("running_backtest")
        self._first_stride = execution.stride_through(loop, sink, stride, self._first_stride)
        return execution.finish(close_at_end=spec.close_at_end)

    def prepare(
        self, spec: BacktestSpec, sink: Sink = _NULL_SINK, recorders: Recorders | None = None
    ) -> tuple[Execution, Loop]:
        """Do all of `run` that comes before the first bar: indicators, checks, compilation; errors as for `run`."""
        first, last = self._bars.between(spec.start_ns, spec.end_ns)
        if first >= last:
            raise EngineError("There are no bars in the range; a run needs at least one.")
        execution = self._prepare(spec, self._up_to(last), first, recorders or Recorders())
        if self._is_compiled and not self._is_checked:
            check_on_bar(self._strategy.on_bar)
        self._is_checked = True
        return execution, self._loop(execution, sink)

    def use(self, strategy: Any) -> None:
        """Go on with a class that was imported anew from the same sources."""
        if strategy is not self._strategy:
            self._strategy = strategy
            self._loops.clear()

    def _up_to(self, last: int) -> Bars:
        """Return the bars before `last`: the same arrays for the same range, by which indicators are shared."""
        if self._range[0] != last:
            self._range = (last, self._bars.slice(0, last))
        return self._range[1]

    def _prepare(self, spec: BacktestSpec, bars: Bars, first: int, recorders: Recorders) -> Execution:
        """Compute the indicators and set the account up."""
        instance = self._strategy()
        for name, value in spec.parameters.items():
            setattr(instance, name, value)
        try:
            with shared(self._indicators), np.errstate(all="ignore"):
                names, columns = indicator_columns(instance, bars)
            if not self._is_checked:
                check_look_ahead(instance, bars, names, columns)
        except (RunCancelled, AlgotradeError):
            raise
        except Exception as error:
            raise StrategyFailure(error, folder=self._folder, detail={"parameters": dict(spec.parameters)}) from error
        return Execution(
            bars=bars,
            first=first,
            account=_new_account(spec, self._instrument),
            parameters=spec.parameters,
            params=params_record(spec.parameters, self._choices(spec.parameters)),
            indicator_names=names,
            indicators=columns,
            folder=self._folder,
            recorders=recorders,
        )

    def _choices(self, parameters: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
        return {
            name: cast("tuple[str, ...]", param.choices)
            for name in parameters
            if (param := getattr(self._strategy, name)).kind == "choice"
        }

    def _loop(self, execution: Execution, sink: Sink) -> Loop:
        """Return the loop for the names and types that the parameters have: for most strategies it is one."""
        key = (execution.indicator_names, execution.params.dtype)
        if key not in self._loops:
            self._loops[key] = self._build(execution, sink)
        return self._loops[key]

    def _build(self, execution: Execution, sink: Sink) -> Loop:
        source = Source(
            on_bar=self._strategy.on_bar,
            name=self._strategy.__qualname__,
            indicator_names=execution.indicator_names,
            params=execution.params.dtype,
            source_hash=self._source_hash,
        )
        if not self._is_compiled:
            return source.loop()
        try:
            return build(
                source,
                self._cache_dir,
                on_compile=lambda: sink.phase("compiling_strategy"),
                counting=self._counting,
            )
        except CompilationError as error:
            refused = error
        failure = execution.why_not_compilable(refused, source.loop())  # not in the handler: no consequence of this
        failure.concerns_all = True
        raise failure


def _new_account(spec: BacktestSpec, instrument: Instrument) -> Any:
    """Return the ACCOUNT record at the start."""
    values = {
        **{name: getattr(spec, name) for name in NUMBERS},
        "slippage_price": spec.slippage_ticks * instrument.tick_size,
        "tick_size": instrument.tick_size,
        "lot_size": instrument.lot_size,
        "size_kind": _SIZE_KINDS[spec.sizing.kind],
        "size": spec.sizing.value,
        "fills_at_close": spec.fill == "this_close",
        "is_charged": any(getattr(spec, name) != 0.0 for name in CHARGES),
        "cash": spec.initial_cash,
        "equity": spec.initial_cash,
    }
    account = np.zeros(1, ACCOUNT)
    account[0] = tuple(values.get(name, 0) for name in ACCOUNT.names or ())  # at once: each field alone takes long
    return account.view(np.recarray)[0]


def _source_hash(strategy: Any) -> str:
    path = inspect.getsourcefile(strategy)
    return hashlib.sha256(Path(path).read_bytes() if path else b"").hexdigest()
