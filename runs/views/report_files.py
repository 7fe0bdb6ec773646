"""A report's tables as files for spreadsheets: every trade, every order, equity at every bar."""

import uuid
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_GET

from algotrade.errors import AlgotradeError
from algotrade.results import BacktestResult
from runs import artifacts
from runs.api import bodies
from runs.api.errors import error_response
from runs.models import Run, RunKind, RunState
from runs.spreadsheets import cell, lines_of, sent_as_file
from runs.tables import equity_curves
from runs.views.run_pages import runs_of

ROWS_AT_ONCE = 2_000
TRADE_COLUMNS = (
    "number", "side", "quantity", "entry_time", "entry_price", "exit_time", "exit_price", "exit_reason", "is_open",
    "bars_held", "profit", "return", "commission", "slippage", "worst_profit", "best_profit",
)  # fmt: skip
ORDER_COLUMNS = ("number", "time", "kind", "verb", "size_kind", "size", "status", "reason", "done_time")
FILL_COLUMNS = ("quantity", "price", "commission", "slippage", "position")
EQUITY_COLUMNS = ("time", "equity", "hold", "drawdown")
Rows = Iterator[list[Any]]


@require_GET
def backtest_csv(request: HttpRequest, run_id: uuid.UUID, table: str) -> HttpResponseBase:
    """Send all trades, all orders or equity at all bars as CSV: exact numbers, times in UTC, the names of the API."""
    run = get_object_or_404(runs_of(request, RunKind.BACKTEST), id=run_id)
    if run.state != RunState.COMPLETED:
        return error_response(409, f"{run} is {run.state}; only a completed backtest has tables.")
    try:
        result = artifacts.load_result(run)
    except (AlgotradeError, OSError) as error:
        return error_response(404, f"The arrays of {run} cannot be read: {error}")
    columns, rows = FILES[table]
    name = f"backtest-{run.number}-{table}.csv"
    return sent_as_file(request, _lines(columns, rows(run, result)), name, "text/csv; charset=utf-8")


def _lines(columns: tuple[str, ...], rows: Rows) -> Iterator[str]:
    """Yield the file in parts, so that no export holds all rows as text."""
    yield lines_of([columns])
    while part := list(islice(rows, ROWS_AT_ONCE)):
        yield lines_of(map(cell, row) for row in part)


def _trades(_: Run, result: BacktestResult) -> Rows:
    for index in range(len(result.trades)):
        body = bodies.trade_body(result, index)
        yield [body[name] for name in TRADE_COLUMNS]


def _orders(_: Run, result: BacktestResult) -> Rows:
    """Yield orders as they were given, counted from 1 as on the page; what was not filled has no fill's cells."""
    fills = bodies.fills_by_order(result)
    for index in range(len(result.orders)):
        body = bodies.order_body(result, index, fills)
        fill = body["fill"] or {}
        told = {**body, "number": body["id"] + 1}
        yield [told[name] for name in ORDER_COLUMNS] + [fill.get(name) for name in FILL_COLUMNS]


def _equity(run: Run, result: BacktestResult) -> Rows:
    curves = equity_curves(run, result)
    for first in range(0, result.n_bars, ROWS_AT_ONCE):
        part = slice(first, first + ROWS_AT_ONCE)
        for at, *values in zip(result.time[part].tolist(), *(curve[part].tolist() for curve in curves), strict=True):
            yield [bodies.iso_ns(at), *values]


FILES: dict[str, tuple[tuple[str, ...], Callable[[Run, BacktestResult], Rows]]] = {
    "trades": (TRADE_COLUMNS, _trades),
    "orders": (ORDER_COLUMNS + FILL_COLUMNS, _orders),
    "equity": (EQUITY_COLUMNS, _equity),
}
"""Columns and rows of each file, by the table's name in its address."""
