"""The nouns of the engine: fixed-size records and the numbers that stand in them.

Records are NumPy structured dtypes (aligned), so the same attribute access works compiled and interpreted, a checkpoint
is one `.copy()`, and a result is saved as it lies in memory. Prices are in quote currency per unit of the asset,
quantities in units of the asset, money in account currency. Bars are counted from 0 at the first bar **of the run's
range**.
"""

from enum import IntEnum

import numpy as np

from algotrade.account import CHARGE_NAMES, NUMBERS


class Side(IntEnum):
    """Direction of an order, fill, position or trade."""

    SHORT = -1
    FLAT = 0
    LONG = 1


class OrderKind(IntEnum):
    """What makes an order fill. Limit, stop and stop-limit orders come with their fill rules."""

    MARKET = 1


class OrderStatus(IntEnum):
    """Where an order is in its life."""

    PENDING = 1
    FILLED = 2
    REJECTED = 3
    CANCELLED = 4


class Verb(IntEnum):
    """What the strategy said; it decides what an order may do to the position."""

    BUY = 1
    SELL = 2
    CLOSE = 3


class SizeKind(IntEnum):
    """Unit of an order's size. ALL is the whole position (close)."""

    EQUITY_FRACTION = 1
    QUANTITY = 2
    QUOTE = 3
    ALL = 4


class Reason(IntEnum):
    """Why a fill happened or an order was rejected."""

    NONE = 0
    SIGNAL = 1
    END_OF_RUN = 2
    LIQUIDATION = 3
    NOT_PAYABLE = 10
    TOO_SMALL = 11
    NOTHING_TO_CLOSE = 12
    NO_NEXT_BAR = 13


ORDER = np.dtype(
    [
        ("id", "i8"),
        ("bar", "i8"),  # bar at which it was decided
        ("kind", "i8"),  # OrderKind
        ("verb", "i8"),  # Verb
        ("size_kind", "i8"),  # SizeKind
        ("size", "f8"),  # in the unit of size_kind; NaN for ALL
        ("status", "i8"),  # OrderStatus
        ("reason", "i8"),  # Reason
        ("done_bar", "i8"),  # bar at which it was filled, rejected or cancelled; -1 while pending
    ],
    align=True,
)

FILL = np.dtype(
    [
        ("bar", "i8"),
        ("order", "i8"),  # ORDER.id; -1 for the engine's own fills (end of run, liquidation)
        ("qty", "f8"),  # signed: > 0 bought
        ("price", "f8"),  # with slippage
        ("commission", "f8"),  # >= 0, fraction and fixed fee together
        ("slippage", "f8"),  # >= 0, money lost against the unslipped price
        ("position", "f8"),  # net position after the fill, signed
        ("reason", "i8"),  # Reason
    ],
    align=True,
)

TRADE = np.dtype(
    [
        ("entry_bar", "i8"),
        ("exit_bar", "i8"),  # last bar of the run while open
        ("side", "i8"),  # Side.LONG or Side.SHORT
        ("qty", "f8"),  # > 0
        ("entry_price", "f8"),  # quantity-weighted
        ("exit_price", "f8"),  # last close while open
        ("commission", "f8"),  # entry and exit share
        ("slippage", "f8"),  # entry and exit share, money
        ("profit", "f8"),  # net of commission
        ("mae", "f8"),  # worst open profit before fees, money, <= 0
        ("mfe", "f8"),  # best open profit before fees, money, >= 0
        ("exit_reason", "i8"),  # Reason; NONE while open
    ],
    align=True,
)

ACCOUNT = np.dtype(
    [
        # What the run was asked for, first each number of an account as it is declared; constant while it runs.
        *((name, "f8") for name in NUMBERS),
        ("slippage_price", "f8"),  # ticks x tick size, price units
        ("tick_size", "f8"),
        ("lot_size", "f8"),
        ("size_kind", "i8"),  # SizeKind of an order without a size
        ("size", "f8"),
        ("fills_at_close", "i8"),  # 1 for fill = this_close
        ("is_charged", "i8"),  # 1 if holding a position may cost something by the time
        # Where it stands.
        ("bar", "i8"),
        ("cash", "f8"),
        ("position", "f8"),  # signed
        ("equity", "f8"),  # at the last mark
        ("commissions", "f8"),
        *((name, "f8") for name in CHARGE_NAMES),  # charged so far
        # The open trade.
        ("entry_bar", "i8"),
        ("entry_price", "f8"),  # quantity-weighted
        ("entry_commission", "f8"),
        ("entry_slippage", "f8"),
        ("best_price", "f8"),  # most favourable price since the last fill
        ("worst_price", "f8"),
        ("best_profit", "f8"),  # highest open profit up to the last fill, of the units held now, quote currency, >= 0
        ("worst_profit", "f8"),  # lowest one, <= 0
        # The recorders.
        ("n_orders", "i8"),
        ("first_pending", "i8"),  # orders from here to n_orders wait for a fill
        ("n_fills", "i8"),
        ("n_trades", "i8"),  # closed
        ("is_ruined", "i8"),
    ],
    align=True,
)
"""The whole state of a run between two bars; its copy is a checkpoint."""
