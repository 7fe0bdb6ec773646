"""Bars in memory: six columns of one length."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from algotrade.errors import MarketDataError

SECOND_NS = 1_000_000_000
DAY_NS = 86_400 * SECOND_NS
_UNITS = {"s": SECOND_NS, "m": 60 * SECOND_NS, "h": 3_600 * SECOND_NS, "d": DAY_NS, "w": 7 * DAY_NS}
COLUMNS = ("open", "high", "low", "close", "volume")


@dataclass(frozen=True, slots=True, eq=False)
class Bars:
    """OHLCV bars, read-only; the columns may be memory maps that several processes share.

    Attributes:
        time: int64[n_bars], UTC ns, each bar's open, strictly increasing.
        open, high, low, close: float64[n_bars], quote currency per unit.
        volume: float64[n_bars], units of the asset; 0 where the source has none.

    Raises:
        MarketDataError: a column has another dtype, shape or length than said here.
    """

    time: NDArray[np.int64]
    open: NDArray[np.float64]
    high: NDArray[np.float64]
    low: NDArray[np.float64]
    close: NDArray[np.float64]
    volume: NDArray[np.float64]

    def __post_init__(self) -> None:
        for name in ("time", *COLUMNS):
            column: NDArray[Any] = getattr(self, name)
            wanted = np.int64 if name == "time" else np.float64
            if column.dtype != wanted or column.shape != (len(self.time),):
                raise MarketDataError(
                    f"{name} must be {np.dtype(wanted)}[{len(self.time)}], not {column.dtype} of shape {column.shape}."
                )
            view = np.ascontiguousarray(column).view()
            view.flags.writeable = False
            object.__setattr__(self, name, view)

    def __len__(self) -> int:
        return len(self.time)

    def slice(self, first: int, last: int) -> Self:
        """Return bars first to last - 1, as views."""
        return type(self)(*(getattr(self, name)[first:last] for name in ("time", *COLUMNS)))

    def between(self, start_ns: int, end_ns: int) -> tuple[int, int]:
        """Return (first, last): the half-open range of bars that open in [start_ns, end_ns], UTC ns, both inclusive."""
        first = int(np.searchsorted(self.time, start_ns, side="left"))
        return first, max(first, int(np.searchsorted(self.time, end_ns, side="right")))


def timeframe_ns(timeframe: str) -> int:
    """Return a timeframe's length in ns: "1m" is 60,000,000,000.

    Raises:
        MarketDataError: it is not a whole number above 0 and one of s, m, h, d, w.
    """
    number, unit = timeframe[:-1], timeframe[-1:]
    if not (
        number.isascii() and number.isdecimal() and len(number) <= 5 and 0 < int(number) <= 10_000 and unit in _UNITS
    ):
        raise MarketDataError(f"The timeframe {timeframe[:20]!r} must be like 1m, 5m, 1h, 4h, 1d or 1w.")
    return int(number) * _UNITS[unit]


def timeframe_name(step_ns: int) -> str:
    """Return a duration as a timeframe in the largest unit that it is a multiple of; empty when it is none."""
    for unit, length_ns in reversed(_UNITS.items()):
        if step_ns > 0 and step_ns % length_ns == 0 and step_ns // length_ns <= 10_000:
            return f"{step_ns // length_ns}{unit}"
    return ""
