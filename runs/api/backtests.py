"""Backtests: submit, follow, list, read, cancel, delete."""

import uuid
from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router, Status
from ninja.responses import codes_4xx

from algotrade.charts import equity_series
from algotrade.charts.candles import bars_between, buckets
from algotrade.errors import AlgotradeError, MarketDataError
from algotrade.ports import Json
from algotrade.resolve import resolve_backtest, to_ns
from algotrade.results import BacktestResult
from runs import artifacts, throttle
from runs.api import bodies, schemas
from runs.api.access import manageable_backtest, user_of, visible_backtest
from runs.api.errors import ApiError
from runs.api.requests import Paging, RunFilters, Window, chosen_runs, json_object, moment, refuse_unknown
from runs.api.words import WORDS, rewritten
from runs.deletion import delete_run
from runs.models import Run, RunKind, RunState
from runs.price import price_series
from runs.submission import submit

router = Router(tags=["Backtests"])
ERRORS: dict[Any, Any] = {codes_4xx: schemas.ErrorBody}


@router.post(
    "/",
    response={202: schemas.Submitted, **ERRORS},
    summary="Submit a backtest",
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": schemas.SpecBody.model_json_schema(ref_template="{model}")}},
        }
    },
)
def submit_backtest(request: HttpRequest, response: HttpResponse) -> Any:
    """Start a backtest, or find the identical one that is active."""
    user = user_of(request)
    resolved = resolve_backtest(json_object(request), artifacts.catalog(), artifacts.candle_store())
    twin = Run.objects.visible_to(user).identical_completed(resolved.run_key)
    run, is_dedup = submit(resolved, user, per_minute=throttle.API_SUBMISSIONS)
    response["Location"] = f"/api/backtests/{run.id}/status"
    body = {
        "id": str(run.id),
        "number": run.number,
        "status": run.state,
        "total_bars": run.total,
        "is_dedup": is_dedup,
        "identical_to": str(twin.id) if twin else None,
    }
    return Status(202, body)


@router.get("/", response={200: schemas.ItemPage, **ERRORS}, summary="List backtests")
def list_backtests(request: HttpRequest, filters: Query[RunFilters]) -> Json:
    """Return backtests, the newest first."""
    refuse_unknown(request, RunFilters)
    runs = chosen_runs(Run.objects.visible_to(user_of(request)).filter(kind=RunKind.BACKTEST), filters)
    shown = runs[filters.offset : filters.offset + filters.limit]
    return bodies.page_body([bodies.item_body(run) for run in shown], runs.count(), filters.limit, filters.offset)


@router.get("/{uuid:run_id}", response={200: schemas.DetailBody, **ERRORS}, summary="Read a backtest")
def read_backtest(request: HttpRequest, run_id: uuid.UUID) -> Json:
    """Return everything about a backtest but its tables and series."""
    return bodies.detail_body(visible_backtest(request, run_id))


@router.patch(
    "/{uuid:run_id}",
    response={200: schemas.ItemBody, **ERRORS},
    summary="Change title, notes and tags of a backtest",
    openapi_extra=WORDS,
)
def change_backtest(request: HttpRequest, run_id: uuid.UUID) -> Json:
    """Write about a backtest; what the body leaves out stays as it is."""
    return bodies.item_body(rewritten(manageable_backtest(request, run_id), json_object(request)))


@router.delete("/{uuid:run_id}", response={204: None, **ERRORS}, summary="Delete a backtest that has ended")
def delete_backtest(request: HttpRequest, run_id: uuid.UUID) -> Any:
    """Delete a backtest and its files."""
    run = manageable_backtest(request, run_id)
    if not delete_run(run):
        run.refresh_from_db()
        raise ApiError(409, f"{run} is {run.state}; cancel it before deleting it.")
    return Status(204, None)


@router.get("/{uuid:run_id}/status", response={200: schemas.StatusBody, **ERRORS}, summary="Follow a backtest")
def backtest_status(request: HttpRequest, run_id: uuid.UUID) -> Json:
    """Return how a backtest stands, its curve so far, and its result once it is completed."""
    return bodies.status_body(visible_backtest(request, run_id))


@router.post("/{uuid:run_id}/cancel", response={200: schemas.Cancelled, **ERRORS}, summary="Cancel a backtest")
def cancel_backtest(request: HttpRequest, run_id: uuid.UUID) -> Json:
    """Cancel a backtest that waits or runs; the answer is true at once."""
    run = manageable_backtest(request, run_id)
    if not run.mark_cancelled():
        run.refresh_from_db()
        raise ApiError(409, f"{run} is {run.state} already and cannot be cancelled.")
    return {"id": str(run.id), "status": run.state}


@router.get("/{uuid:run_id}/equity", response={200: schemas.SeriesBody, **ERRORS}, summary="Equity of a backtest")
def backtest_equity(request: HttpRequest, run_id: uuid.UUID, window: Query[Window]) -> Json:
    """Return equity, buy and hold and drawdown, reduced to what `px` pixels can show; extremes are kept."""
    refuse_unknown(request, Window)
    start, end = moment("from", window.from_), moment("to", window.to, is_end=True)
    _, result = _result(request, run_id)
    series = equity_series(
        result, from_ns=to_ns(start) if start else None, to_ns=to_ns(end) if end else None, px=window.px
    )
    return {**series, "time": [bodies.iso_seconds(at) for at in series["time"]]}


@router.get(
    "/{uuid:run_id}/candles",
    response={200: schemas.CandlesBody, **ERRORS},
    summary="Candles, indicators and trades of a backtest",
    by_alias=True,
)
def backtest_candles(request: HttpRequest, run_id: uuid.UUID, window: Query[Window]) -> Json:
    """Return the candles that a backtest trades, several bars to one where `px` pixels cannot show each of them."""
    refuse_unknown(request, Window)
    start, end = moment("from", window.from_), moment("to", window.to, is_end=True)
    run = visible_backtest(request, run_id)
    try:
        bars = artifacts.bars_of(run)
    except MarketDataError as error:
        raise ApiError(404, str(error)) from error
    span = bars_between(bars.time, to_ns(start) if start else None, to_ns(end) if end else None)
    series = price_series(run, bars, buckets(*span, len(bars), window.px))
    return {**series, "time": [bodies.iso_seconds(at) for at in series["time"]]}


@router.get("/{uuid:run_id}/trades", response={200: schemas.RowPage, **ERRORS}, summary="Trades of a backtest")
def backtest_trades(request: HttpRequest, run_id: uuid.UUID, paging: Query[Paging]) -> Json:
    """Return closed trades in the order of their exits, then the open one."""
    refuse_unknown(request, Paging)
    _, result = _result(request, run_id)
    return bodies.table_page(result.trades, lambda i: bodies.trade_body(result, i), paging.limit, paging.offset)


@router.get("/{uuid:run_id}/orders", response={200: schemas.RowPage, **ERRORS}, summary="Orders of a backtest")
def backtest_orders(request: HttpRequest, run_id: uuid.UUID, paging: Query[Paging]) -> Json:
    """Return orders as they were given, each with its fill."""
    refuse_unknown(request, Paging)
    _, result = _result(request, run_id)
    fills = bodies.fills_by_order(result)
    return bodies.table_page(result.orders, lambda i: bodies.order_body(result, i, fills), paging.limit, paging.offset)


def _result(request: HttpRequest, run_id: uuid.UUID) -> tuple[Run, BacktestResult]:
    """Return a completed backtest and its arrays.

    Raises:
        ApiError: it is not completed (409), or its files are gone (404).
    """
    run = visible_backtest(request, run_id)
    if run.state != RunState.COMPLETED:
        raise ApiError(409, f"{run} is {run.state}; only a completed backtest has tables and series.")
    try:
        return run, artifacts.load_result(run)
    except (AlgotradeError, OSError) as error:
        raise ApiError(404, f"The arrays of {run} cannot be read: {error}") from error
