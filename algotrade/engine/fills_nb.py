"""Fills: which orders fill, at what price and size. Compiled and interpreted."""

from typing import Any

import numpy as np
from numba.extending import register_jitable

from algotrade.engine.account_nb import apply_fill_nb
from algotrade.engine.orders_nb import reject_nb
from algotrade.records import OrderStatus, Reason, SizeKind, Verb

BUY, CLOSE = int(Verb.BUY), int(Verb.CLOSE)
EQUITY_FRACTION, QUANTITY, QUOTE = int(SizeKind.EQUITY_FRACTION), int(SizeKind.QUANTITY), int(SizeKind.QUOTE)
FILLED = int(OrderStatus.FILLED)
SIGNAL, NOT_PAYABLE = int(Reason.SIGNAL), int(Reason.NOT_PAYABLE)
TOO_SMALL, NOTHING_TO_CLOSE = int(Reason.TOO_SMALL), int(Reason.NOTHING_TO_CLOSE)

ROUNDING = 1e-9
"""Share of a price by which an all-in order may overdraw the account through rounding alone; the cash is then 0."""
ULPS = 2.0**-50
"""Share of a number of lots that rounding alone may cost it: 0.3 / 0.1 is 2.9999999999999996, and means 3 lots."""


@register_jitable
def fill_pending_nb(account: Any, orders: Any, fills: Any, trades: Any, price: float) -> None:
    """Fill every waiting order in turn at `price` (a bar's open, or its close), or reject it."""
    for number in range(account.first_pending, account.n_orders):
        fill_market_nb(account, orders[number], fills, trades, price)
    account.first_pending = account.n_orders


@register_jitable
def fill_market_nb(account: Any, order: Any, fills: Any, trades: Any, price: float) -> None:
    """Fill one market order, or reject it with the reason."""
    position = account.position
    if order.verb == CLOSE:
        direction = -1.0 if position > 0.0 else 1.0
    else:
        direction = 1.0 if order.verb == BUY else -1.0
    slipped = _slipped_nb(account, price, direction)
    if order.verb == CLOSE:
        size = abs(position)
        reason = NOTHING_TO_CLOSE if size == 0.0 else 0
    elif position * direction < 0.0:
        size = _reducing_size_nb(account, order, slipped)
        reason = TOO_SMALL if size == 0.0 else 0
        if reason == 0 and not _leaves_no_debt_nb(account, size, slipped):
            reason = NOT_PAYABLE
    else:
        size = _opening_size_nb(account, order, slipped, direction)
        reason = TOO_SMALL if size == 0.0 else 0
        if reason == 0 and not _is_payable_nb(account, order, size, slipped, direction):
            reason = NOT_PAYABLE
    if reason != 0:
        reject_nb(account, order, reason)
        return
    apply_fill_nb(account, fills, trades, order.id, direction * size, slipped, abs(slipped - price), SIGNAL)
    if account.cash < 0.0 and direction > 0.0 and account.position > 0.0:
        # An all-in purchase without lots can miss zero by a rounding; more than that was refused above.
        account.cash = 0.0
    order.status = FILLED
    order.reason = SIGNAL
    order.done_bar = account.bar


@register_jitable
def _slipped_nb(account: Any, price: float, direction: float) -> float:
    """Return the price after adverse slippage, which takes a sale to one tick at most, and never above its price."""
    slipped = (price + direction * account.slippage_price) * (1.0 + direction * account.slippage_frac)
    return max(slipped, min(price, account.tick_size)) if direction < 0.0 else slipped


@register_jitable
def _to_lot_nb(account: Any, quantity: float) -> float:
    """Round a quantity toward zero to the lot; a number of lots may be larger than any integer of 64 bits."""
    lot = account.lot_size
    return np.floor(quantity / lot * (1.0 + ULPS)) * lot if lot > 0.0 else quantity


@register_jitable
def _free_nb(account: Any, price: float) -> float:
    """Return the equity that no position ties up, valued at `price`."""
    if account.position >= 0.0:
        return account.cash
    return account.cash + account.position * price * (1.0 + account.margin_ratio)


@register_jitable
def _cost_nb(account: Any, price: float, direction: float) -> float:
    """Return what one more unit ties up: its price or its margin, and the commission."""
    return price * ((1.0 if direction > 0.0 else account.margin_ratio) + account.commission)


@register_jitable
def _opening_size_nb(account: Any, order: Any, price: float, direction: float) -> float:
    """Return the units that an order which opens or enlarges the position asks for."""
    size = order["size"]  # not order.size: interpreted, that is what NumPy calls the size of a record, 1
    if order.size_kind == QUANTITY:
        return _to_lot_nb(account, size)
    money = size if order.size_kind == QUOTE else size * (_free_nb(account, price) - account.fixed_fee)
    return max(0.0, _to_lot_nb(account, money / _cost_nb(account, price, direction)))


@register_jitable
def _reducing_size_nb(account: Any, order: Any, price: float) -> float:
    """Return the units that an order against the position takes off it: at most all of them."""
    held, size = abs(account.position), order["size"]
    if order.size_kind == EQUITY_FRACTION:
        # Of whole lots: what adding and taking off leaves of rounding would else cost the last one.
        size *= np.rint(held / account.lot_size) * account.lot_size if account.lot_size > 0.0 else held
    elif order.size_kind == QUOTE:
        size /= price
    size = _to_lot_nb(account, size)
    # 0.1 + 0.2 bought and 0.3 sold must leave nothing, not 5.6e-17 units that never go.
    return held if held - size < max(account.lot_size / 2.0, held * ULPS) else size


@register_jitable
def _leaves_no_debt_nb(account: Any, size: float, price: float) -> bool:
    """Tell whether the fees of selling a part of a long position are covered; all of it can always be sold."""
    if account.position <= 0.0 or size == account.position:
        return True
    return account.cash + size * price * (1.0 - account.commission) - account.fixed_fee >= 0.0


@register_jitable
def _is_payable_nb(account: Any, order: Any, size: float, price: float, direction: float) -> bool:
    """Tell whether free equity covers `size` units and the fees."""
    cost = size * _cost_nb(account, price, direction) + account.fixed_fee
    allowance = 0.0 if order.size_kind == QUANTITY else cost * ROUNDING
    return cost <= _free_nb(account, price) + allowance
