"""Parts of a report that load on demand: pages of its tables, its log, its series."""

import uuid
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_GET
from django.views.decorators.vary import vary_on_headers

from algotrade.errors import AlgotradeError, MarketDataError
from runs import artifacts, fragments
from runs.backtests.curves import result_or_none, series_of
from runs.backtests.kind import BACKTEST
from runs.backtests.live import printed
from runs.backtests.price import price_of
from runs.backtests.tables import ROWS_IN_REPORT, ROWS_PER_PAGE, TABLES
from runs.display.figures import tick_of
from runs.models import Run, RunState
from runs.views.responses import HtmxHttpRequest
from runs.views.run_pages import runs_of

NOT_YET = "Trades, orders and equity appear when the backtest finishes."
NEVER_FINISHED = "There are no trades, orders and equity to list: the backtest did not finish."


@require_GET
@vary_on_headers("HX-Request")
def backtest_table(request: HtmxHttpRequest, run_id: uuid.UUID, table: str) -> HttpResponse:
    """Show a page of trades, of orders, of equity by day or of candles: a part for the report, or a page of its own."""
    run = get_object_or_404(runs_of(request, BACKTEST), id=run_id)
    context: dict[str, Any] = {"nav": "runs", "tab": table, **_page_context(run)}
    try:
        result = artifacts.load_result(run) if run.state == RunState.COMPLETED else None
    except (AlgotradeError, OSError) as error:
        context["missing"] = f"The stored arrays cannot be read: {error}"
        return render(request, "backtests/table.html", context)
    if result is None:
        context["missing"] = NEVER_FINISHED if run.is_terminal else NOT_YET
        return render(request, "backtests/table.html", context)
    number = request.GET.get("page", "1")
    size = ROWS_IN_REPORT if request.htmx else ROWS_PER_PAGE
    try:
        page = TABLES[table](run, result, int(number) if number.isdecimal() and len(number) < 10 else 1, size)
    except MarketDataError as error:
        context["missing"] = f"The candles cannot be read: {error}"
        return render(request, "backtests/table.html", context)
    context |= {"result": result, "table": page}
    return render(request, "backtests/report/_table.html" if request.htmx else "backtests/table.html", context)


@require_GET
@vary_on_headers("HX-Request")
def backtest_log(request: HtmxHttpRequest, run_id: uuid.UUID) -> HttpResponse:
    """Show what the strategy printed."""
    run = get_object_or_404(runs_of(request, BACKTEST), id=run_id)
    context: dict[str, Any] = {"nav": "runs", "tab": "log", **_page_context(run), "log": printed(run)}
    if run.state == RunState.COMPLETED:
        context["result"] = result_or_none(run)
    return render(request, "backtests/report/_table.html" if request.htmx else "backtests/table.html", context)


@require_GET
@gzip_page
def backtest_series(request: HttpRequest, run_id: uuid.UUID) -> HttpResponse:
    """Return equity, buy and hold and drawdown of a range (epoch seconds), thinned out to `px` pixels."""
    run = get_object_or_404(runs_of(request, BACKTEST), id=run_id)
    return JsonResponse(series_of(run, request.GET.dict()))


@require_GET
@gzip_page
def backtest_candles(request: HttpRequest, run_id: uuid.UUID) -> HttpResponse:
    """Return the candles of a range with indicators and trades; `windowed` tells what the address may say."""
    run = get_object_or_404(runs_of(request, BACKTEST), id=run_id)
    try:
        return JsonResponse(price_of(run, request.GET.dict()), json_dumps_params={"separators": (",", ":")})
    except MarketDataError as error:
        return JsonResponse({"error": str(error)}, status=404)


def _page_context(run: Run) -> dict[str, Any]:
    """Return what a page below a run's page shows above its table, and what the table names."""
    header = fragments.live_parts(run)["header"]
    return {"run": run, "header": header, "currency": header.standing.subject.currency, "tick": tick_of(run)}
