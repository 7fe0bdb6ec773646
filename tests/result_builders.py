"""Builders of results for tests of whatever reads them: small, complete, changed by keyword."""

import numpy as np

from algotrade.records import FILL, ORDER, TRADE, OrderStatus, Reason
from algotrade.results import BacktestResult

HOUR_NS = 3_600_000_000_000
DAY_NS = 24 * HOUR_NS
START_NS = 1_704_067_200_000_000_000  # 1 January 2024, a Monday


def make_trade(profit, *, side=1, bars=(0, 1), qty=1.0, entry=100.0, open_=False, **fields):
    """Return one TRADE; its exit price follows from the profit, as if without commission."""
    row = np.zeros((), TRADE)
    row["side"], row["qty"], row["entry_price"], row["profit"] = side, qty, entry, profit
    row["exit_price"] = entry + side * profit / qty
    row["entry_bar"], row["exit_bar"] = bars
    row["exit_reason"] = Reason.NONE if open_ else Reason.SIGNAL
    for name, value in fields.items():
        row[name] = value
    return row


def make_fill(bar, qty, price, position, **fields):
    """Return one FILL; `position` is the net position after it."""
    row = np.zeros((), FILL)
    row["bar"], row["qty"], row["price"], row["position"] = bar, qty, price, position
    row["reason"] = Reason.SIGNAL
    for name, value in fields.items():
        row[name] = value
    return row


def make_order(status=OrderStatus.FILLED, reason=Reason.NONE):
    """Return one ORDER in a state."""
    row = np.zeros((), ORDER)
    row["status"], row["reason"] = status, reason
    return row


def make_result(equity=(1000.0, 1010.0), *, step_ns=DAY_NS, trades=(), fills=(), orders=(), **changed):
    """Return a result of one bar per equity value, a day apart, from 1 January 2024; the close stands at 100."""
    equity = np.asarray(equity, dtype=np.float64)
    values = {
        "time": START_NS + np.arange(len(equity), dtype=np.int64) * step_ns,
        "close": np.full(len(equity), 100.0),
        "equity": equity,
        "orders": np.array(list(orders), ORDER),
        "fills": np.array(list(fills), FILL),
        "trades": np.array(list(trades), TRADE),
        "cash": float(equity[-1]) if len(equity) else 0.0,
        "position": 0.0,
        "commissions": float(sum(fill["commission"] for fill in fills)),
    }
    return BacktestResult(**(values | changed))
