"""Indicators for strategies: TA-Lib behind names that everyone knows.

Each takes and returns float64[n_bars] arrays; values before an indicator is ready are NaN. Value t depends on values up
to t only. Within one run, the same indicator of the same input and parameters is computed once and shared, unless the
input is an array of the strategy's own, which it may change between two calls.
"""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import Any, ParamSpec

import numpy as np
import talib
from cachetools import LRUCache
from numba import njit
from numpy.typing import NDArray

Array = NDArray[np.float64]
P = ParamSpec("P")


MAX_CACHE_BYTES = 512 << 20
"""Indicators kept for further trials, bytes; those not used for longest go first."""


class IndicatorCache:
    """Arrays by indicator, inputs and parameters, read-only; bounded, because trials may go on for hours.

    Inputs are told apart by identity, so an entry keeps its inputs alive: an input that a strategy computes anew for
    each trial is simply never found again.
    """

    def __init__(self, max_bytes: int = MAX_CACHE_BYTES) -> None:
        """Start empty, with room for `max_bytes` of indicators and their inputs."""
        # What alone is larger than all the room takes all of it, and is kept until another one comes.
        self._entries = LRUCache[tuple[Any, ...], tuple[Any, list[Any], int]](
            max_bytes, getsizeof=lambda entry: min(entry[2], max_bytes)
        )

    def get(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Return the indicator's value, computed at the first call."""
        key = (function, *(_key(value) for value in args), *((name, _key(kwargs[name])) for name in sorted(kwargs)))
        if (entry := self._entries.get(key)) is not None:
            return entry[0]
        inputs = [value for value in (*args, *kwargs.values()) if isinstance(value, np.ndarray)]
        value = function(*args, **kwargs)
        arrays = value if isinstance(value, tuple) else (value,)
        for array in arrays:
            array.flags.writeable = False
        self._entries[key] = (value, inputs, sum(array.nbytes for array in (*arrays, *inputs)))
        return value


_cache: ContextVar[IndicatorCache | None] = ContextVar("indicator_cache", default=None)


@contextmanager
def shared(cache: IndicatorCache) -> Iterator[None]:
    """Share indicators through `cache` while the block runs."""
    token = _cache.set(cache)
    try:
        yield
    finally:
        _cache.reset(token)


def _key(value: Any) -> Any:
    return ("array", id(value)) if isinstance(value, np.ndarray) else value


def _is_shareable(value: Any) -> bool:
    """Whether an input stays what it is: prices and cached values do, an author may change others."""
    return not isinstance(value, np.ndarray) or not value.flags.writeable


def _indicator(function: Callable[P, Any]) -> Callable[P, Any]:
    @wraps(function)
    def cached(*args: P.args, **kwargs: P.kwargs) -> Any:
        cache = _cache.get()
        if cache is None or not all(map(_is_shareable, (*args, *kwargs.values()))):
            return function(*args, **kwargs)
        return cache.get(function, args, kwargs)

    return cached


def _ready(compute: Callable[..., Any], inputs: tuple[Array, ...], *parameters: float, outputs: int = 1) -> Any:
    """Call TA-Lib on the part where every input is ready: it would otherwise spread a leading NaN over everything."""
    columns = [np.ascontiguousarray(values, dtype=np.float64) for values in inputs]
    n_bars = len(columns[0])
    first = _first_ready(columns)
    if first == 0:
        return compute(*columns, *parameters)
    out = [np.full(n_bars, np.nan) for _ in range(outputs)]
    if first < n_bars:
        found = compute(*(column[first:] for column in columns), *parameters)
        for array, values in zip(out, found if outputs > 1 else (found,), strict=True):
            array[first:] = values
    return out[0] if outputs == 1 else tuple(out)


def _first_ready(columns: list[Array]) -> int:
    """Return the first row in which no column is NaN, or the number of rows."""
    if len(columns[0]) and not any(math.isnan(column[0]) for column in columns):
        return 0  # prices, and whatever else needs no warm-up: not worth a pass over all rows
    is_ready = ~np.isnan(np.vstack(columns)).any(axis=0)
    return int(np.argmax(is_ready)) if is_ready.any() else len(columns[0])


def _length(length: float, least: int = 1) -> int:
    if int(length) != length or not least <= length <= 100_000:
        raise ValueError(f"An indicator's length must be a whole number from {least} to 100,000; it is {length}.")
    return int(length)


@_indicator
def sma(values: Array, length: int) -> Array:
    """Return the simple moving average over `length` bars."""
    return _ready(talib.SMA, (values,), _length(length)) if length != 1 else values.copy()


@_indicator
def ema(values: Array, length: int) -> Array:
    """Return the exponential moving average with alpha 2 / (length + 1), begun with the simple one."""
    return _ready(talib.EMA, (values,), _length(length)) if length != 1 else values.copy()


@_indicator
def wma(values: Array, length: int) -> Array:
    """Return the linearly weighted moving average over `length` bars."""
    return _ready(talib.WMA, (values,), _length(length)) if length != 1 else values.copy()


@_indicator
def rsi(values: Array, length: int = 14) -> Array:
    """Return the relative strength index (Wilder 1978), 0 to 100."""
    return _ready(talib.RSI, (values,), _length(length, 2))


@_indicator
def roc(values: Array, length: int = 10) -> Array:
    """Return the rate of change over `length` bars, percent."""
    return _ready(talib.ROC, (values,), _length(length))


@_indicator
def stddev(values: Array, length: int = 20) -> Array:
    """Return the population standard deviation over `length` bars."""
    return _ready(talib.STDDEV, (values,), _length(length, 2))


@_indicator
def highest(values: Array, length: int) -> Array:
    """Return the highest value of the last `length` bars, this one included."""
    return _ready(talib.MAX, (values,), _length(length, 2))


@_indicator
def lowest(values: Array, length: int) -> Array:
    """Return the lowest value of the last `length` bars, this one included."""
    return _ready(talib.MIN, (values,), _length(length, 2))


@_indicator
def atr(high: Array, low: Array, close: Array, length: int = 14) -> Array:
    """Return the average true range (Wilder 1978), in price units."""
    return _ready(talib.ATR, (high, low, close), _length(length))


@_indicator
def adx(high: Array, low: Array, close: Array, length: int = 14) -> Array:
    """Return the average directional index (Wilder 1978), 0 to 100."""
    return _ready(talib.ADX, (high, low, close), _length(length, 2))


@_indicator
def macd(values: Array, fast: int = 12, slow: int = 26, signal: int = 9) -> tuple[Array, Array, Array]:
    """Return the MACD line, its signal line and their difference."""
    lengths = _length(fast, 2), _length(slow, 2), _length(signal)
    found: tuple[Array, Array, Array] = _ready(talib.MACD, (values,), *lengths, outputs=3)
    return found


@_indicator
def bollinger(values: Array, length: int = 20, width: float = 2.0) -> tuple[Array, Array, Array]:
    """Return the upper, middle and lower band: the average, and `width` population standard deviations off it."""
    found: tuple[Array, Array, Array] = _ready(talib.BBANDS, (values,), _length(length, 2), width, width, outputs=3)
    return found


@_indicator
def supertrend(high: Array, low: Array, close: Array, length: int = 10, width: float = 3.0) -> Array:
    """Return the Supertrend line (Seban 2008): below the price while the trend is up, above it while it is down.

    It stands `width` average true ranges off the bar's middle and only ever moves closer, until the close crosses it.
    """
    reach = width * atr(high, low, close, length)
    middle = (high + low) / 2.0
    line: Array = _ready(_trailing_nb, (close, middle + reach, middle - reach))
    return line


@njit(nogil=True, cache=True)
def _trailing_nb(close: Array, above: Array, below: Array) -> Array:
    """Follow one of two bands, float64[n_bars] each and ready, and change over when the close crosses it."""
    line = np.empty_like(close)
    upper, lower, is_up = above[0], below[0], False
    line[0] = upper
    for bar in range(1, len(close)):
        # A band is let go, instead of being moved closer, only after the close was beyond it.
        upper = above[bar] if close[bar - 1] > upper else min(upper, above[bar])
        lower = below[bar] if close[bar - 1] < lower else max(lower, below[bar])
        is_up = close[bar] >= lower if is_up else close[bar] > upper
        line[bar] = lower if is_up else upper
    return line
