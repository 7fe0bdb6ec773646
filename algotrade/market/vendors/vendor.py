"""Vendor: the protocol of whoever gives candles, and how one says no."""

from collections.abc import Mapping
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from algotrade.errors import MarketDataError
from algotrade.market.instruments import Instrument

COLUMNS = 6
"""Columns of a row: time in ms, open, high, low, close, volume."""
Rows = NDArray[np.float64]
"""float64[n, COLUMNS]: open time in Unix ms (exact up to 2**53), open, high, low, close, volume."""


class TryAgain(MarketDataError):
    """The vendor could not answer now: too many requests, a broken connection, an answer that makes no sense.

    Attributes:
        retry_after: seconds that the vendor asks to wait; None when it does not say.
    """

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        self.retry_after = retry_after
        super().__init__(message)


class Vendor(Protocol):
    """Whoever sells or gives candles.

    Attributes:
        title: what people call it.
        page_bars: most bars that it gives at once.
    """

    title: str
    page_bars: int

    def timeframes(self) -> tuple[str, ...]:
        """Return the timeframes it has, shortest first; known without asking it."""

    def instruments(self) -> Mapping[str, Instrument]:
        """Return what it has candles of, by asset.

        Raises:
            TryAgain: it did not answer.
            MarketDataError: it refuses.
        """

    def fetch(self, asset: str, timeframe: str, since_ns: int, limit: int) -> Rows:
        """Return finished bars from `since_ns` on, at most about `limit`; in any order, perhaps with others among them.

        No row may mean that there are none in the next `limit` bars' time, not that there are none later.

        Raises:
            TryAgain: it did not answer.
            MarketDataError: it refuses.
        """
