"""A report's tables as files for spreadsheets: every trade, every order, equity at every bar."""

import uuid
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_GET
from pydantic import BaseModel

from algotrade.errors import AlgotradeError
from algotrade.results import BacktestResult
from runs import artifacts
from runs.api.errors import error_response
from runs.backtests.kind import BACKTEST
from runs.backtests.rows import OrderFill, OrderRow, TradeRow, fills_by_order
from runs.backtests.tables import equity_curves
from runs.display.spreadsheets import cell, lines_of, sent_as_csv
from runs.display.times import iso_ns
from runs.models import Run, RunState
from runs.views.run_pages import runs_of

ROWS_AT_ONCE = 2_000
Rows = Iterator[list[Any]]


def _columns(row: type[BaseModel]) -> tuple[str, ...]:
    """Return the names of a row's fields as answers and files have them."""
    return tuple(field.serialization_alias or name for name, field in row.model_fields.items())


TRADE_COLUMNS = _columns(TradeRow)
FILL_COLUMNS = _columns(OrderFill)
ORDER_COLUMNS = ("number", *_columns(OrderRow)[1:-1], *FILL_COLUMNS)
NO_FILL = [None] * len(FILL_COLUMNS)
EQUITY_COLUMNS = ("time", "equity", "hold", "drawdown")


@require_GET
def backtest_csv(request: HttpRequest, run_id: uuid.UUID, table: str) -> HttpResponseBase:
    """Send all trades, all orders or equity at all bars as CSV: exact numbers, times in UTC, the names of the API."""
    run = get_object_or_404(runs_of(request, BACKTEST), id=run_id)
    if run.state != RunState.COMPLETED:
        return error_response(409, f"{run} is {run.state}; only a completed backtest has tables.")
    try:
        result = artifacts.load_result(run)
    except (AlgotradeError, OSError) as error:
        return error_response(404, f"The arrays of {run} cannot be read: {error}")
    columns, rows = FILES[table]
    name = f"backtest-{run.number}-{table}.csv"
    return sent_as_csv(request, _lines(columns, rows(run, result)), name)


def _lines(columns: tuple[str, ...], rows: Rows) -> Iterator[str]:
    """Yield the file in parts, so that no export holds all rows as text."""
    yield lines_of([columns])
    while part := list(islice(rows, ROWS_AT_ONCE)):
        yield lines_of(map(cell, row) for row in part)


def _trades(_: Run, result: BacktestResult) -> Rows:
    for index in range(len(result.trades)):
        yield [*vars(TradeRow.of(result, index)).values()]


def _orders(_: Run, result: BacktestResult) -> Rows:
    """Yield orders as they were given, counted from 1 as on the page; what was not filled has no fill's cells."""
    fills = fills_by_order(result)
    for index in range(len(result.orders)):
        order_id, *cells, fill = vars(OrderRow.of(result, index, fills)).values()
        yield [order_id + 1, *cells, *(vars(fill).values() if fill else NO_FILL)]


def _equity(run: Run, result: BacktestResult) -> Rows:
    curves = equity_curves(run, result)
    for first in range(0, result.n_bars, ROWS_AT_ONCE):
        part = slice(first, first + ROWS_AT_ONCE)
        for at, *values in zip(result.time[part].tolist(), *(curve[part].tolist() for curve in curves), strict=True):
            yield [iso_ns(at), *values]


FILES: dict[str, tuple[tuple[str, ...], Callable[[Run, BacktestResult], Rows]]] = {
    "trades": (TRADE_COLUMNS, _trades),
    "orders": (ORDER_COLUMNS, _orders),
    "equity": (EQUITY_COLUMNS, _equity),
}
"""Columns and rows of each file, by the table's name in its address."""
