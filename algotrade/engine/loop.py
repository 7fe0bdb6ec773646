"""The loop over bars: the order of the rules that `algotrade.engine` has, and nothing else.

`run` is an ordinary function. Called as it stands it is the interpreted gear: strategies with `compiled = False`, the
bar that failed and is run again for its exact traceback, and whoever wants to step through bars with a debugger. For
the compiled gear `splice` takes its source and puts single columns where the tables are; there is no second loop.
"""

from collections.abc import Callable
from typing import Any

from algotrade.engine.account_nb import ruin_nb, watch_nb
from algotrade.engine.broker import Broker
from algotrade.engine.charges_nb import charge_nb
from algotrade.engine.fills_nb import fill_pending_nb
from algotrade.engine.orders_nb import MAX_ORDERS_PER_BAR
from algotrade.engine.views_nb import past_of, row


def run(
    account: Any,
    orders: Any,
    fills: Any,
    trades: Any,
    equity: Any,
    time: Any,
    open: Any,
    high: Any,
    low: Any,
    close: Any,
    bars: Any,
    ind: Any,
    params: Any,
    on_bar: Callable[[Any, Any, Any, Any], object],
    first: int,
    lo: int,
    hi: int,
) -> int:
    """Run bars `lo` to `hi` - 1; return the first one not done: `hi`, or an earlier one for want of room, or in ruin.

    Args:
        account: ACCOUNT, changed as bars go by.
        orders: recorder of ORDER.
        fills: recorder of FILL, with room for one more than there is for orders.
        trades: recorder of TRADE, likewise.
        equity: float64[n_bars of the range], written at each close, account currency.
        time: int64[n_bars], UTC ns, each bar's open.
        open: float64[n_bars], quote currency.
        high: float64[n_bars], quote currency.
        low: float64[n_bars], quote currency.
        close: float64[n_bars], quote currency.
        bars: namedtuple of the columns of bars that `on_bar` sees, float64[n_bars] each.
        ind: likewise of indicators.
        params: the strategy's parameters.
        on_bar: the strategy's function, called once a bar with what is known at its close.
        first: index of the first bar of the range, at which `equity` begins.
        lo: index of the first bar to run.
        hi: index of the bar before which to stop.

    Raises:
        IndexError: a column has fewer values than there are bars to run.
        Exception: whatever `on_bar` raises; `account.bar` tells at which bar.
    """
    for column in (open, high, low, close, *bars, *ind):
        if hi > len(column) or hi > len(time):
            raise IndexError("There are fewer values than bars.")
    broker = Broker(account, orders)
    room = len(orders) - MAX_ORDERS_PER_BAR
    is_charged = account.is_charged != 0
    for i in range(lo, hi):
        if account.n_orders > room:
            return i
        now, bar = row(i), row(i - first)
        price = close[now]
        account.bar = i - first
        # Before the open: what was held is charged for its time.
        if is_charged and account.position != 0.0:
            before = row(i - 1)  # there is one: nothing is held before the first bar
            charge_nb(account, close[before], time[now] - time[before])
        # At the open: what waits is filled.
        if account.first_pending != account.n_orders:
            fill_pending_nb(account, orders, fills, trades, open[now])
        # In the bar: the open position meets its best and worst price.
        position = account.position
        if position != 0.0:
            watch_nb(account, high[now], low[now])
        # At the close: the account is valued, then the strategy decides.
        value = account.cash + position * price
        account.equity = value
        equity[bar] = value
        if value <= 0.0:
            equity[bar] = ruin_nb(account, fills, trades, price)
            return i + 1
        on_bar(past_of(bars, i + 1), past_of(ind, i + 1), params, broker)
        if account.fills_at_close != 0 and account.first_pending != account.n_orders:
            fill_pending_nb(account, orders, fills, trades, price)
            value = account.cash + account.position * price
            account.equity = value
            equity[bar] = value
            if value <= 0.0:
                equity[bar] = ruin_nb(account, fills, trades, price)
                return i + 1
    return hi
