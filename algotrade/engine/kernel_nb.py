"""The order of one bar, around the strategy's own turn. The loop itself is generated (compile.py)."""

from typing import Any

from numba.extending import register_jitable

from algotrade.engine.account_nb import mark_nb, watch_nb
from algotrade.engine.fills_nb import fill_pending_nb


@register_jitable
def before_strategy_nb(
    account: Any, orders: Any, fills: Any, trades: Any, open_: float, high: float, low: float, close: float
) -> None:
    """Fill what waits at the open, then value the account at the close."""
    if account.first_pending != account.n_orders:
        fill_pending_nb(account, orders, fills, trades, open_)
    if account.position != 0.0:
        watch_nb(account, high, low)
    mark_nb(account, fills, trades, close)


@register_jitable
def after_strategy_nb(account: Any, orders: Any, fills: Any, trades: Any, close: float) -> None:
    """Fill at this close what the strategy decided at it, for `fill = this_close`, and value the account again."""
    fill_pending_nb(account, orders, fills, trades, close)
    mark_nb(account, fills, trades, close)
