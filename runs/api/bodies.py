"""What goes out: runs, their results and tables, strategies and datasets as JSON types.

Times are ISO 8601 in UTC with a Z, numbers are numbers, what is undefined is null.
"""

import math
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from algotrade.market.preview import Preview
from algotrade.market.store import Dataset
from algotrade.market.versions import Changes
from algotrade.ports import Json
from algotrade.records import OrderKind, OrderStatus, Reason, Side, SizeKind, Verb
from algotrade.results import BacktestResult
from algotrade.strategies.catalog import StrategyInfo
from runs.models import Run, RunState

HEADLINES = {
    "total_return": "total_return",
    "sharpe_ratio": "sharpe_ratio",
    "max_drawdown": "max_drawdown",
    "trades": "n_trades",
}
"""Metrics that a list shows, with the columns that carry them."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def iso(moment: datetime | None) -> str | None:
    """Return a moment of a row, to the millisecond."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z") if moment else None


def iso_ns(nanoseconds: int) -> str:
    """Return int64 UTC ns as text, as short as it is exact to the microsecond."""
    return (EPOCH + timedelta(microseconds=int(nanoseconds) // 1_000)).isoformat().replace("+00:00", "Z")


def iso_seconds(seconds: float) -> str:
    """Return epoch seconds as text."""
    return iso_ns(round(seconds * 1e6) * 1_000)


def number(value: Any) -> float | None:
    """Return a float, or None for what JSON has no number for."""
    value = float(value)
    return value if math.isfinite(value) else None


def spec_body(run: Run) -> Json:
    """Return the spec in the words of a submission: posted again it means the same."""
    spec = dict(run.spec)
    start, end = spec.pop("start_ns"), spec.pop("end_ns")
    names = ("strategy_name", "asset", "exchange", "timeframe")
    return {**{name: spec.pop(name) for name in names}, "start": iso_ns(start), "end": iso_ns(end), **spec}


def status_body(run: Run) -> Json:
    """Return how a run stands, with its curve and, once completed, its result."""
    return {
        **_standing(run),
        "equity": curve(run),
        "error_stack_trace": error_part(run, "trace"),
        "result": result_body(run),
    }


def item_body(run: Run) -> Json:
    """Return a run as an item of a list."""
    is_completed = run.state == RunState.COMPLETED
    metrics = {key: getattr(run, column) for key, column in HEADLINES.items()} if is_completed else None
    return {**_standing(run), **words_body(run), "spec": spec_body(run), "metrics": metrics}


def detail_body(run: Run) -> Json:
    """Return everything about a run but its tables and series."""
    detail = dict(run.error_detail or {}) if run.state == RunState.FAILED else {}
    if "bar_time" in detail:
        detail["bar_time"] = iso_ns(detail["bar_time"])
    return {
        **item_body(run),
        "run_key": run.run_key,
        "inputs": run.inputs,
        "notice": run.notice or None,
        "error_type": run.error_type or None,
        "error_stack_trace": error_part(run, "trace"),
        "error_detail": {name: value for name, value in detail.items() if name != "log"} or None,
        "log": detail.get("log") or (run.result or {}).get("log") or None,
        "result": result_body(run),
    }


def _standing(run: Run) -> Json:
    return {**standing(run), "processed_bars": run.processed, "total_bars": run.total}


def standing(run: Run) -> Json:
    """Return how a run of any kind stands, without its counts."""
    is_running = run.state == RunState.RUNNING
    return {
        "id": str(run.id),
        "number": run.number,
        "status": run.state,
        "rev": run.rev,
        "attempt": run.attempt,
        "phase": run.phase,
        "queue_position": run.queue_position(),
        "rate": run.rate if is_running else None,
        "eta_seconds": run.eta_seconds,
        "created_at": iso(run.created_at),
        "started_at": iso(run.started_at),
        "finished_at": iso(run.finished_at),
        "error_message": error_part(run, "message"),
    }


def words_body(run: Run) -> Json:
    """Return what people wrote about a run."""
    note = run.words
    if note is None:
        return {"title": "", "notes": "", "tags": []}
    return {"title": note.title, "notes": note.notes, "tags": note.tag_list}


def error_part(run: Run, part: str) -> str | None:
    """Return the error's message or trace; null unless failed."""
    if run.state != RunState.FAILED:
        return None
    return run.error_message if part == "message" else run.error_stack_trace


def curve(run: Run) -> list[list[Any]]:
    """Return the curve that the row carries, as [time, equity] pairs; empty before it grows."""
    points = (run.live or {}).get("curve") or {}
    return [
        [iso_seconds(at), value] for at, value in zip(points.get("time", ()), points.get("equity", ()), strict=False)
    ]


def result_body(run: Run) -> Json | None:
    """Return a completed run's result; None before, and for runs that did not complete."""
    if run.state != RunState.COMPLETED or run.result is None:
        return None
    base = f"/api/backtests/{run.id}"
    return {
        "spec": spec_body(run),
        "metrics": run.result.get("metrics", {}),
        "reasons": run.result.get("reasons", {}),
        "findings": run.result.get("findings", []),
        "trades_url": f"{base}/trades",
        "equity_url": f"{base}/equity",
        "orders_url": f"{base}/orders",
    }


def page_body(items: Sequence[Any], total: int, limit: int, offset: int) -> Json:
    """Return one page of a list."""
    return {
        "items": list(items),
        "total": total,
        "limit": limit,
        "offset": offset,
        "has_more": offset + len(items) < total,
    }


def table_page(rows: NDArray[np.void], body: Callable[[int], Json], limit: int, offset: int) -> Json:
    """Return one page of a table, making only the rows that are shown."""
    indices = range(offset, min(offset + limit, len(rows)))
    return page_body([body(index) for index in indices], len(rows), limit, offset)


def trade_body(result: BacktestResult, index: int) -> Json:
    """Return a trade: money in account currency, quantity in units, times of the bars' opens."""
    trade = result.trades[index]
    cost = float(trade["qty"] * trade["entry_price"])
    is_open = int(trade["exit_reason"]) == Reason.NONE
    return {
        "number": index + 1,
        "side": Side(int(trade["side"])).name.lower(),
        "quantity": number(trade["qty"]),
        "entry_time": iso_ns(result.time[trade["entry_bar"]]),
        "entry_price": number(trade["entry_price"]),
        "exit_time": None if is_open else iso_ns(result.time[trade["exit_bar"]]),
        "exit_price": None if is_open else number(trade["exit_price"]),
        "exit_reason": _reason(trade["exit_reason"]),
        "is_open": is_open,
        "bars_held": int(trade["exit_bar"] - trade["entry_bar"]),
        "profit": number(trade["profit"]),
        "return": number(trade["profit"] / cost) if cost else None,
        "commission": number(trade["commission"]),
        "slippage": number(trade["slippage"]),
        "worst_profit": number(trade["mae"]),
        "best_profit": number(trade["mfe"]),
    }


def order_body(result: BacktestResult, index: int, fills: dict[int, int]) -> Json:
    """Return an order with its fill, if it had one; `fills` are rows of result.fills by order id."""
    order = result.orders[index]
    row = fills.get(int(order["id"]))
    done = int(order["done_bar"])
    return {
        "id": int(order["id"]),
        "time": iso_ns(result.time[order["bar"]]),
        "kind": OrderKind(int(order["kind"])).name.lower(),
        "verb": Verb(int(order["verb"])).name.lower(),
        "size_kind": SizeKind(int(order["size_kind"])).name.lower(),
        "size": number(order["size"]),
        "status": OrderStatus(int(order["status"])).name.lower(),
        "reason": _reason(order["reason"]),
        "done_time": iso_ns(result.time[done]) if 0 <= done < result.n_bars else None,
        "fill": None if row is None else _fill_body(result.fills[row]),
    }


def _fill_body(fill: np.void) -> Json:
    return {name: number(fill[key]) for name, key in _FILL_COLUMNS.items()}


_FILL_COLUMNS = {
    "quantity": "qty",
    "price": "price",
    "commission": "commission",
    "slippage": "slippage",
    "position": "position",
}


def fills_by_order(result: BacktestResult) -> dict[int, int]:
    """Return the row of each order's fill; the engine's own fills (order -1) are left out."""
    return {int(order): row for row, order in enumerate(result.fills["order"]) if order >= 0}


def _reason(code: Any) -> str | None:
    reason = Reason(int(code))
    return None if reason == Reason.NONE else reason.name.lower()


def strategy_body(info: StrategyInfo) -> Json:
    """Return what is known of a strategy."""
    return {
        "name": info.name,
        "title": info.title,
        "doc": info.doc,
        "parameters": [param.to_dict() for param in info.params],
        "rules": list(info.rules),
        "compiled": info.compiled,
        "builtin": info.builtin,
        "source_hash": info.source_hash,
        "error": info.error,
    }


def dataset_body(dataset: Dataset) -> Json:
    """Return what is known of a version of a dataset."""
    history = dataset.history
    return {
        "id": dataset.key,
        "asset": dataset.asset,
        "exchange": dataset.exchange,
        "timeframe": dataset.timeframe,
        "version": dataset.version,
        "bars": dataset.n_bars,
        "start": iso_ns(dataset.first_ns),
        "end": iso_ns(dataset.last_ns),
        **dataset.instrument.to_dict(),
        "gaps": dataset.n_gaps,
        "missing_bars": dataset.n_missing_bars,
        "empty_weekdays": dataset.n_empty_weekdays,
        "days_per_year": dataset.days_per_year,
        "synthetic": dataset.synthetic,
        "source": dataset.source,
        "calendar": dataset.calendar,
        "size_bytes": dataset.size_bytes,
        "stored_at": iso_ns(history.stored_ns) if history.stored_ns else None,
        "previous_version": history.previous or None,
        "changes": _changes_body(history.changes),
        "derived_from": {"id": history.derived_from, "version": history.derived_version}
        if history.derived_from
        else None,
    }


def preview_body(preview: Preview) -> Json:
    """Return what a file was found to hold."""
    return {
        "format": preview.format,
        "columns": preview.names,
        "roles": preview.found,
        "shown_columns": preview.shown,
        "first_rows": [{"row": row, "cells": cells} for row, cells in preview.head],
        "last_rows": [{"row": row, "cells": cells} for row, cells in preview.tail],
        "rows": preview.n_rows,
        "needs_time_zone": preview.needs_zone,
        "timeframe": preview.timeframe or None,
        "tick_size": preview.tick_size,
        "bars": preview.n_bars,
        "start": iso_ns(preview.first_ns) if preview.n_bars else None,
        "end": iso_ns(preview.last_ns) if preview.n_bars else None,
        "gaps": preview.n_gaps,
        "missing_bars": preview.n_missing_bars,
        "empty_weekdays": preview.n_empty_weekdays,
        "duplicates": preview.n_duplicates,
        "notes": preview.notes or [preview.time_note],
        "replaces_bars": preview.replaces,
        "changes": _changes_body(preview.changes),
    }


def _changes_body(changes: Changes | None) -> Json | None:
    if changes is None:
        return None
    return {"changed": changes.n_changed, "added": changes.n_added, "removed": changes.n_removed}
