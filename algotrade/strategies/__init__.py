"""Everything that a strategy's author imports, and one file for each strategy that comes with the product.

The names are looked up at their first use: whoever imports only `algotrade.strategies.catalog` (a web process) need not
load the compiler and TA-Lib.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from algotrade.engine.broker import crossed_above, crossed_below
    from algotrade.indicators import (
        adx,
        atr,
        bollinger,
        ema,
        highest,
        lowest,
        macd,
        roc,
        rsi,
        sma,
        stddev,
        supertrend,
        wma,
    )
    from algotrade.strategies.base import Param, Strategy

__all__ = [
    "Param",
    "Strategy",
    "adx",
    "atr",
    "bollinger",
    "crossed_above",
    "crossed_below",
    "ema",
    "highest",
    "lowest",
    "macd",
    "roc",
    "rsi",
    "sma",
    "stddev",
    "supertrend",
    "wma",
]

_HOMES = {
    "Param": "algotrade.strategies.base",
    "Strategy": "algotrade.strategies.base",
    "crossed_above": "algotrade.engine.broker",
    "crossed_below": "algotrade.engine.broker",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES.get(name, "algotrade.indicators")), name)
