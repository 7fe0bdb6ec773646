"""Times of candles, in the forms that vendors write them, as UTC nanoseconds."""

from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from algotrade.market.bars import SECOND_NS

_EPOCH = r"^-?([0-9]{9,18}|[0-7][0-9]{18})(\.[0-9]+)?$"  # nothing that int64 cannot hold
_EPOCH_UNITS = ((1e11, SECOND_NS, "seconds"), (1e14, 1_000_000, "milliseconds"), (1e17, 1_000, "microseconds"))
_FORMATS = ("%Y%m%d %H:%M:%S", "%Y%m%d %H:%M", "%Y%m%d", "%Y/%m/%d %H:%M:%S", "%Y/%m/%d %H:%M", "%Y/%m/%d")
FIRST_YEAR, LAST_YEAR = 1800, 2200


def parse_times(column: pa.StringArray) -> tuple[NDArray[np.int64], list[int], str]:
    """Parse a column of times.

    ISO 8601 (with Z, an offset, or none), ``20240131 14:30``, ``2024/01/31``, and Unix time in seconds, milliseconds,
    microseconds or nanoseconds, told apart by their size. A time without an offset is UTC.

    Returns:
        int64[n_rows] UTC ns (0 where faulty), the faulty rows, and a sentence on how the times were read.
    """
    is_epoch = pc.match_substring_regex(column, _EPOCH).to_numpy(zero_copy_only=False)
    if 2 * np.count_nonzero(is_epoch) > len(is_epoch):
        return _epoch(column, is_epoch)
    fast = _fast_iso(column)
    if fast is not None:
        return fast
    return _slow(column.to_pylist())


def _epoch(column: pa.StringArray, is_epoch: NDArray[np.bool_]) -> tuple[NDArray[np.int64], list[int], str]:
    """Parse Unix times; the few rows that are none are faulty."""
    texts = pc.replace_substring_regex(column.filter(pa.array(is_epoch)), r"\..*$", "")
    whole = np.zeros(len(column), np.int64)
    whole[is_epoch] = texts.cast(pa.int64()).to_numpy(zero_copy_only=False)
    size = float(np.median(np.abs(whole[is_epoch])))
    factor, unit = next(((factor, unit) for limit, factor, unit in _EPOCH_UNITS if size < limit), (1, "nanoseconds"))
    limit = (LAST_YEAR - 1970) * 366 * 86_400 * SECOND_NS // factor
    bad = ~is_epoch | (np.abs(whole) > limit)
    time = np.where(bad, 0, whole) * factor
    return time, np.flatnonzero(bad).tolist(), f"Times are Unix {unit}."


def _fast_iso(column: pa.StringArray) -> tuple[NDArray[np.int64], list[int], str] | None:
    """Parse ISO times at once, when every one has the same kind of offset; None when that does not do."""
    try:
        zoned = pc.match_substring_regex(column, r"(Z|[+-][0-9]{2}:?[0-9]{2})$")
        dated = pc.match_substring_regex(column, r"^[0-9]{4}-[0-9]{2}-[0-9]{2}([ T]|$)")
        if not pc.all(dated).as_py():
            return None
        if pc.all(zoned).as_py():
            parsed = column.cast(pa.timestamp("us", "UTC"))
            note = "Times have an offset and were converted to UTC."
        elif not pc.any(zoned).as_py():
            parsed = column.cast(pa.timestamp("us"))
            note = "Times have no offset and were taken as UTC."
        else:
            return None
    except pa.ArrowInvalid:
        return None
    micros = parsed.cast(pa.int64()).to_numpy(zero_copy_only=False)
    year_micros = 365.25 * 86_400 * 1e6
    bad = (micros < (FIRST_YEAR - 1970) * year_micros) | (micros > (LAST_YEAR - 1970) * year_micros)
    return np.where(bad, 0, micros) * 1_000, np.flatnonzero(bad).tolist(), note


def _slow(texts: list[str]) -> tuple[NDArray[np.int64], list[int], str]:
    """Parse one text after the other: mixed or unusual forms, or some are faulty."""
    time = np.zeros(len(texts), np.int64)
    faulty: list[int] = []
    zoned: set[bool] = set()
    for row, text in enumerate(texts):
        moment = _moment(text)
        if moment is None or not FIRST_YEAR <= moment.year <= LAST_YEAR:
            faulty.append(row)
            continue
        zoned.add(moment.tzinfo is not None)
        aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
        time[row] = round(aware.timestamp() * 1_000_000) * 1_000
    if len(zoned) == 2:
        note = "Some times have an offset and some have none; those without were taken as UTC."
    elif zoned == {True}:
        note = "Times have an offset and were converted to UTC."
    else:
        note = "Times have no offset and were taken as UTC."
    return time, faulty, note


def _moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        for form in _FORMATS:
            try:
                return datetime.strptime(text, form)  # noqa: DTZ007 - UTC is given by the caller
            except ValueError:
                continue
    return None
