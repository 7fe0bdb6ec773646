"""Findings: plain sentences about a result that a trader would want to be told before trusting its figures."""

from datetime import UTC, datetime

import numpy as np

from algotrade.metrics.stats import Stats
from algotrade.records import OrderStatus, Reason, Side
from algotrade.results import BacktestResult

FEW_DAYS = 30
"""Annualised figures from fewer trading days than this are told to be weak."""

ROUNDING_REST = 1e-6
"""A profit before costs that is a smaller part of them than this is what float64 left of none."""

MINUS = "\N{MINUS SIGN}"


def find_out(result: BacktestResult, stats: Stats, *, asset: str = "", currency: str = "") -> tuple[str, ...]:
    """Return what is worth knowing about a result, the gravest first; empty when there is nothing to say.

    Args:
        result: the raw result.
        stats: its STATS record of the whole account.
        asset: name of the asset, for quantities; "units" when empty.
        currency: name of the account currency; left out when empty.
    """
    found = [
        *_ruin(result),
        *_no_trades(result),
        *_open_trade(result, stats, asset or "units", currency),
        *_costs(stats, currency),
        *_rejections(result),
        *_pending(result),
    ]
    if stats.n_days < FEW_DAYS:
        found.append(f"Annualised figures rest on {_count(stats.n_days, 'trading day')} only.")
    return tuple(found)


def _ruin(result: BacktestResult) -> list[str]:
    if result.ruined_bar is None:
        return []
    when = datetime.fromtimestamp(int(result.time[result.ruined_bar]) / 1e9, UTC)
    moment = f"{when.day} {when:%b %Y, %H:%M} UTC"
    return [f"Ruined at bar {result.ruined_bar:,} ({moment}): the position was liquidated and the run ended there."]


def _no_trades(result: BacktestResult) -> list[str]:
    if len(result.trades):
        return []
    return ["No trades." if len(result.orders) else "No trades: the strategy gave no orders."]


def _open_trade(result: BacktestResult, stats: Stats, asset: str, currency: str) -> list[str]:
    if not result.has_open_trade:
        return []
    trade = result.trades[-1]
    side = " short" if trade["side"] == Side.SHORT else ""
    quantity = np.format_float_positional(trade["qty"], precision=8, trim="-")
    return [
        f"The position was still open at the end: {quantity} {asset}{side}, "
        f"{_money(stats.open_profit, currency, signed=True)} unrealised."
    ]


def _costs(stats: Stats, currency: str) -> list[str]:
    costs = stats.commission + stats.slippage
    if not (stats.profit < 0.0 and stats.profit + costs > ROUNDING_REST * costs):
        return []
    gross = _money(stats.profit + costs, currency, signed=True)
    return [f"The trades made {gross} before costs; commission and slippage took {_money(costs, currency)}."]


def _rejections(result: BacktestResult) -> list[str]:
    """Count rejected orders by reason, the most frequent first."""
    rejected = result.orders[result.orders["status"] == OrderStatus.REJECTED]
    reasons, counts = np.unique(rejected["reason"], return_counts=True)
    return [
        f"{_count(counts[row], 'order')} {'was' if counts[row] == 1 else 'were'} rejected: {_reason(reasons[row])}."
        for row in np.argsort(-counts, kind="stable")
    ]


def _pending(result: BacktestResult) -> list[str]:
    orders = result.orders
    is_pending = (orders["status"] == OrderStatus.PENDING) | (orders["reason"] == Reason.NO_NEXT_BAR)
    n_pending = int(np.count_nonzero(is_pending))
    if not n_pending:
        return []
    return [f"{_count(n_pending, 'order')} {'was' if n_pending == 1 else 'were'} still pending at the end."]


def _reason(reason: int) -> str:
    """Return a rejection's reason in words."""
    return Reason(reason).name.lower().replace("_", " ")


def _count(number: int, noun: str) -> str:
    """Return "1 order", "1,200 orders"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _money(value: float, currency: str, *, signed: bool = False) -> str:
    """Return an amount with two decimals, its currency and, if asked for, its sign."""
    text = f"{value:+,.2f}" if signed else f"{value:,.2f}"
    if not any(digit in text for digit in "123456789"):
        text = "0.00"  # no signed zero
    return f"{text.replace('-', MINUS)} {currency}".rstrip()
