"""What a report says of a run, arranged for the pages: tiles, the table of metrics, the parameters.

All of it comes from the row: metrics were computed once, by the child. What reads arrays is in blocks.py and tables.py.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from algotrade.market.bars import timeframe_ns
from algotrade.metrics import METRICS, Metric
from algotrade.spec import BacktestSpec
from runs.figures import Figure, currency_of
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
FILL_WORDS = {"next_open": "Next bar open", "this_close": "This bar close"}


@dataclass(frozen=True, slots=True)
class MetricRow:
    """One metric for all trades, and for its long and short sides where it has them (else None)."""

    all: Figure
    long: Figure | None
    short: Figure | None


def parameters(run: Run) -> list[Figure]:
    """Return the Parameters card: the strategy's parameters, then the account part of the spec."""
    spec, currency = BacktestSpec.from_dict(run.spec), currency_of(run)
    rows = [Figure(name, value, "code") for name, value in spec.parameters.items()]
    rows += [
        Figure("Initial capital", spec.initial_cash, "money", currency),
        Figure("Commission", spec.commission, "percent", "per side"),
        Figure("Slippage", spec.slippage_ticks, "plain", "tick" if spec.slippage_ticks == 1 else "ticks"),
        Figure("Fill", FILL_WORDS[spec.fill], "text"),
        Figure("Order size", *_size(spec, currency)),
    ]
    if spec.fixed_fee:
        rows.append(Figure("Fixed fee", spec.fixed_fee, "money", f"{currency} per fill"))
    if spec.slippage_frac:
        rows.append(Figure("Slippage of price", spec.slippage_frac, "percent"))
    if spec.margin_ratio != 1.0:
        rows.append(Figure("Short margin", spec.margin_ratio, "share"))
    if spec.risk_free_rate:
        rows.append(Figure("Risk-free rate", spec.risk_free_rate, "share", "a year"))
    if spec.close_at_end:
        rows.append(Figure("At the end", "Position closed", "text"))
    rows.append(Figure("Engine", f"{run.inputs['engine']} · {run.inputs['source_hash'][:7]}", "code"))
    return rows


def tiles(run: Run) -> list[Figure]:
    """Return the seven headline figures of a completed run."""
    values, money = _values(run), currency_of(run)
    notes = {
        "total_return": _note("", values.get("net_profit"), "money", money, is_signed=True),
        "buy_and_hold_return": _note("excess", values.get("excess_return"), "fraction", is_signed=True),
        "sharpe_ratio": _note("Sortino", values.get("sortino_ratio"), "ratio"),
        "max_drawdown": _note("longest", values.get("max_drawdown_duration_days"), "days"),
        "profit_factor": _note("expectancy", values.get("expectancy"), "money", money),
        "win_rate": _wins(values),
        "exposure": _note("avg trade", _average_seconds(run, values), "seconds"),
    }
    return [_headline(run, key, note) for key, note in notes.items()]


def metric_groups(run: Run, *, headline: bool) -> list[tuple[str, list[MetricRow]]]:
    """Return the headline metrics, or all the others, by group in the registry's order."""
    chosen = (m for m in METRICS.values() if m.key in _values(run) and (m.key in HEADLINE) == headline)
    return [(name, [_metric_row(run, m) for m in members]) for name, members in groupby(chosen, key=lambda m: m.group)]


def _values(run: Run) -> Mapping[str, Any]:
    values: Mapping[str, Any] = (run.result or {}).get("metrics", {})
    return values


def _reason(run: Run, key: str) -> str:
    return str((run.result or {}).get("reasons", {}).get(key, ""))


def _metric_row(run: Run, metric: Metric) -> MetricRow:
    sides = [
        Figure(
            metric.label,
            _values(run).get(prefix + metric.key),
            metric.unit,
            is_signed=metric.is_signed,
            help=metric.help,
            reason=_reason(run, prefix + metric.key),
        )
        for prefix in (("", "long.", "short.") if metric.has_sides else ("",))
    ]
    return MetricRow(sides[0], *(sides[1:] or (None, None)))


def _headline(run: Run, key: str, note: Figure | None) -> Figure:
    metric = METRICS[key]
    return Figure(
        "Net profit" if key == "total_return" else metric.label,
        _values(run).get(key),
        metric.unit,
        is_signed=key in ("total_return", "buy_and_hold_return"),
        is_coloured=key == "total_return",  # the strategy's own result stands out
        help=metric.help,
        reason=_reason(run, key),
        note=note,
    )


def _note(label: str, value: Any, unit: str, currency: str = "", *, is_signed: bool = False) -> Figure | None:
    return None if value is None else Figure(label, value, unit, currency, is_signed=is_signed)


def _wins(values: Mapping[str, Any]) -> Figure:
    n_trades = values.get("trades") or 0
    if not n_trades:
        return Figure("", "No trades", "text")
    return Figure("", f"{values.get('winning_trades') or 0:,} of {n_trades:,} trades", "text")


def _average_seconds(run: Run, values: Mapping[str, Any]) -> float | None:
    bars = values.get("average_bars_held")
    return None if bars is None else bars * timeframe_ns(run.timeframe) / 1e9


def _size(spec: BacktestSpec, currency: str) -> tuple[float, str, str]:
    value = spec.sizing.value
    return {
        "equity_fraction": (value, "share", "of equity"),
        "quantity": (value, "plain", "units"),
        "quote": (value, "money", currency),
    }[spec.sizing.kind]
