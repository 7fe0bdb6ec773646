"""One execution of a strategy: stride through the bars, tell failures exactly, deal with what is left at the end."""

import io
import sys
import time
from collections.abc import Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from algotrade.account import CHARGE_NAMES
from algotrade.engine.account_nb import apply_fill_nb
from algotrade.engine.compile import Loop, field_names
from algotrade.engine.failures import StrategyFailure, facts_of_bar
from algotrade.engine.loop import run
from algotrade.engine.names import known_names, retold
from algotrade.engine.refusals import CompilationError
from algotrade.engine.splice import indicator_arguments
from algotrade.errors import RunCancelled
from algotrade.market.bars import COLUMNS, Bars
from algotrade.ports import Sink, StrideView
from algotrade.records import ACCOUNT, FILL, ORDER, TRADE, OrderStatus, Reason
from algotrade.results import BacktestResult

FIRST_STRIDE = {True: 20_000, False: 64}
"""Bars of the first stride, compiled and interpreted: the first news should come soon."""
STRIDE_SECONDS = 0.05
BARS_TRIED = 500
"""Bars on which Python may tell better than the compiler what is wrong with a strategy."""
FIRST_ORDERS = 1 << 16
"""Room for orders at the start. Memory that is not written costs nothing, and growing costs a copy of all of it."""


class Recorders:
    """Where an execution writes: orders, fills, trades and the equity of each bar.

    The next execution may write over them, so that thousands of trials need no memory of their own; whoever keeps a
    result that long copies it.
    """

    def __init__(self) -> None:
        """Make room for some orders, and one more fill and trade than there are orders, for the engine's own."""
        self.equity: NDArray[np.float64] = np.empty(0)
        # Not zeroed, which would touch all of it: whoever appends a record writes each of its fields.
        self.orders = np.empty(FIRST_ORDERS, ORDER).view(np.recarray)
        self.fills = np.empty(FIRST_ORDERS + 1, FILL).view(np.recarray)
        self.trades = np.empty(FIRST_ORDERS + 1, TRADE).view(np.recarray)

    def start(self, n_bars: int) -> None:
        """Make room for the equity of every bar."""
        if len(self.equity) != n_bars:
            self.equity = np.empty(n_bars)

    def grow(self) -> None:
        """Double the room."""
        size = 2 * len(self.orders)
        for name, dtype, spare in (("orders", ORDER, 0), ("fills", FILL, 1), ("trades", TRADE, 1)):
            old = getattr(self, name)
            new = np.empty(size + spare, dtype).view(np.recarray)
            new[: len(old)] = old
            setattr(self, name, new)


@dataclass
class Execution:
    """The state of one execution.

    Attributes:
        bars: the bars up to the last one of the range.
        first: index of the first bar of the range.
        account: ACCOUNT, changed as bars go by.
        parameters: the strategy's parameters, for whoever reads about a failure.
        params: the same as `on_bar` sees them.
        indicator_names: of each of `indicators`.
        indicators: float64[n_bars] each.
        folder: the strategy's, from which its files are told.
        recorders: where orders, fills, trades and equity go.
    """

    bars: Bars
    first: int
    account: Any
    parameters: Mapping[str, Any]
    params: Any
    indicator_names: tuple[str, ...]
    indicators: tuple[NDArray[np.float64], ...]
    folder: str
    recorders: Recorders = field(default_factory=Recorders)

    def __post_init__(self) -> None:
        self.recorders.start(len(self.bars) - self.first)

    @property
    def equity(self) -> NDArray[np.float64]:
        """float64[n_bars of the range], account currency, marked at each close that was reached."""
        return self.recorders.equity

    def stride_through(self, loop: Loop, sink: Sink, stride: int | None, first_stride: int | None = None) -> int:
        """Run every bar of the range, a stride at a time; return how many bars a stride should have.

        Args:
            loop: the strategy's.
            sink: is told between strides.
            stride: bars of each stride; None finds a number that takes about STRIDE_SECONDS.
            first_stride: bars of the first one, where the speed is known from an earlier execution.
        """
        total = len(self.equity)
        done, size = 0, stride or first_stride or FIRST_STRIDE[loop.compiled is not None]
        while done < total:
            began = time.perf_counter()
            try:
                reached = self._stride(loop, done, min(total, done + size))
            except StrategyFailure:
                if reached := int(self.account.bar):
                    sink.advance(self._view(reached))
                raise
            if self.account.is_ruined:
                # Nothing moves any more: the account keeps what the liquidation left.
                self.equity[reached:] = self.account.equity
                reached = total
            if stride is None:
                took = max(time.perf_counter() - began, 1e-6)
                size = max(16, int((reached - done) * min(4.0, max(0.25, STRIDE_SECONDS / took))))
            done = reached
            sink.advance(self._view(done))
        return size

    def _view(self, done: int) -> StrideView:
        return StrideView(done, len(self.equity), self.equity[:done], int(self.account.n_trades))

    def why_not_compilable(self, error: CompilationError, loop: Loop) -> StrategyFailure:
        """Return what Python says to the first bars, if it refuses them too; else what the compiler says.

        Args:
            error: what the compiler says.
            loop: the one that could not be compiled, as plain Python.
        """
        try:
            self._stride(loop, 0, min(len(self.equity), BARS_TRIED))
        except StrategyFailure as failure:
            # Of a name that is a method of tuples Python speaks as of a method.
            if not error.is_unknown_name or failure.error_type == AttributeError.__name__:
                return failure
        sys.stderr.write(f"{error.report}\n")  # the run keeps it as its log
        return StrategyFailure(error, folder=self.folder, detail={"parameters": dict(self.parameters)})

    def _stride(self, loop: Loop, lo: int, hi: int) -> int:
        """Run bars lo to hi - 1 of the range; return the first one not done. Failures are told as Python would."""
        checkpoint = self._checkpoint()
        failure = None
        try:
            with np.errstate(divide="raise", invalid="raise"):
                reached = self._call(loop, lo, hi)
        except (RunCancelled, KeyboardInterrupt):
            raise
        except Exception as error:  # noqa: BLE001 - whatever a strategy raises is told
            failure = error
        if failure is not None:  # outside of the handler: the exact error is no consequence of this one
            if loop.compiled is None:
                raise self._failure(failure)
            raise self._replay(loop, checkpoint, lo, failure)
        if reached < hi and not self.account.is_ruined:
            self.recorders.grow()
        return reached

    def _call(self, loop: Loop, lo: int, hi: int, *, as_python: bool = False) -> int:
        """Run bars lo to hi - 1 of the range in the loop's gear, or as Python; return the first one not done."""
        names = (*COLUMNS, *indicator_arguments(len(self.indicators)))
        arrays = dict(zip(names, (*(getattr(self.bars, name) for name in COLUMNS), *self.indicators), strict=True))
        records = (self.account, self.recorders.orders, self.recorders.fills, self.recorders.trades, self.equity)
        where = (self.first, self.first + lo, self.first + hi)
        time = self.bars.time
        if loop.compiled is not None and not as_python:
            return int(loop.compiled(*records, time, *arrays.values(), self.params, *where)) - self.first
        prices = (self.bars.open, self.bars.high, self.bars.low, self.bars.close)
        tables = (loop.bars.of(arrays), loop.ind.of(arrays))
        return run(*records, time, *prices, *tables, self.params, loop.on_bar, *where) - self.first

    def _checkpoint(self) -> tuple[Any, Any]:
        """Return the state that a stride changes in place; the recorders are only appended to."""
        first, last = int(self.account.first_pending), int(self.account.n_orders)
        pending = self.recorders.orders[first:last].copy() if first < last else None
        return self.account.copy(), pending

    def _replay(self, loop: Loop, checkpoint: tuple[Any, Any], lo: int, error: Exception) -> Exception:
        """Run again from the checkpoint: compiled up to the failing bar, that bar as Python, which tells the line."""
        failing = int(self.account.bar)
        account, pending = checkpoint
        for name in ACCOUNT.names or ():
            self.account[name] = account[name]
        if pending is not None:
            self.recorders.orders[account.first_pending : account.n_orders] = pending
        with redirect_stdout(io.StringIO()):  # what the strategy printed is told already
            if failing > lo:
                self._call(loop, lo, failing)
            try:
                with np.errstate(divide="raise", invalid="raise"):
                    self._call(loop, failing, failing + 1, as_python=True)
            except Exception as exact:  # noqa: BLE001 - whatever a strategy raises is told
                return self._failure(exact)
        return self._failure(error)

    def _failure(self, error: Exception) -> StrategyFailure:
        bar = int(self.account.bar)
        here = self.first + bar
        values = {name: float(row[here]) for name, row in zip(self.indicator_names, self.indicators, strict=True)}
        detail = facts_of_bar(self.account, self.recorders.orders, int(self.bars.time[here]), self.parameters, values)
        known = known_names(self.indicator_names, field_names(self.params.dtype))
        return StrategyFailure(retold(error, known), folder=self.folder, detail=detail)

    def finish(self, *, close_at_end: bool) -> BacktestResult:
        """Deal with what is left at the last bar, and return the result."""
        account = self.account
        for number in range(int(account.first_pending), int(account.n_orders)):
            order = self.recorders.orders[number]
            order.status, order.reason, order.done_bar = OrderStatus.CANCELLED, Reason.NO_NEXT_BAR, account.bar
        close = float(self.bars.close[-1])
        if close_at_end and account.position != 0.0:
            reason = int(Reason.END_OF_RUN)
            apply_fill_nb(
                account, self.recorders.fills, self.recorders.trades, -1, -account.position, close, 0.0, reason
            )
            account.equity = account.cash
            self.equity[-1] = account.equity
        # A plain copy: reading a field of a record takes a microsecond, and trials are told by the thousand.
        end = dict(zip(ACCOUNT.names or (), account.item(), strict=True))
        trades = _filled(self.recorders.trades, TRADE, end["n_trades"])
        if end["position"] != 0.0:
            trades = np.concatenate((trades, self._open_trade(end, close)))
        return BacktestResult(
            time=self.bars.time[self.first :],
            close=self.bars.close[self.first :],
            equity=self.equity,
            orders=_filled(self.recorders.orders, ORDER, end["n_orders"]),
            fills=_filled(self.recorders.fills, FILL, end["n_fills"]),
            trades=trades,
            cash=end["cash"],
            position=end["position"],
            commissions=end["commissions"],
            charges={name: end[name] for name in CHARGE_NAMES},
            ruined_bar=end["bar"] if end["is_ruined"] else None,
            indicators={
                name: values[self.first :] for name, values in zip(self.indicator_names, self.indicators, strict=True)
            },
        )

    def _open_trade(self, end: Mapping[str, Any], close: float) -> NDArray[np.void]:
        """Return TRADE[1], the position at the end as a trade that has not ended, marked at the last close."""
        side = 1.0 if end["position"] > 0 else -1.0
        qty = abs(end["position"])
        trade = np.zeros(1, TRADE)
        trade[0] = (
            end["entry_bar"],
            len(self.equity) - 1,
            int(side),
            qty,
            end["entry_price"],
            close,
            end["entry_commission"],
            end["entry_slippage"],
            side * qty * (close - end["entry_price"]) - end["entry_commission"],
            min(end["worst_profit"], end["position"] * (end["worst_price"] - end["entry_price"])),
            max(end["best_profit"], end["position"] * (end["best_price"] - end["entry_price"])),
            int(Reason.NONE),
        )
        return trade


def _filled(recorder: Any, dtype: np.dtype[Any], n_filled: int) -> NDArray[np.void]:
    """Return a recorder's filled part as a plain structured array."""
    return recorder.view(np.ndarray).view(dtype)[:n_filled]
