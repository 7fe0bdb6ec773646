"""The tables behind a report, one page of rows at a time: trades, orders, equity by day, candles."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from django.core.paginator import Page, Paginator
from numpy.typing import NDArray

from algotrade.market.bars import COLUMNS
from algotrade.metrics import drawdown_series
from algotrade.records import OrderStatus, Reason, Side, SizeKind, Verb
from algotrade.results import BacktestResult
from runs.artifacts import bars_of
from runs.display.figures import moment
from runs.models import Run

ROWS_PER_PAGE = 50
ROWS_IN_REPORT = 12
"""A report shows the head of a table; its own page shows more at once."""
NANOSECONDS_PER_DAY = 86_400 * 10**9

REASON_WORDS = {
    Reason.NONE: "",
    Reason.SIGNAL: "Signal",
    Reason.END_OF_RUN: "End of run",
    Reason.LIQUIDATION: "Liquidation",
    Reason.NOT_PAYABLE: "Not payable",
    Reason.TOO_SMALL: "Smaller than one lot",
    Reason.NOTHING_TO_CLOSE: "Nothing to close",
}


Curve = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class TablePage:
    """One page of a table.

    Attributes:
        rows: what is shown.
        at: the numbers of these rows, from 0, and where the page lies.
    """

    rows: list[dict[str, Any]]
    at: Page[int]


def trades_page(_: Run, result: BacktestResult, number: int, size: int = ROWS_IN_REPORT) -> TablePage:
    """Return closed trades in exit order, then the open one."""

    def row(index: int) -> dict[str, Any]:
        trade = result.trades[index]
        cost = float(trade["qty"] * trade["entry_price"])
        return {
            "number": index + 1,
            "bars": f"{int(trade['entry_bar'])}-{int(trade['exit_bar'])}",
            "side": Side(int(trade["side"])).name.capitalize(),
            "entry_time": moment(result.time[trade["entry_bar"]]),
            "entry_price": float(trade["entry_price"]),
            "exit_time": moment(result.time[trade["exit_bar"]]),
            "exit_price": float(trade["exit_price"]),
            "quantity": float(trade["qty"]),
            "profit": float(trade["profit"]),
            "return": float(trade["profit"]) / cost if cost else None,
            "commission": float(trade["commission"]),
            "held_seconds": float(result.time[trade["exit_bar"]] - result.time[trade["entry_bar"]]) / 1e9,
            "held_bars": int(trade["exit_bar"] - trade["entry_bar"]),
            "is_open": int(trade["exit_reason"]) == Reason.NONE,
            "reason": _reason(trade["exit_reason"]) or "Still open",
        }

    return _page(len(result.trades), number, size, row)


def orders_page(_: Run, result: BacktestResult, number: int, size: int = ROWS_IN_REPORT) -> TablePage:
    """Return the orders as they were given, each with its fill."""
    fills = result.fills
    row_of_order = {int(order): index for index, order in enumerate(fills["order"]) if order >= 0}

    def row(index: int) -> dict[str, Any]:
        order = result.orders[index]
        at = row_of_order.get(int(order["id"]))
        fill = fills[at] if at is not None else None
        done = int(order["done_bar"])
        return {
            "number": int(order["id"]) + 1,
            "time": moment(result.time[order["bar"]]),
            "verb": Verb(int(order["verb"])).name.capitalize(),
            "size": _size(order["size_kind"], order["size"]),
            "status": OrderStatus(int(order["status"])).name.capitalize(),
            "is_rejected": int(order["status"]) == OrderStatus.REJECTED,
            "reason": _reason(order["reason"]),
            "done_time": _time_of(result, done),
            "quantity": float(fill["qty"]) if fill is not None else None,
            "price": float(fill["price"]) if fill is not None else None,
            "commission": float(fill["commission"]) if fill is not None else None,
            "position": float(fill["position"]) if fill is not None else None,
        }

    return _page(len(result.orders), number, size, row)


def equity_page(run: Run, result: BacktestResult, number: int, size: int = ROWS_IN_REPORT) -> TablePage:
    """Return equity at each UTC day's last bar, with buy and hold and drawdown."""
    days = result.time // NANOSECONDS_PER_DAY
    last_bars = np.append(np.flatnonzero(np.diff(days)), len(days) - 1)
    equity, hold, drawdown = equity_curves(run, result)

    def row(index: int) -> dict[str, Any]:
        bar = int(last_bars[index])
        return {
            "time": moment(result.time[bar]),
            "equity": float(equity[bar]),
            "return": float(equity[bar]) / float(run.spec["initial_cash"]) - 1,
            "hold": float(hold[bar]),
            "drawdown": float(drawdown[bar]),
        }

    return _page(len(last_bars), number, size, row)


def equity_curves(run: Run, result: BacktestResult) -> tuple[Curve, Curve, Curve]:
    """Return equity, buy and hold (the initial cash invested at the first close) and drawdown, float64[n_bars] each."""
    cash = float(run.spec["initial_cash"])
    return result.equity, result.close * (cash / result.close[0]), drawdown_series(result.equity, cash)


def candles_page(run: Run, result: BacktestResult, number: int, size: int = ROWS_IN_REPORT) -> TablePage:
    """Return the bars, each with the indicators as the strategy saw them.

    Raises:
        MarketDataError: the candles are gone or damaged.
    """
    bars = bars_of(run)

    def row(index: int) -> dict[str, Any]:
        return {
            "number": index,
            "time": moment(bars.time[index]),
            **{name: float(getattr(bars, name)[index]) for name in COLUMNS},
            "indicators": [_defined(values[index]) for values in result.indicators.values()],
        }

    return _page(min(len(bars), result.n_bars), number, size, row)


TABLES: dict[str, Callable[[Run, BacktestResult, int, int], TablePage]] = {
    "trades": trades_page,
    "orders": orders_page,
    "equity": equity_page,
    "candles": candles_page,
}
"""Tables of a report by the last part of their address."""


def _page(n_rows: int, number: int, size: int, row: Callable[[int], dict[str, Any]]) -> TablePage:
    """Cut one page out of a table; beyond either end it is the end."""
    at = Paginator(range(n_rows), size).get_page(max(1, number))
    return TablePage([row(index) for index in at], at)


def _defined(value: Any) -> float | None:
    return float(value) if math.isfinite(value) else None


def _reason(code: Any) -> str:
    try:
        return REASON_WORDS[Reason(int(code))]
    except (ValueError, KeyError):
        return f"Reason {int(code)}"


def _time_of(result: BacktestResult, bar: int) -> datetime | None:
    return moment(result.time[bar]) if 0 <= bar < len(result.time) else None


def _size(kind: Any, size: Any) -> str:
    match SizeKind(int(kind)):
        case SizeKind.ALL:
            return "All"
        case SizeKind.EQUITY_FRACTION:
            return f"{float(size):.2%} of equity"
        case SizeKind.QUANTITY:
            return f"{float(size):,.8g} units"
        case SizeKind.QUOTE:
            return f"{float(size):,.2f} quote"
