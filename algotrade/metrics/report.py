"""A result's metrics: the compiled pass, then every formula over its records."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache

import numpy as np
from numpy.typing import NDArray

from algotrade.metrics.findings import find_out
from algotrade.metrics.registry import METRICS, WHOLE_UNITS, Formula, UndefinedMetricError
from algotrade.metrics.stats import SIDES, STATS, Stats
from algotrade.results import BacktestResult

NANOSECONDS_PER_DAY = 86_400 * 10**9


@dataclass(frozen=True, slots=True)
class MetricReport:
    """What is told of a result.

    Attributes:
        values: by key; counts as int, all else as float, None where undefined, never NaN, infinite or -0.0. Keys of the
            sides start with `long.` and `short.`.
        reasons: why a value is undefined, by key; a key is here exactly if its value is None.
        findings: sentences worth knowing about the result.
    """

    values: Mapping[str, float | None]
    reasons: Mapping[str, str]
    findings: tuple[str, ...]


def compute_metrics(
    result: BacktestResult,
    *,
    initial_cash: float,
    days_per_year: float,
    risk_free_rate: float,
    asset: str = "",
    currency: str = "",
) -> MetricReport:
    """Return every metric of a result, of the whole account and of its sides.

    Args:
        result: what the backtest recorded.
        initial_cash: account currency before the first bar, > 0.
        days_per_year: observed trading days per year of the dataset, > 0.
        risk_free_rate: annual fraction, > -1.
        asset: name of the asset, for the findings.
        currency: name of the account currency, for the findings.

    Raises:
        ValueError: one of the numbers is out of its bounds.
    """
    rows = compute_stats(result, initial_cash=initial_cash, days_per_year=days_per_year, risk_free_rate=risk_free_rate)
    values, reasons = evaluate(rows)
    findings = find_out(result, Stats.of(rows[0]), asset=asset, currency=currency)
    return MetricReport(values, reasons, findings)


def compute_stats(
    result: BacktestResult, *, initial_cash: float, days_per_year: float, risk_free_rate: float
) -> NDArray[np.void]:
    """Return STATS[3] of a result, in the order of SIDES; arguments and errors as for `compute_metrics`."""
    # Numba takes a third of a second to load; a web process that only reads METRICS never pays it.
    from algotrade.metrics.stats_nb import stats_nb

    _check("initial_cash", initial_cash, above=0.0)
    _check("days_per_year", days_per_year, above=0.0)
    _check("risk_free_rate", risk_free_rate, above=-1.0)
    rows = np.zeros(len(SIDES), STATS)
    daily_risk_free = (1.0 + risk_free_rate) ** (1.0 / days_per_year) - 1.0
    calendar = _calendar_of(result.time)
    stats_nb(
        result.time,
        calendar.ends,
        calendar.month_ends,
        result.close,
        result.equity,
        result.fills,
        result.trades,
        float(initial_cash),
        float(days_per_year),
        daily_risk_free,
        int(result.ruined_bar is not None),
        rows,
    )
    for name, total in result.charges.items():
        rows[0][name] = total
    return rows


def evaluate(rows: NDArray[np.void]) -> tuple[dict[str, float | None], dict[str, str]]:
    """Return values and reasons, as in MetricReport, of STATS[3]."""
    values: dict[str, float | None] = {}
    reasons: dict[str, str] = {}
    for side, row in zip(SIDES, rows, strict=True):
        stats = Stats.of(row)
        is_idle = side != "all" and not stats.n_trades + stats.n_open
        # Its money is the whole account's; no metric of a side reads it, and without it trials have this one in common.
        found = _idle_side(side, stats._replace(final_equity=stats.initial_cash)) if is_idle else _side(side, stats, "")
        values.update(found[0])
        reasons.update(found[1])
    return values, reasons


def _side(side: str, stats: Stats, reason: str) -> tuple[dict[str, float | None], dict[str, str]]:
    """Return values and reasons of one side; `reason` stands for each metric's own, if it is given."""
    values: dict[str, float | None] = {}
    reasons: dict[str, str] = {}
    for key, formula, is_count in _formulas(side):
        try:
            value = formula(stats)
        except UndefinedMetricError as undefined:
            values[key], reasons[key] = None, reason or str(undefined)
            continue
        if not math.isfinite(value):
            values[key], reasons[key] = None, "The figure is too large to show."
            continue
        values[key] = int(value) if is_count else value + 0.0  # -0.0 + 0.0 is 0.0
    return values, reasons


@cache
def _formulas(side: str) -> tuple[tuple[str, Formula, bool], ...]:
    """Return key, formula and whether it counts, of each metric that a side has."""
    prefix = "" if side == "all" else f"{side}."
    return tuple(
        (prefix + metric.key, metric.formula, metric.unit in WHOLE_UNITS)
        for metric in METRICS.values()
        if metric.has_sides or not prefix
    )


@lru_cache(maxsize=16)
def _idle_side(side: str, stats: Stats) -> tuple[dict[str, float | None], dict[str, str]]:
    """Return what there is to say of a side without trades: the same in all trials of an optimization."""
    return _side(side, stats, f"There are no {side} trades.")


@dataclass(frozen=True, slots=True)
class _Calendar:
    """Days and months of a range of bars, UTC.

    Attributes:
        time: int64[n_bars], UTC ns, ascending.
        ends: int64[n_days], the index of each day's last bar.
        month_ends: int64[n_months], the index in `ends` of each month's last day.
    """

    time: NDArray[np.int64]
    ends: NDArray[np.int64]
    month_ends: NDArray[np.int64]


_NO_BARS = np.empty(0, dtype=np.int64)
_held = _Calendar(_NO_BARS, _NO_BARS, _NO_BARS)


def _calendar_of(time: NDArray[np.int64]) -> _Calendar:
    """Return the days and months of int64[n_bars], UTC ns, ascending; trials have theirs in common."""
    global _held
    # The same memory, which cannot have been freed because it is held, and read-only, so that it still says the same.
    is_same = len(_held.time) == len(time) and _held.time.ctypes.data == time.ctypes.data
    if not is_same or time.flags.writeable:
        ends = _lasts(time // NANOSECONDS_PER_DAY)
        months = time[ends].astype("datetime64[ns]").astype("datetime64[M]").astype(np.int64)
        _held = _Calendar(time, ends, _lasts(months))
    return _held


def _lasts(values: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the index of the last of each run of equal values."""
    return np.append(np.flatnonzero(values[1:] != values[:-1]), len(values) - 1).astype(np.int64)


def _check(name: str, value: float, *, above: float) -> None:
    """Refuse a number that the formulas would answer with nonsense."""
    if not (math.isfinite(value) and value > above):
        raise ValueError(f"{name} must be a number above {above:g}, not {value!r}.")
