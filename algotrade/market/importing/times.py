"""Times of candles, in the forms that vendors write them, as UTC nanoseconds."""

from datetime import UTC, datetime
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from algotrade.market.bars import SECOND_NS
from algotrade.market.zones import UTC_NAME, to_utc

_EPOCH = r"^-?([0-9]{9,18}|[0-7][0-9]{18})(\.[0-9]+)?$"  # nothing that int64 cannot hold
_EPOCH_UNITS = ((1e11, SECOND_NS, "seconds"), (1e14, 1_000_000, "milliseconds"), (1e17, 1_000, "microseconds"))
_DATE = r"^([0-9]{4})[-/.]?([0-9]{2})[-/.]?([0-9]{2})([ T]|$)"
_DAY_FIRST = r"^([0-9]{1,2})\.([0-9]{1,2})\.([0-9]{4})([ T]|$)"
"""Dots between day, month and year mean this order wherever they are written."""
_OFFSET = r"([Zz]|[+-][0-9]{2}:?[0-9]{2})$"
FIRST_YEAR, LAST_YEAR = 1800, 2200
EXAMPLE = "2020-01-31T14:00:00Z"


class Times(NamedTuple):
    """A column of times.

    Attributes:
        time: int64[n_rows] UTC ns, 0 where faulty.
        faulty: the faulty rows, in order.
        note: a sentence on how the times were read.
        reasons: what is wrong with a faulty row, where there is more to say than that it is no time.
        needs_zone: whether the times have no offset, so that their zone matters.
    """

    time: NDArray[np.int64]
    faulty: list[int]
    note: str
    reasons: dict[int, str]
    needs_zone: bool


def parse_times(column: pa.StringArray, zone: str = UTC_NAME) -> Times:
    """Parse a column of times.

    ISO 8601 (with Z, an offset, or none), ``20240131 14:30``, ``2024/01/31``, ``2024.01.31``, ``31.01.2024``, and Unix
    time in seconds, milliseconds, microseconds or nanoseconds, told apart by their size. A time without an offset is of
    `zone`; some with and some without are faulty, because nobody knows what was meant.

    Args:
        column: the texts.
        zone: where the clock stood that showed times without an offset.

    Raises:
        MarketDataError: there is no such zone.
    """
    is_epoch = pc.match_substring_regex(column, _EPOCH).to_numpy(zero_copy_only=False)
    if 2 * np.count_nonzero(is_epoch) > len(is_epoch):
        return _epoch(column, is_epoch)
    zoned = pc.match_substring_regex(column, _OFFSET).to_numpy(zero_copy_only=False)
    local, faulty = _fast(column, zoned) or _slow(column, zoned)
    is_bad = np.zeros(len(column), bool)
    is_bad[faulty] = True
    reasons = _mixed(zoned, is_bad)
    has_offset = bool(zoned[~is_bad].all()) and bool(zoned.any())
    if has_offset:
        time = local
    else:
        time, skipped = to_utc(local, zone)
        reasons |= {row: f"was shown by no clock in {zone}" for row in skipped.tolist() if not is_bad[row]}
    is_bad[list(reasons)] = True
    note = (
        "Times have an offset and were converted to UTC." if has_offset else f"Times have no offset; taken as {zone}."
    )
    return Times(np.where(is_bad, 0, time), np.flatnonzero(is_bad).tolist(), note, reasons, not has_offset)


def _mixed(zoned: NDArray[np.bool_], is_bad: NDArray[np.bool_]) -> dict[int, str]:
    """Return the rows of the rarer kind when some times have an offset and some have none."""
    with_offset, without = np.flatnonzero(zoned & ~is_bad), np.flatnonzero(~zoned & ~is_bad)
    if not len(with_offset) or not len(without):
        return {}
    if len(without) <= len(with_offset):
        return dict.fromkeys(without.tolist(), "has no offset from UTC, while other times have one")
    return dict.fromkeys(with_offset.tolist(), "has an offset from UTC, while other times have none")


def _epoch(column: pa.StringArray, is_epoch: NDArray[np.bool_]) -> Times:
    """Parse Unix times; the few rows that are none are faulty."""
    texts = pc.replace_substring_regex(column.filter(pa.array(is_epoch)), r"\..*$", "")
    whole = np.zeros(len(column), np.int64)
    whole[is_epoch] = texts.cast(pa.int64()).to_numpy(zero_copy_only=False)
    size = float(np.median(np.abs(whole[is_epoch])))
    factor, unit = next(((factor, unit) for limit, factor, unit in _EPOCH_UNITS if size < limit), (1, "nanoseconds"))
    limit = (LAST_YEAR - 1970) * 366 * 86_400 * SECOND_NS // factor
    bad = ~is_epoch | (np.abs(whole) > limit)
    time = np.where(bad, 0, whole) * factor
    return Times(time, np.flatnonzero(bad).tolist(), f"Times are Unix {unit}.", {}, needs_zone=False)


def _fast(column: pa.StringArray, zoned: NDArray[np.bool_]) -> tuple[NDArray[np.int64], list[int]] | None:
    """Parse texts at once, when every one is good and has the same kind of offset; None when that does not do."""
    if zoned.any() and not zoned.all():
        return None
    try:
        parsed = _plain(column).cast(pa.timestamp("us", "UTC") if zoned.any() else pa.timestamp("us"))
    except pa.ArrowInvalid:
        return None
    micros = parsed.cast(pa.int64()).to_numpy(zero_copy_only=False)
    year_micros = 365.25 * 86_400 * 1e6
    bad = (micros < (FIRST_YEAR - 1970) * year_micros) | (micros > (LAST_YEAR - 1970) * year_micros)
    return np.where(bad, 0, micros) * 1_000, np.flatnonzero(bad).tolist()


def _plain(column: pa.StringArray) -> pa.StringArray:
    """Return the texts with their dates as 2024-01-31; one that begins otherwise becomes no time at all."""
    if pc.all(pc.match_substring_regex(column, r"^[0-9]{4}-[0-9]{2}-[0-9]{2}([ T]|$)")).as_py():
        return column
    if pc.any(pc.match_substring_regex(column, _DAY_FIRST)).as_py():
        padded = pc.replace_substring_regex(column, _DAY_FIRST, r"\3-0\2-0\1\4")
        column = pc.replace_substring_regex(padded, r"^([0-9]{4})-0?([0-9]{2})-0?([0-9]{2})([ T]|$)", r"\1-\2-\3\4")
    dated = pc.match_substring_regex(column, _DATE)
    return pc.if_else(dated, pc.replace_substring_regex(column, _DATE, r"\1-\2-\3\4"), "")


def _slow(column: pa.StringArray, zoned: NDArray[np.bool_]) -> tuple[NDArray[np.int64], list[int]]:
    """Parse one text after the other: mixed or unusual forms, or some are faulty."""
    time = np.zeros(len(column), np.int64)
    plain = _plain(column)
    is_bad = ~pc.match_substring_regex(plain, r"^[0-9]{4}-").to_numpy(zero_copy_only=False)
    rows = np.flatnonzero(~is_bad)
    for row, text in zip(rows.tolist(), plain.take(pa.array(rows)).to_pylist(), strict=True):
        moment = _moment(text)
        if moment is None or not FIRST_YEAR <= moment.year <= LAST_YEAR:
            is_bad[row] = True
            continue
        zoned[row] = moment.tzinfo is not None
        aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
        time[row] = round(aware.timestamp() * 1_000_000) * 1_000
    return time, np.flatnonzero(is_bad).tolist()


def _moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None
