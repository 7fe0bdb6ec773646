"""Figures: a value together with what a page must know to show it: its unit, its sign's meaning, why it is missing."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from algotrade.strategies.catalog import title_of
from runs.models import Run, kind_of

MOST_NAMED_DATASETS = 3
UNITS = (
    "fraction", "ratio", "money", "count", "days", "bars", "flag", "difference", "day", "value", "seconds", "percent",
    "share", "plain", "text", "code",
)  # fmt: skip
"""fraction: shown as percent; percent and share: likewise, with three decimals (fees) or as few as needed; plain: a
number as it was given; code: the same in the mono face; flag: 1 or 0, shown as yes or no; difference: with two decimals
and its sign; value: a parameter as people write it; day: a moment's UTC day."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One labelled value.

    Attributes:
        label: what it is.
        value: number, text or None (undefined).
        unit: one of UNITS.
        currency: of money; the word after the number for text-like units.
        is_signed: whether it is a result whose sign is shown and coloured.
        is_coloured: False keeps a signed result in the colour of the text.
        help: formula or meaning, for the tooltip.
        reason: why the value is undefined.
        note: what stands in small print below or behind it.
    """

    label: str
    value: Any
    unit: str
    currency: str = ""
    is_signed: bool = False
    is_coloured: bool = True
    help: str = ""
    reason: str = ""
    note: "Figure | None" = None


def moment(nanoseconds: int) -> datetime:
    """Return int64 UTC ns as an aware datetime (microseconds)."""
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=int(nanoseconds) // 1_000)


def strategy_title(run: Run) -> str:
    """Return what pages call the run's strategy."""
    return title_of(run.strategy_name)


def dataset_label(run: Run) -> str:
    """Return what pages call the candles of a run: SPY 1h; of many datasets only how many they are."""
    names = [name for name, _ in kind_of(run).datasets(run)] or [(run.asset, run.exchange, run.timeframe)]
    if len(names) > MOST_NAMED_DATASETS:
        return f"{len(names)} datasets"
    return ", ".join(f"{asset} {timeframe}" for asset, _, timeframe in names)


def currency_of(run: Run) -> str:
    """Return the account currency of a run; empty where there is no account."""
    pinned = [inputs for _, inputs in kind_of(run).datasets(run)]
    return str(pinned[0]["instrument"].get("currency", "")) if pinned else ""


def tick_of(run: Run) -> float:
    """Return the tick size of the run's instrument, quote currency; 0 means none."""
    return float(run.inputs["instrument"].get("tick_size") or 0.0)


def value_text(value: Any) -> str:
    """Return a parameter's value as people write it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return f"{value:,.10g}".replace("-", "\N{MINUS SIGN}")
    return str(value)
