"""The blocks of a report that read arrays, made ready to be drawn: months, worst drawdowns, the trade histogram."""

import math
from dataclasses import dataclass
from datetime import datetime

from algotrade.metrics import Drawdown, TradeHistogram, YearOfReturns
from runs.display.figures import moment

MONTH_NAMES = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
SHADES = (0.02, 0.05, 0.10)
"""Monthly returns at which the shade of a cell deepens, fractions."""

LEFT, RIGHT, TOP, BOTTOM = 44.0, 458.0, 10.0, 208.0
"""Edges of the histogram's plot in its box of 480 x 236."""
BAR_GAP = 2.0
MARKS_WANTED = 6
MINUS = "\N{MINUS SIGN}"


@dataclass(frozen=True, slots=True)
class MonthCell:
    """One month's return, fraction or None, and the class of its shade."""

    value: float | None
    shade: str


@dataclass(frozen=True, slots=True)
class MonthRow:
    """One year of monthly returns."""

    year: int
    cells: tuple[MonthCell, ...]
    total: float | None


@dataclass(frozen=True, slots=True)
class DrawdownRow:
    """One drawdown: when it began, fraction, and seconds to the trough and to the recovery (None while it is open)."""

    start: datetime
    depth: float
    trough_seconds: float
    recovery_seconds: float | None


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar of the histogram in the units of its box."""

    x: float
    y: float
    width: float
    height: float
    kind: str
    label: str


@dataclass(frozen=True, slots=True)
class Mark:
    """A label of an axis: position along it, its line's text."""

    at: float
    label: str


@dataclass(frozen=True, slots=True)
class Histogram:
    """The drawing of the distribution of trade returns, and its summary in words."""

    n_trades: int
    bars: tuple[Bar, ...]
    lines: tuple[Mark, ...]
    marks: tuple[Mark, ...]
    summary: str


def month_rows(years: list[YearOfReturns]) -> list[MonthRow]:
    """Return the table of monthly returns with shades."""
    return [MonthRow(year.year, tuple(MonthCell(v, _shade(v)) for v in year.months), year.total) for year in years]


def drawdown_rows(drawdowns: list[Drawdown]) -> list[DrawdownRow]:
    """Return the worst drawdowns with times that people read."""
    return [
        DrawdownRow(
            start=moment(drawdown.start_ns),
            depth=drawdown.depth,
            trough_seconds=drawdown.to_trough_seconds,
            recovery_seconds=None if drawdown.recovery_ns is None else drawdown.duration_seconds,
        )
        for drawdown in drawdowns
    ]


def histogram(found: TradeHistogram) -> Histogram:
    """Return the bars, lines and labels of the trade histogram; no bars without trades."""
    if not found.counts:
        return Histogram(found.n_trades, (), (), (), "No trades.")
    most = max(found.counts)
    step = _round_step(most / 3)
    top = max(step * math.ceil(most / step), 1)
    slot = (RIGHT - LEFT) / len(found.counts)
    bars = tuple(_bar(index, count, slot, top, found) for index, count in enumerate(found.counts))
    lines = tuple(Mark(round(_y(value, top), 1), f"{value:,}") for value in range(0, top + 1, step))
    every = max(1, round(len(found.counts) / MARKS_WANTED))
    # Labels stand at edges, counted from zero where zero is among them, so that 0% is always named.
    zero = next((index for index, edge in enumerate(found.edges) if edge == 0), 0)
    marks = tuple(
        Mark(round(LEFT + index * slot, 1), _percent(edge, found.width))
        for index, edge in enumerate(found.edges)
        if (index - zero) % every == 0
    )
    gains = sum(count for count, edge in zip(found.counts, found.edges, strict=False) if edge >= 0)
    losses = found.n_trades - gains
    summary = f"{found.n_trades:,} trade{'' if found.n_trades == 1 else 's'}: {gains:,} not below 0%, {losses:,} below."
    return Histogram(found.n_trades, bars, lines, marks, summary)


def _shade(value: float | None) -> str:
    if not value:
        return ""
    level = 1 + sum(abs(value) >= limit for limit in SHADES)
    return f"{'p' if value > 0 else 'n'}{level}"


def _bar(index: int, count: int, slot: float, top: int, found: TradeHistogram) -> Bar:
    y = _y(count, top)
    return Bar(
        x=round(LEFT + index * slot + min(BAR_GAP, slot / 4) / 2, 2),
        y=round(y, 2),
        width=round(slot - min(BAR_GAP, slot / 4), 2),
        height=round(BOTTOM - y, 2),
        kind="gain" if found.edges[index] >= 0 else "loss",
        label=f"{_span(index, found)}: {count:,} trade{'' if count == 1 else 's'}",
    )


def _span(index: int, found: TradeHistogram) -> str:
    """Return the returns that a bar stands for; the outermost two also hold whatever lies beyond their edge."""
    low, high = (_percent(edge, found.width) for edge in found.edges[index : index + 2])
    if len(found.counts) > 1 and index == 0 and found.edges[1] <= 0:
        return f"Below {high}"
    if len(found.counts) > 1 and index == len(found.counts) - 1 and found.edges[index] >= 0:
        return f"{low} or more"
    return f"{low} to {high}"


def _y(count: float, top: int) -> float:
    return BOTTOM - (BOTTOM - TOP) * count / top


def _round_step(least: float) -> int:
    """Return the smallest of 1, 2, 5 times a power of ten that is not below `least`, at least 1."""
    power = int(10 ** max(0, math.floor(math.log10(max(least, 1)))))
    return next(step * power for step in (1, 2, 5, 10) if step * power >= least)


def _percent(fraction: float, width: float) -> str:
    """Return an edge as percent with the decimals that its width needs."""
    digits = max(0, min(4, -math.floor(math.log10(width * 100) + 1e-9)))
    text = f"{abs(fraction) * 100:.{digits}f}%"
    return ("+" if fraction > 0 else MINUS if fraction < 0 else "") + text
