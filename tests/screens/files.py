"""Files of candles as people have them: a whole one, a later version of it, one with gaps, one full of faults."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date

from algotrade.market.bars import Bars
from algotrade.market.sample import Character, generate
from runs.display.figures import moment

NOVA = Character(
    asset="NOVA",
    timeframe="1h",
    currency="USD",
    first=date(2023, 1, 2),
    last=date(2024, 12, 31),
    weekdays_only=True,
    open_hour=14,
    close_hour=21,
    price_ticks=4_200,
    tick_size=0.01,
    lot_size=1.0,
    step_ticks=18,
    drift_ticks=2,
    regime_bars=120,
    seed=21,
)
HEADER = "Date,Time,Open,High,Low,Close,Volume"
DATE, _, OPEN, HIGH, LOW, CLOSE, VOLUME = range(7)
UNTIL = "2024-10-01"
MISSING = frozenset((304, 305, 1_111, 2_050))
"""Rows that the first version lacks, and rows that the later one corrects."""
CORRECTED = slice(700, 707)
N_FAULTS = 30
FAULTY_FROM = 40
"""Row of the first fault."""


def first_version() -> str:
    """Return a stock's hours until September, some of them missing."""
    rows = [row for row in _rows(generate(NOVA)) if row < UNTIL]
    return _file(row for at, row in enumerate(rows) if at not in MISSING)


def later_version() -> str:
    """Return the same hours until December: the missing ones are there, a day of them was corrected."""
    rows = [row.split(",") for row in _rows(generate(NOVA))]
    for row in rows[CORRECTED]:
        row[CLOSE] = row[LOW]
    return _file(map(",".join, rows))


def with_gaps() -> str:
    """Return another stock's hours, some missing, some twice."""
    rows = list(_rows(generate(replace(NOVA, seed=22))))
    return _file([*rows[:50], rows[49], rows[49], *rows[50:400], *rows[403:2_000], *rows[2_001:]])


def faulty() -> str:
    """Return a file with faults of several kinds."""
    rows = [row.split(",") for row in _rows(generate(replace(NOVA, seed=23)))]
    kinds = ((OPEN, "n/a"), (HIGH, "0.01"), (CLOSE, "-3.10"), (DATE, "31/31/2023"), (VOLUME, ""))
    for fault in range(N_FAULTS):
        column, text = kinds[fault % len(kinds)]
        rows[FAULTY_FROM + 11 * fault][column] = text
    return _file(map(",".join, rows))


def unnamed() -> str:
    """Return a file whose columns have names that are not known."""
    return with_gaps().replace(HEADER, "Day,Hour,First,Top,Bottom,Last,Shares", 1)


def _rows(bars: Bars) -> Iterable[str]:
    """Return a line a bar; the clock stood in UTC."""
    columns = zip(bars.time, bars.open, bars.high, bars.low, bars.close, bars.volume, strict=True)
    for time, *prices, volume in columns:
        yield ",".join(
            [moment(int(time)).strftime("%Y-%m-%d,%H:%M"), *(f"{price:.2f}" for price in prices), f"{volume:.0f}"]
        )


def _file(rows: Iterable[str]) -> str:
    return "\n".join([HEADER, *rows, ""])
