"""One backtest, from a strategy and bars to a raw result: prepare, stride through the bars, tell failures exactly."""

import hashlib
import inspect
import io
import os
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from algotrade.engine.account_nb import apply_fill_nb
from algotrade.engine.checks import check_look_ahead, check_on_bar, indicator_matrix
from algotrade.engine.compile import Loop, Source, build, params_record
from algotrade.engine.failures import StrategyFailure, facts_of_bar
from algotrade.engine.refusals import CompilationError
from algotrade.errors import AlgotradeError, EngineError, RunCancelled
from algotrade.indicators import IndicatorCache, shared
from algotrade.market.bars import COLUMNS, Bars
from algotrade.market.instruments import Instrument
from algotrade.ports import NullSink, Sink, StrideView
from algotrade.records import ACCOUNT, FILL, ORDER, TRADE, OrderStatus, Reason, SizeKind
from algotrade.results import BacktestResult
from algotrade.spec import BacktestSpec

FIRST_STRIDE = {True: 20_000, False: 64}
"""Bars of the first stride, compiled and interpreted: the first news should come soon."""
STRIDE_SECONDS = 0.05
BARS_TRIED = 500
"""Bars on which Python may tell better than the compiler what is wrong with a strategy."""
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
    """Run a strategy over a range of bars.

    Args:
        strategy: a class like algotrade.strategies.base.Strategy (the engine imports none).
        spec: what to run; `strategy_name` and the dataset's name are not looked at.
        bars: the whole dataset; those before the range warm the indicators up, those after it are never read.
        instrument: tick, lot, currency.
        cache_dir: where compiled loops are kept.
        sink: is told phases and progress between strides, and may stop the run by raising RunCancelled.
        stride: bars between two returns to Python; None finds a number that takes about 50 ms.
        compiled: which gear; None as the strategy says.
        counting: compile with reference counting (tests compare both builds).
        source_hash: hash of the strategy's files; None hashes the file that defines the class.

    Raises:
        StrategyFailure: the strategy raised an error, or cannot be compiled.
        StrategyError: the strategy uses what compiled code does otherwise, or its indicators look ahead.
        EngineError: there are no bars in the range.
        RunCancelled: the sink said so.
    """
    first, last = bars.between(spec.start_ns, spec.end_ns)
    if first >= last:
        raise EngineError("There are no bars in the range; a run needs at least one.")
    is_compiled = bool(strategy.compiled) if compiled is None else compiled
    run = _prepare(strategy, spec, bars.slice(0, last), instrument, first)
    if is_compiled:
        check_on_bar(strategy.on_bar)
    source = Source(
        on_bar=strategy.on_bar,
        name=strategy.__qualname__,
        indicator_names=run.indicator_names,
        params=run.params.dtype,
        source_hash=source_hash or _source_hash(strategy),
    )
    refused = None
    try:
        loop = build(
            source,
            cache_dir,
            compiled=is_compiled,
            on_compile=lambda: sink.phase("compiling_strategy"),
            counting=counting,
        )
    except CompilationError as error:
        refused = error
    if refused is not None:  # outside of the handler: what Python says must not be told as a consequence
        raise run.why_not_compilable(refused)
    sink.phase("running_backtest")
    run.stride_through(loop, sink, stride)
    return run.finish(close_at_end=spec.close_at_end)


def _prepare(strategy: Any, spec: BacktestSpec, bars: Bars, instrument: Instrument, first: int) -> "_Run":
    """Compute the indicators and set the account up."""
    folder = os.path.dirname(os.path.abspath(inspect.getsourcefile(strategy) or __file__))
    instance = strategy()
    for name, value in spec.parameters.items():
        setattr(instance, name, value)
    try:
        with shared(IndicatorCache()), np.errstate(all="ignore"):
            names, matrix = indicator_matrix(instance, bars)
        check_look_ahead(instance, bars, names, matrix)
    except (RunCancelled, AlgotradeError):
        raise
    except Exception as error:
        raise StrategyFailure(error, folder=folder, detail={"parameters": dict(spec.parameters)}) from error
    choices = {
        name: cast("tuple[str, ...]", param.choices)
        for name in spec.parameters
        if (param := getattr(strategy, name)).kind == "choice"
    }
    return _Run(
        bars=bars,
        first=first,
        account=_new_account(spec, instrument),
        parameters=spec.parameters,
        params=params_record(spec.parameters, choices),
        indicator_names=names,
        indicators=matrix,
        folder=folder,
    )


def _new_account(spec: BacktestSpec, instrument: Instrument) -> Any:
    """Return the ACCOUNT record at the start."""
    account = np.zeros(1, ACCOUNT).view(np.recarray)[0]
    account.commission = spec.commission
    account.fixed_fee = spec.fixed_fee
    account.slippage_price = spec.slippage_ticks * instrument.tick_size
    account.slippage_frac = spec.slippage_frac
    account.tick_size = instrument.tick_size
    account.lot_size = instrument.lot_size
    account.margin_ratio = spec.margin_ratio
    account.size_kind = _SIZE_KINDS[spec.sizing.kind]
    account.size = spec.sizing.value
    account.fills_at_close = spec.fill == "this_close"
    account.cash = account.equity = spec.initial_cash
    return account


def _source_hash(strategy: Any) -> str:
    path = inspect.getsourcefile(strategy)
    return hashlib.sha256(Path(path).read_bytes() if path else b"").hexdigest()


@dataclass
class _Run:
    """The state of one run: account, recorders, and where the bars are."""

    bars: Bars
    first: int
    account: Any
    parameters: Mapping[str, Any]
    params: Any
    indicator_names: tuple[str, ...]
    indicators: NDArray[np.float64]
    folder: str
    equity: NDArray[np.float64] = field(init=False)
    orders: Any = field(init=False)
    fills: Any = field(init=False)
    trades: Any = field(init=False)

    def __post_init__(self) -> None:
        """Make the recorders; fills and trades have room for one more than there are orders, for the engine's own."""
        self.equity = np.full(len(self.bars) - self.first, self.account.equity)
        self.orders = np.zeros(1_024, ORDER).view(np.recarray)
        self.fills = np.zeros(1_025, FILL).view(np.recarray)
        self.trades = np.zeros(1_025, TRADE).view(np.recarray)

    def stride_through(self, loop: Loop, sink: Sink, stride: int | None) -> None:
        """Run every bar of the range, a stride at a time."""
        run = loop.compiled or loop.interpreted
        total = len(self.equity)
        done, size = 0, stride or FIRST_STRIDE[loop.compiled is not None]
        while done < total:
            began = time.perf_counter()
            try:
                reached = self._stride(run, loop, done, min(total, done + size))
            except StrategyFailure:
                if reached := int(self.account.bar):
                    sink.advance(self._view(reached))
                raise
            if self.account.is_ruined:
                # Nothing moves any more: the account keeps what the liquidation left.
                self.equity[reached:] = self.account.equity
                reached = total
            done = reached
            if stride is None:
                took = max(time.perf_counter() - began, 1e-6)
                size = max(16, int(size * min(4.0, max(0.25, STRIDE_SECONDS / took))))
            sink.advance(self._view(done))

    def _view(self, done: int) -> StrideView:
        return StrideView(done, len(self.equity), self.equity[:done], int(self.account.n_trades))

    def why_not_compilable(self, error: CompilationError) -> StrategyFailure:
        """Return what Python says to the first bars, if it refuses them too; else what the compiler says."""
        loop = Loop(error.interpreted, None)
        try:
            self._stride(loop.interpreted, loop, 0, min(len(self.equity), BARS_TRIED))
        except StrategyFailure as failure:
            return failure
        sys.stderr.write(f"{error.report}\n")  # the run keeps it as its log
        return StrategyFailure(error, folder=self.folder, detail={"parameters": dict(self.parameters)})

    def _stride(self, run: Callable[..., int], loop: Loop, lo: int, hi: int) -> int:
        """Run bars lo to hi - 1 of the range; return the first one not done. Failures are told as Python would."""
        checkpoint = self._checkpoint()
        failure = None
        try:
            with np.errstate(divide="raise", invalid="raise"):
                reached = self._call(run, lo, hi)
        except (RunCancelled, KeyboardInterrupt):
            raise
        except Exception as error:  # noqa: BLE001 - whatever a strategy raises is told
            failure = error
        if failure is not None:  # outside of the handler: the exact error must not be told as a consequence of this one
            if run is loop.interpreted:
                raise self._failure(failure)
            raise self._replay(loop, checkpoint, lo, failure)
        if reached < hi and not self.account.is_ruined:
            self._grow()
        return reached

    def _call(self, run: Callable[..., int], lo: int, hi: int) -> int:
        columns = [getattr(self.bars, name) for name in COLUMNS]
        records = (self.account, self.orders, self.fills, self.trades, self.equity)
        reached = run(*records, *columns, self.indicators, self.params, self.first, self.first + lo, self.first + hi)
        return int(reached) - self.first

    def _checkpoint(self) -> tuple[Any, Any]:
        """Return the state that a stride changes in place; the recorders are only appended to."""
        return self.account.copy(), self.orders[self.account.first_pending : self.account.n_orders].copy()

    def _replay(self, loop: Loop, checkpoint: tuple[Any, Any], lo: int, error: Exception) -> Exception:
        """Run again from the checkpoint: compiled up to the failing bar, that bar as Python, which tells the line."""
        failing = int(self.account.bar)
        account, pending = checkpoint
        for name in ACCOUNT.names or ():
            self.account[name] = account[name]
        self.orders[account.first_pending : account.n_orders] = pending
        with redirect_stdout(io.StringIO()):  # what the strategy printed is told already
            if failing > lo and loop.compiled is not None:
                self._call(loop.compiled, lo, failing)
            try:
                with np.errstate(divide="raise", invalid="raise"):
                    self._call(loop.interpreted, failing, failing + 1)
            except Exception as exact:  # noqa: BLE001 - whatever a strategy raises is told
                return self._failure(exact)
        return self._failure(error)

    def _failure(self, error: Exception) -> StrategyFailure:
        bar = int(self.account.bar)
        here = self.first + bar
        values = {name: float(row[here]) for name, row in zip(self.indicator_names, self.indicators, strict=True)}
        detail = facts_of_bar(self.account, self.orders, int(self.bars.time[here]), self.parameters, values)
        return StrategyFailure(error, folder=self.folder, detail=detail)

    def _grow(self) -> None:
        """Double the recorders; a stride ended early because a further bar might not have had room."""
        size = 2 * len(self.orders)
        for name, dtype, spare in (("orders", ORDER, 0), ("fills", FILL, 1), ("trades", TRADE, 1)):
            old = getattr(self, name)
            new = np.zeros(size + spare, dtype).view(np.recarray)
            new[: len(old)] = old
            setattr(self, name, new)

    def finish(self, *, close_at_end: bool) -> BacktestResult:
        """Deal with what is left at the last bar, and return the result."""
        account = self.account
        for number in range(int(account.first_pending), int(account.n_orders)):
            order = self.orders[number]
            order.status, order.reason, order.done_bar = OrderStatus.CANCELLED, Reason.NO_NEXT_BAR, account.bar
        close = float(self.bars.close[-1])
        if close_at_end and account.position != 0.0:
            reason = int(Reason.END_OF_RUN)
            apply_fill_nb(account, self.fills, self.trades, -1, -account.position, close, 0.0, reason)
            account.equity = account.cash
            self.equity[-1] = account.equity
        trades = self.trades[: account.n_trades]
        if account.position != 0.0:
            trades = np.concatenate((trades, self._open_trade(close)))
        return BacktestResult(
            time=self.bars.time[self.first :],
            close=self.bars.close[self.first :],
            equity=self.equity,
            orders=_plain(self.orders[: account.n_orders], ORDER),
            fills=_plain(self.fills[: account.n_fills], FILL),
            trades=_plain(trades, TRADE),
            cash=float(account.cash),
            position=float(account.position),
            commissions=float(account.commissions),
            n_ambiguous_bars=int(account.n_ambiguous_bars),
            ruined_bar=int(account.bar) if account.is_ruined else None,
        )

    def _open_trade(self, close: float) -> Any:
        """Return TRADE[1], the position as a trade that has not ended, marked at the last close."""
        account = self.account
        side = 1.0 if account.position > 0 else -1.0
        qty = abs(account.position)
        trade = np.zeros(1, TRADE).view(np.recarray)
        trade[0] = (
            account.entry_bar,
            len(self.equity) - 1,
            int(side),
            qty,
            account.entry_price,
            close,
            account.entry_commission,
            account.entry_slippage,
            side * qty * (close - account.entry_price) - account.entry_commission,
            side * qty * (account.worst_price - account.entry_price),
            side * qty * (account.best_price - account.entry_price),
            int(Reason.NONE),
        )
        return trade


def _plain(records: Any, dtype: np.dtype[Any]) -> NDArray[np.void]:
    """Return a recorder's filled part as a plain structured array."""
    return np.ascontiguousarray(np.asarray(records).view(np.ndarray)).view(dtype)
