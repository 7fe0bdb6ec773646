"""Instruments: price step, quantity step and currency of what is traded."""

import math
import re
from dataclasses import dataclass
from typing import Any

from algotrade.errors import MarketDataError

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")
DEFAULT_LOT_SIZE = 1e-8
SMALLEST_STEP, LARGEST_STEP = 1e-30, 1e12
"""Bounds of price and quantity steps: well below what any asset is counted in, and the largest price that there is."""


@dataclass(frozen=True, slots=True)
class Instrument:
    """One asset on one exchange.

    Attributes:
        asset, exchange: letters, digits, dot, hyphen and underscore; they name files.
        tick_size: smallest price step, quote currency, from 1e-30 to 1e12.
        lot_size: smallest quantity step, units of the asset, from 1e-30 to 1e12; 0 means no rounding.
        currency: quote currency, in which accounts are held.

    Raises:
        MarketDataError: a value is out of these bounds; the message names it.
    """

    asset: str
    exchange: str
    tick_size: float
    lot_size: float = DEFAULT_LOT_SIZE
    currency: str = "USD"

    def __post_init__(self) -> None:
        for field in ("asset", "exchange", "currency"):
            if not _NAME.fullmatch(getattr(self, field)):
                raise MarketDataError(
                    f"The {field} {getattr(self, field)[:60]!r} must be 1 to 40 letters, digits, dots, hyphens or "
                    "underscores, and begin with a letter or digit."
                )
        if not (math.isfinite(self.tick_size) and self.tick_size > 0):
            raise MarketDataError(f"The tick size must be a number above 0; it is {self.tick_size}.")
        if not (math.isfinite(self.lot_size) and self.lot_size >= 0):
            raise MarketDataError(f"The lot size must be a number of at least 0; it is {self.lot_size}.")
        for name, step in (("tick size", self.tick_size), ("lot size", self.lot_size)):
            if step and not SMALLEST_STEP <= step <= LARGEST_STEP:
                raise MarketDataError(f"The {name} must be from {SMALLEST_STEP} to {LARGEST_STEP:g}; it is {step}.")

    def to_dict(self) -> dict[str, Any]:
        """Return the part of a run's inputs that an instrument is: tick_size, lot_size, currency."""
        return {"tick_size": self.tick_size, "lot_size": self.lot_size, "currency": self.currency}
