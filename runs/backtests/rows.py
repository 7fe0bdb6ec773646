"""Rows of a backtest's tables, as the API's pages and the files for spreadsheets have them."""

import math
from enum import IntEnum
from typing import Annotated, Any, Literal, Self

import numpy as np
from pydantic import BaseModel, BeforeValidator, Field
from pydantic.fields import FieldInfo

from algotrade.records import OrderKind, OrderStatus, Reason, Side, SizeKind, Verb
from algotrade.results import BacktestResult
from runs.display.times import iso_ns


def _one_of(kind: type[IntEnum]) -> FieldInfo:
    """Return the declaration of a text that is the name of a member in small letters."""
    described: FieldInfo = Field(json_schema_extra={"enum": [one.name.lower() for one in kind if one.name != "NONE"]})
    return described


def _name(member: IntEnum) -> str:
    return member.name.lower()


def _reason(code: int) -> str | None:
    return None if code == Reason.NONE else _name(Reason(code))


def _finite(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else value


def _fields(record: np.void) -> dict[str, Any]:
    """Return a record's values by name, as Python's own numbers."""
    return dict(zip(record.dtype.names or (), record.item(), strict=True))


Figure = Annotated[float | None, BeforeValidator(_finite)]
"""A number of a record; null for what JSON has no number for."""
ReasonName = Annotated[str, _one_of(Reason)]


class TradeRow(BaseModel):
    """A trade: money in account currency, quantity in units, times of the bars' opens."""

    number: int = Field(description="From 1, in the order of exits; the open one comes last.")
    side: Literal["long", "short"]
    quantity: Figure
    entry_time: str
    entry_price: Figure
    exit_time: str | None = Field(description="Null while it is open.")
    exit_price: Figure
    exit_reason: ReasonName | None
    is_open: bool
    bars_held: int
    profit: Figure = Field(description="Net of commission.")
    return_: Figure = Field(serialization_alias="return", description="Profit by what the entry cost.")
    commission: Figure
    slippage: Figure
    worst_profit: Figure = Field(description="Lowest open profit before fees, at most 0.")
    best_profit: Figure = Field(description="Highest open profit before fees, at least 0.")

    @classmethod
    def of(cls, result: BacktestResult, index: int) -> Self:
        """Return a row of a result's trades."""
        trade = _fields(result.trades[index])
        cost = trade["qty"] * trade["entry_price"]
        is_open = trade["exit_reason"] == Reason.NONE
        return cls(
            number=index + 1,
            side="long" if trade["side"] == Side.LONG else "short",
            quantity=trade["qty"],
            entry_time=iso_ns(result.time[trade["entry_bar"]]),
            entry_price=trade["entry_price"],
            exit_time=None if is_open else iso_ns(result.time[trade["exit_bar"]]),
            exit_price=None if is_open else trade["exit_price"],
            exit_reason=_reason(trade["exit_reason"]),
            is_open=is_open,
            bars_held=trade["exit_bar"] - trade["entry_bar"],
            profit=trade["profit"],
            return_=trade["profit"] / cost if cost else None,
            commission=trade["commission"],
            slippage=trade["slippage"],
            worst_profit=trade["mae"],
            best_profit=trade["mfe"],
        )


class OrderFill(BaseModel):
    """How an order was filled."""

    quantity: Figure = Field(description="Positive: bought.")
    price: Figure
    commission: Figure
    slippage: Figure
    position: Figure = Field(description="Net position after it; negative: short.")

    @classmethod
    def of(cls, record: np.void) -> Self:
        """Return a row of a result's fills."""
        fill = _fields(record)
        return cls(
            quantity=fill["qty"],
            price=fill["price"],
            commission=fill["commission"],
            slippage=fill["slippage"],
            position=fill["position"],
        )


class OrderRow(BaseModel):
    """An order as it was given, with its fill."""

    id: int
    time: str = Field(description="Of the bar at which it was given.")
    kind: Annotated[str, _one_of(OrderKind)]
    verb: Annotated[str, _one_of(Verb)]
    size_kind: Annotated[str, _one_of(SizeKind)]
    size: Figure
    status: Annotated[str, _one_of(OrderStatus)]
    reason: ReasonName | None
    done_time: str | None = Field(description="Of the bar at which it was filled, rejected or cancelled.")
    fill: OrderFill | None

    @classmethod
    def of(cls, result: BacktestResult, index: int, fills: dict[int, int]) -> Self:
        """Return a row of a result's orders; `fills` is what `fills_by_order` returns."""
        order = _fields(result.orders[index])
        row, done = fills.get(order["id"]), order["done_bar"]
        return cls(
            id=order["id"],
            time=iso_ns(result.time[order["bar"]]),
            kind=_name(OrderKind(order["kind"])),
            verb=_name(Verb(order["verb"])),
            size_kind=_name(SizeKind(order["size_kind"])),
            size=order["size"],
            status=_name(OrderStatus(order["status"])),
            reason=_reason(order["reason"]),
            done_time=iso_ns(result.time[done]) if 0 <= done < result.n_bars else None,
            fill=None if row is None else OrderFill.of(result.fills[row]),
        )


def fills_by_order(result: BacktestResult) -> dict[int, int]:
    """Return the row of each order's fill; the engine's own fills (order -1) are left out."""
    return {int(order): row for row, order in enumerate(result.fills["order"]) if order >= 0}
