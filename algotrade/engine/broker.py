"""Broker: the verbs that a strategy's `on_bar` acts with, and a few helpers. One source, compiled and interpreted.

The broker is a namedtuple of the account and the orders, with plain Python methods; numba learns the same methods by
overloads on that one class. (A jitclass or structref would not interpret, and would not cache.)
"""

import math
from collections import namedtuple
from collections.abc import Callable
from typing import Any

from numba import types
from numba.extending import overload_attribute, overload_method, register_jitable

from algotrade.engine.orders_nb import submit_nb
from algotrade.records import SizeKind, Verb

BUY, SELL, CLOSE = int(Verb.BUY), int(Verb.SELL), int(Verb.CLOSE)
EQUITY_FRACTION, QUANTITY, QUOTE = int(SizeKind.EQUITY_FRACTION), int(SizeKind.QUANTITY), int(SizeKind.QUOTE)
ALL = int(SizeKind.ALL)

_Fields = namedtuple("_Fields", "account orders")


@register_jitable
def order_nb(self: Any, verb: int, quantity: Any, fraction: Any, quote: Any) -> None:
    """Give an order of the size that was named, or of the run's own sizing; numba prunes the branches that it can."""
    if (quantity is not None and (fraction is not None or quote is not None)) or (
        fraction is not None and quote is not None
    ):
        raise ValueError("An order has one size: a quantity, a fraction or a quote amount.")
    if quantity is not None:
        submit_nb(self.account, self.orders, verb, QUANTITY, quantity)
    elif fraction is not None:
        if fraction > 1.0:
            raise ValueError("The fraction of an order must be above 0 and at most 1.")
        submit_nb(self.account, self.orders, verb, EQUITY_FRACTION, fraction)
    elif quote is not None:
        submit_nb(self.account, self.orders, verb, QUOTE, quote)
    else:
        submit_nb(self.account, self.orders, verb, self.account.size_kind, self.account["size"])


@register_jitable
def close_nb(self: Any) -> None:
    """Give an order that closes the position, unless there is nothing to close and nothing on its way."""
    if self.account.position != 0.0 or self.account.first_pending != self.account.n_orders:
        submit_nb(self.account, self.orders, CLOSE, ALL, 1.0)


class Broker(_Fields):
    """Takes orders and tells the account. Orders fill after this bar (see algotrade.engine)."""

    __slots__ = ()

    def buy(self, quantity: float | None = None, fraction: float | None = None, quote: float | None = None) -> None:
        """Buy: open or enlarge a long position, or reduce a short one.

        Args:
            quantity: units of the asset.
            fraction: of free equity (of the position, when it reduces one), above 0 and at most 1.
            quote: account currency.

        Without a size the run's sizing counts.

        Raises:
            ValueError: the size is not a finite number above 0, or there are two.
        """
        order_nb(self, BUY, quantity, fraction, quote)

    def sell(self, quantity: float | None = None, fraction: float | None = None, quote: float | None = None) -> None:
        """Sell: open or enlarge a short position, or reduce a long one. Sizes as for `buy`."""
        order_nb(self, SELL, quantity, fraction, quote)

    def close(self) -> None:
        """Close the whole position; nothing happens when there is none and no order waits."""
        close_nb(self)

    @property
    def position(self) -> float:
        """Units held now: > 0 long, < 0 short."""
        return float(self.account.position)

    @property
    def cash(self) -> float:
        """Account currency not in the position."""
        return float(self.account.cash)

    @property
    def equity(self) -> float:
        """Account currency, marked at this bar's close."""
        return float(self.account.equity)

    @property
    def entry_price(self) -> float:
        """Quantity-weighted price of the open position; NaN without one."""
        return float(self.account.entry_price) if self.account.position != 0.0 else math.nan

    @property
    def bars_held(self) -> int:
        """Bars since the open position's entry; 0 without one."""
        return int(self.account.bar - self.account.entry_bar) if self.account.position != 0.0 else 0


def _overload_order(name: str, verb: int) -> None:
    def overload(
        self: Any, quantity: Any = None, fraction: Any = None, quote: Any = None
    ) -> Callable[..., None] | None:
        if self.instance_class is not Broker:
            return None

        def give(self: Any, quantity: Any = None, fraction: Any = None, quote: Any = None) -> None:
            order_nb(self, verb, quantity, fraction, quote)

        return give

    overload_method(types.NamedTuple, name)(overload)


_overload_order("buy", BUY)
_overload_order("sell", SELL)


@overload_method(types.NamedTuple, "close")
def _overload_close(self: Any) -> Callable[..., None] | None:
    return close_nb if self.instance_class is Broker else None


def _overload_reading(name: str, read: Callable[[Any], float]) -> None:
    def overload(self):  # type: ignore[no-untyped-def] # numba wants it to be declared exactly as `read`, a lambda, is
        return read if self.instance_class is Broker else None

    overload_attribute(types.NamedTuple, name)(overload)


_overload_reading("position", lambda self: self.account.position)
_overload_reading("cash", lambda self: self.account.cash)
_overload_reading("equity", lambda self: self.account.equity)
_overload_reading("entry_price", lambda self: self.account.entry_price if self.account.position != 0.0 else math.nan)
_overload_reading(
    "bars_held", lambda self: self.account.bar - self.account.entry_bar if self.account.position != 0.0 else 0
)


@register_jitable(forceinline=True)
def crossed_above(first: Any, second: Any) -> bool:
    """Tell whether `first` rose above `second` with this bar: now above, at the bar before not."""
    return len(first) > 1 and first[-1] > second[-1] and first[-2] <= second[-2]


@register_jitable(forceinline=True)
def crossed_below(first: Any, second: Any) -> bool:
    """Tell whether `first` fell below `second` with this bar: now below, at the bar before not."""
    return len(first) > 1 and first[-1] < second[-1] and first[-2] >= second[-2]
