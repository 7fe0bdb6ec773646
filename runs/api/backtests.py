"""Backtests: what every run has, and their series and tables."""

import uuid

from django.http import HttpRequest
from ninja import Query

from algotrade.charts import equity_series
from algotrade.charts.candles import bars_between, buckets
from algotrade.errors import AlgotradeError, MarketDataError
from algotrade.ports import Json
from algotrade.resolve import Resolved, resolve_backtest, to_ns
from algotrade.results import BacktestResult
from runs import artifacts
from runs.api.errors import ERRORS, ApiError
from runs.api.requests import Paging, Window, moment, refuse_unknown
from runs.api.run_routes import RunResource, router_of
from runs.backtests import schemas
from runs.backtests.kind import BACKTEST
from runs.backtests.price import price_series
from runs.backtests.rows import OrderRow, TradeRow, fills_by_order
from runs.display.schemas import Page, SubmittedBars
from runs.models import Run, RunState


def _resolve(body: Json) -> Resolved:
    return resolve_backtest(body, artifacts.catalog(), artifacts.candle_store())


BACKTESTS = RunResource(
    kind=BACKTEST,
    resolve=_resolve,
    submission=schemas.SpecBody,
    submitted=SubmittedBars,
    item=schemas.BacktestItem,
    detail=schemas.BacktestDetail,
    status=schemas.BacktestStatus,
    page=Page[schemas.BacktestItem],
)
router = router_of(BACKTESTS)


@router.get("/{uuid:run_id}/equity", response={200: schemas.SeriesBody, **ERRORS}, summary="Equity of a backtest")
def backtest_equity(request: HttpRequest, run_id: uuid.UUID, window: Query[Window]) -> schemas.SeriesBody:
    """Return equity, buy and hold and drawdown, reduced to what `px` pixels can show; extremes are kept."""
    refuse_unknown(request, Window)
    start, end = moment("from", window.from_), moment("to", window.to, is_end=True)
    _, result = _result(request, run_id)
    series = equity_series(
        result, from_ns=to_ns(start) if start else None, to_ns=to_ns(end) if end else None, px=window.px
    )
    return schemas.SeriesBody.of(series)


@router.get(
    "/{uuid:run_id}/candles",
    response={200: schemas.CandlesBody, **ERRORS},
    summary="Candles, indicators and trades of a backtest",
    by_alias=True,
)
def backtest_candles(request: HttpRequest, run_id: uuid.UUID, window: Query[Window]) -> schemas.CandlesBody:
    """Return the candles that a backtest trades, several bars to one where `px` pixels cannot show each of them."""
    refuse_unknown(request, Window)
    start, end = moment("from", window.from_), moment("to", window.to, is_end=True)
    run = BACKTESTS.visible(request, run_id)
    try:
        bars = artifacts.bars_of(run)
    except MarketDataError as error:
        raise ApiError(404, str(error)) from error
    span = bars_between(bars.time, to_ns(start) if start else None, to_ns(end) if end else None)
    return schemas.CandlesBody.of(price_series(run, bars, buckets(*span, len(bars), window.px)))


@router.get(
    "/{uuid:run_id}/trades",
    response={200: Page[TradeRow], **ERRORS},
    summary="Trades of a backtest",
    by_alias=True,
)
def backtest_trades(request: HttpRequest, run_id: uuid.UUID, paging: Query[Paging]) -> Page[TradeRow]:
    """Return closed trades in the order of their exits, then the open one."""
    refuse_unknown(request, Paging)
    _, result = _result(request, run_id)
    rows = range(len(result.trades))
    items = [TradeRow.of(result, row) for row in rows[paging.part]]
    return Page[TradeRow].of(items, len(rows), paging.limit, paging.offset)


@router.get("/{uuid:run_id}/orders", response={200: Page[OrderRow], **ERRORS}, summary="Orders of a backtest")
def backtest_orders(request: HttpRequest, run_id: uuid.UUID, paging: Query[Paging]) -> Page[OrderRow]:
    """Return orders as they were given, each with its fill."""
    refuse_unknown(request, Paging)
    _, result = _result(request, run_id)
    rows, fills = range(len(result.orders)), fills_by_order(result)
    items = [OrderRow.of(result, row, fills) for row in rows[paging.part]]
    return Page[OrderRow].of(items, len(rows), paging.limit, paging.offset)


def _result(request: HttpRequest, run_id: uuid.UUID) -> tuple[Run, BacktestResult]:
    """Return a completed backtest and its arrays.

    Raises:
        ApiError: it is not completed (409), or its files are gone (404).
    """
    run = BACKTESTS.visible(request, run_id)
    if run.state != RunState.COMPLETED:
        raise ApiError(409, f"{run} is {run.state}; only a completed backtest has tables and series.")
    try:
        return run, artifacts.load_result(run)
    except (AlgotradeError, OSError) as error:
        raise ApiError(404, f"The arrays of {run} cannot be read: {error}") from error
