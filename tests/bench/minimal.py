"""The least that a backtest of two averages can do: the mark against which the loop's price per bar is measured.

One pass, no orders, no records, no bounds checks: running sums of two averages, a position that follows their cross at
the next open, and the equity of each bar.
"""

from typing import Any

from numba import njit, types

_column = types.Array(types.float64, 1, "C", readonly=True)
_out = types.Array(types.float64, 1, "C")


@njit(types.int64(_column, _column, types.int64, types.int64, types.float64, types.float64, _out), nogil=True)
def run_minimal_loop(open_: Any, close: Any, fast: int, slow: int, cash: float, commission: float, equity: Any) -> int:
    """Trade the cross of two averages of the close, all in, long only.

    Args:
        open_: float64[n_bars], quote currency.
        close: float64[n_bars], quote currency.
        fast: bars of the fast average.
        slow: bars of the slow average, more than `fast`.
        cash: account currency before the first bar.
        commission: fraction of notional per fill.
        equity: float64[n_bars], written: account currency at each close.

    Returns:
        The number of closed trades.
    """
    quick, calm, position, n_trades = 0.0, 0.0, 0.0, 0
    was_above, wants = False, 0
    for bar in range(close.shape[0]):
        price = close[bar]
        if wants != 0:
            if wants > 0:
                position = cash / (open_[bar] * (1.0 + commission))
                cash = 0.0
            elif position > 0.0:
                cash = position * open_[bar] * (1.0 - commission)
                position = 0.0
                n_trades += 1
            wants = 0
        quick += price - (close[bar - fast] if bar >= fast else 0.0)
        calm += price - (close[bar - slow] if bar >= slow else 0.0)
        if bar >= slow - 1:
            is_above = quick / fast > calm / slow
            if is_above != was_above and bar >= slow:
                wants = 1 if is_above else -1
            was_above = is_above
        equity[bar] = cash + position * price
    return n_trades
