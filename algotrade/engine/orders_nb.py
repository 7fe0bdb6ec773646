"""The life of an order: given, waiting, filled or rejected. Works compiled and interpreted."""

from typing import Any

from numba.extending import register_jitable

from algotrade.records import OrderKind, OrderStatus

KIND_MARKET = int(OrderKind.MARKET)
PENDING = int(OrderStatus.PENDING)
REJECTED = int(OrderStatus.REJECTED)

MAX_ORDERS_PER_BAR = 64
"""Orders that one bar may bring. The recorders always have room for as many."""


@register_jitable
def submit_nb(account: Any, orders: Any, verb: int, size_kind: int, size: float) -> None:
    """Record a market order that fills after this bar.

    Raises:
        ValueError: the size is not a number above 0.
        RuntimeError: it is the 65th order of this bar.
    """
    if not (size > 0.0 and size < 1e300):
        raise ValueError("The size of an order must be a finite number above 0.")
    number = account.n_orders
    if number - account.first_pending >= MAX_ORDERS_PER_BAR:
        raise RuntimeError("A bar may bring at most 64 orders.")
    order = orders[number]
    order.id = number
    order.bar = account.bar
    order.kind = KIND_MARKET
    order.verb = verb
    order.size_kind = size_kind
    order.size = size
    order.status = PENDING
    order.reason = 0
    order.done_bar = -1
    account.n_orders = number + 1


@register_jitable
def reject_nb(account: Any, order: Any, reason: int) -> None:
    """End an order without a fill, for a reason."""
    order.status = REJECTED
    order.reason = reason
    order.done_bar = account.bar
