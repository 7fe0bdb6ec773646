"""Report of a backtest from its row, arranged for the pages: tiles, the table of metrics, the parameters.

All of it comes from the row: metrics were computed once, by the child. What reads arrays is in blocks.py and tables.py.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any, get_args

from algotrade.account import Account, AccountField, Group, Sizing, fields_of
from algotrade.metrics import METRICS, Metric
from algotrade.spec import BacktestSpec, ParamValue
from runs.display.figures import Figure, currency_of
from runs.models import Run

HEADLINE = frozenset(
    {
        "net_profit", "total_return", "final_equity", "gross_profit", "gross_loss", "cagr", "buy_and_hold_return",
        "best_month", "worst_month", "volatility", "sharpe_ratio", "sortino_ratio", "calmar_ratio",
        "probabilistic_sharpe_ratio", "max_drawdown", "max_drawdown_duration_days", "trades", "win_rate",
        "profit_factor", "expectancy", "average_win", "average_loss", "largest_loss", "average_bars_held", "exposure",
        "commissions", "slippage",
    }
)  # fmt: skip
"""Metrics that the report shows at once; the others unfold."""
Values = Mapping[str, Any]
"""Metrics by key."""
Reasons = Mapping[str, str]
"""Why a metric is undefined, by key."""


@dataclass(frozen=True, slots=True)
class MetricRow:
    """One metric for all trades, and for its long and short sides where it has them (else None)."""

    all: Figure
    long: Figure | None
    short: Figure | None


MetricGroup = tuple[str, list[MetricRow]]


@dataclass(frozen=True, slots=True)
class MetricTable:
    """The table of metrics: the groups that it shows at once, those that unfold, and how many metrics unfold."""

    main: list[MetricGroup]
    more: list[MetricGroup]
    n_more: int


def parameters(run: Run) -> list[Figure]:
    """Return the Parameters card: the strategy's parameters, then the account part of the spec."""
    spec = BacktestSpec.from_dict(run.spec)
    rows = parameter_rows(spec.parameters)
    rows += account_rows(spec, currency_of(run))
    rows.append(Figure("Engine", f"{run.inputs['engine']} · {run.inputs['source_hash'][:7]}", "code"))
    return rows


def parameter_rows(parameters: Mapping[str, ParamValue]) -> list[Figure]:
    """Return a strategy's parameters."""
    return [Figure(name, value, "code") for name, value in parameters.items()]


def account_rows(account: Account, currency: str) -> list[Figure]:
    """Return an account: costs and orders, and of all else what is not at its default."""
    return [
        _account_row(declared, getattr(account, declared.name), currency)
        for group in get_args(Group)
        for declared in fields_of(group)
        if group != "more" or getattr(account, declared.name) != declared.default
    ]


def _account_row(declared: AccountField, value: Any, currency: str) -> Figure:
    label, per = declared.label, declared.per
    match declared.kind:
        case "sizing":
            return Figure(label, *_size(value, currency))
        case "choice":
            return Figure(label, dict(declared.choices)[value], "text")
        case "flag":
            return Figure(label, declared.yes, "text")
    match declared.unit:
        case "money":
            return Figure(label, value, "money", f"{currency} {per}".strip())
        case "ticks":
            return Figure(label, value, "plain", "tick" if value == 1 else "ticks")
    return Figure(label, value, "percent" if declared.unit == "fee" else "share", per)


def tiles(run: Run) -> list[Figure]:
    """Return the seven headline figures of a completed run."""
    held = (run.result or {}).get("average_held_seconds")
    return tiles_of(_values(run), _reasons(run), currency_of(run), held)


def tiles_of(values: Values, reasons: Reasons, money: str, held_seconds: float | None = None) -> list[Figure]:
    """Return the seven headline figures of a backtest or a trial with these metrics, each with its note.

    Args:
        values: by metric.
        reasons: why a value is undefined, by metric.
        money: the account currency.
        held_seconds: how long a closed trade lasted on average, nights and weekends included; None where nobody
            measured it, as of a trial: bars are told instead.
    """
    notes = {
        "total_return": _note("", values.get("net_profit"), "money", money, is_signed=True),
        "buy_and_hold_return": _note("excess", values.get("excess_return"), "fraction", is_signed=True),
        "sharpe_ratio": _note("Sortino", values.get("sortino_ratio"), "ratio"),
        "max_drawdown": _note("longest", values.get("max_drawdown_duration_days"), "days"),
        "profit_factor": _note("expectancy", values.get("expectancy"), "money", money),
        "win_rate": _wins(values),
        "exposure": _held(values, held_seconds),
    }
    return [headline(values, reasons, key, note) for key, note in notes.items()]


def metric_groups(values: Values, reasons: Reasons, *, headline: bool) -> list[MetricGroup]:
    """Return the headline metrics among these, or all the others, by group in the registry's order."""
    chosen = (m for m in METRICS.values() if m.key in values and (m.key in HEADLINE) == headline)
    grouped = groupby(chosen, key=lambda metric: metric.group)
    return [(name, [_metric_row(values, reasons, metric) for metric in members]) for name, members in grouped]


def metric_table(values: Values, reasons: Reasons) -> MetricTable:
    """Return the headline metrics and the others, each under its group."""
    main, more = (metric_groups(values, reasons, headline=headline) for headline in (True, False))
    return MetricTable(main, more, sum(len(rows) for _, rows in more))


def headline(values: Values, reasons: Reasons, key: str, note: Figure | None = None) -> Figure:
    """Return one headline figure."""
    metric = METRICS[key]
    return Figure(
        metric.label,
        values.get(key),
        metric.unit,
        is_signed=key in ("total_return", "buy_and_hold_return"),
        is_coloured=key == "total_return",  # the strategy's own result stands out
        help=metric.help,
        reason=reasons.get(key, ""),
        note=note,
    )


def metrics_of_run(run: Run) -> MetricTable:
    """Return the table of a completed backtest's metrics."""
    return metric_table(_values(run), _reasons(run))


def _values(run: Run) -> Values:
    values: Values = (run.result or {}).get("metrics", {})
    return values


def _reasons(run: Run) -> Reasons:
    reasons: Reasons = (run.result or {}).get("reasons", {})
    return reasons


def _metric_row(values: Values, reasons: Reasons, metric: Metric) -> MetricRow:
    sides = [
        Figure(
            metric.label,
            values.get(prefix + metric.key),
            metric.unit,
            is_signed=metric.is_signed,
            help=metric.help,
            reason=reasons.get(prefix + metric.key, ""),
        )
        for prefix in (("", "long.", "short.") if metric.has_sides else ("",))
    ]
    return MetricRow(sides[0], *(sides[1:] or (None, None)))


def _note(label: str, value: Any, unit: str, currency: str = "", *, is_signed: bool = False) -> Figure | None:
    return None if value is None else Figure(label, value, unit, currency, is_signed=is_signed)


def _wins(values: Values) -> Figure:
    n_trades = values.get("trades") or 0
    if not n_trades:
        return Figure("", "No trades", "text")
    return Figure("", f"{values.get('winning_trades') or 0:,} of {n_trades:,} trades", "text")


def _held(values: Values, seconds: float | None) -> Figure | None:
    """Return how long a closed trade lasted on average: in time, its bars beside it; or in bars alone."""
    bars = _note("avg trade", values.get("average_bars_held"), "bars", "bars")
    if bars is None or seconds is None:
        return bars
    return Figure(bars.label, seconds, "seconds", help=f"{bars.value:,.1f} bars")


def _size(sizing: Sizing, currency: str) -> tuple[float, str, str]:
    return {
        "equity_fraction": (sizing.value, "share", "of equity"),
        "quantity": (sizing.value, "plain", "units"),
        "quote": (sizing.value, "money", currency),
    }[sizing.kind]
