"""Charges: the cost of holding a position by the time that passes. Works compiled and interpreted."""

from typing import Any

from numba.extending import register_jitable

YEAR_NS = 365 * 86_400 * 1e9


@register_jitable
def charge_nb(account: Any, close: float, elapsed_ns: int) -> None:
    """Take from the cash what the position cost since the bar before, by each rule that charges, and add it up.

    Called at the open of a bar, before orders fill, where a position is held and a field of the account charges.

    Args:
        account: ACCOUNT, changed: its cash, and the total of each Charge.
        close: of the bar before, quote currency.
        elapsed_ns: from that bar's open to this one's, nanoseconds.
    """
    if account.position < 0.0:
        _borrow_nb(account, close, elapsed_ns / YEAR_NS)


@register_jitable
def _borrow_nb(account: Any, close: float, years: float) -> None:
    """Charge a short position for the units that are borrowed."""
    cost = account.borrow_rate * -account.position * close * years
    account.cash -= cost
    account.borrow_costs += cost
