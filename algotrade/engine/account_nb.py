"""Account: the effect of a fill on cash, position and trades; marking at the close. Compiled and interpreted."""

from typing import Any

from numba.extending import register_jitable

from algotrade.records import Reason

LIQUIDATION = int(Reason.LIQUIDATION)


@register_jitable
def apply_fill_nb(
    account: Any, fills: Any, trades: Any, order_id: int, qty: float, price: float, slippage: float, reason: int
) -> None:
    """Book a fill of `qty` units (signed) at `price`; it opens, enlarges or reduces the position, never flips it.

    Args:
        account: ACCOUNT, changed.
        fills: recorder of FILL, with room for one more.
        trades: recorder of TRADE, with room for one more.
        order_id: ORDER.id, or -1 for a fill of the engine's own.
        qty: units, > 0 bought; when it is against the position, at most as many as that.
        price: quote currency, slippage included.
        slippage: price units that the fill lost, >= 0.
        reason: Reason.
    """
    size = abs(qty)
    commission = size * price * account.commission + account.fixed_fee
    lost = size * slippage
    old = account.position
    account.cash -= qty * price + commission
    account.commissions += commission
    if old == 0.0 or (old > 0.0) == (qty > 0.0):
        _enter_nb(account, qty, price, commission, lost)
    else:
        _leave_nb(account, trades, size, price, commission, lost, reason)
    fill = fills[account.n_fills]
    fill.bar = account.bar
    fill.order = order_id
    fill.qty = qty
    fill.price = price
    fill.commission = commission
    fill.slippage = lost
    fill.position = account.position
    fill.reason = reason
    account.n_fills += 1


@register_jitable
def _enter_nb(account: Any, qty: float, price: float, commission: float, lost: float) -> None:
    """Open the position, or add to it at a quantity-weighted price."""
    old = account.position
    if old == 0.0:
        account.position = qty
        account.entry_bar = account.bar
        account.entry_price = price
        account.entry_commission = commission
        account.entry_slippage = lost
        account.best_profit = 0.0
        account.worst_profit = 0.0
    else:
        _keep_moments_nb(account)
        account.entry_price = (account.entry_price * old + price * qty) / (old + qty)
        account.position = old + qty
        account.entry_commission += commission
        account.entry_slippage += lost
    account.best_price = account.entry_price
    account.worst_price = account.entry_price


@register_jitable
def _leave_nb(
    account: Any, trades: Any, size: float, price: float, commission: float, lost: float, reason: int
) -> None:
    """Reduce the position by `size`, and record the trade that this closes."""
    old = account.position
    side = 1.0 if old > 0.0 else -1.0
    share = size / abs(old)
    entry_commission = account.entry_commission * share
    entry_slippage = account.entry_slippage * share
    watch_nb(account, price, price)
    _keep_moments_nb(account)
    trade = trades[account.n_trades]
    trade.entry_bar = account.entry_bar
    trade.exit_bar = account.bar
    trade.side = 1 if old > 0.0 else -1
    trade.qty = size
    trade.entry_price = account.entry_price
    trade.exit_price = price
    trade.commission = entry_commission + commission
    trade.slippage = entry_slippage + lost
    trade.profit = side * size * (price - account.entry_price) - entry_commission - commission
    trade.mae = account.worst_profit * share
    trade.mfe = account.best_profit * share
    trade.exit_reason = reason
    account.n_trades += 1
    account.position = 0.0 if size == abs(old) else old - side * size
    account.entry_commission -= entry_commission
    account.entry_slippage -= entry_slippage
    account.worst_profit -= trade.mae
    account.best_profit -= trade.mfe
    account.best_price = account.entry_price
    account.worst_price = account.entry_price


@register_jitable
def watch_nb(account: Any, high: float, low: float) -> None:
    """Remember the best and worst price that the open position met in this bar."""
    if account.position > 0.0:
        account.best_price = max(account.best_price, high)
        account.worst_price = min(account.worst_price, low)
    elif account.position < 0.0:
        account.best_price = min(account.best_price, low)
        account.worst_price = max(account.worst_price, high)


@register_jitable
def _keep_moments_nb(account: Any) -> None:
    """Keep as money what the best and worst price since the last fill were worth, before the position changes."""
    best = account.position * (account.best_price - account.entry_price)
    worst = account.position * (account.worst_price - account.entry_price)
    if best > account.best_profit:
        account.best_profit = best
    if worst < account.worst_profit:
        account.worst_profit = worst


@register_jitable
def ruin_nb(account: Any, fills: Any, trades: Any, close: float) -> float:
    """End the position of an account without equity at the close; return what is left."""
    if account.position != 0.0:
        apply_fill_nb(account, fills, trades, -1, -account.position, close, 0.0, LIQUIDATION)
        account.equity = account.cash
    account.is_ruined = 1
    return float(account.equity)
