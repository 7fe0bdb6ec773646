"""Metrics: what a result's arrays mean, as figures, sentences and tables.

Here live the compiled pass over a result (stats_nb.py), one formula per metric (returns.py, risk.py, trades.py,
costs.py), the findings and the report's tables. Nothing here runs a backtest, draws, or formats for people; percent
exists at display only. Importing this package does not load numba: a web process may read METRICS for labels and
tooltips.
"""

from algotrade.metrics import returns, risk, trades  # isort: skip  # importing registers the metrics, in display order
from algotrade.metrics import costs  # isort: skip
from algotrade.metrics.registry import METRICS, Metric
from algotrade.metrics.report import MetricReport, compute_metrics, compute_stats, evaluate
from algotrade.metrics.stats import SIDES, STATS, Stats
from algotrade.metrics.tables import (
    Drawdown,
    TradeHistogram,
    YearOfReturns,
    drawdown_series,
    monthly_returns,
    trade_histogram,
    worst_drawdowns,
)

__all__ = [
    "METRICS",
    "SIDES",
    "STATS",
    "Drawdown",
    "Metric",
    "MetricReport",
    "Stats",
    "TradeHistogram",
    "YearOfReturns",
    "compute_metrics",
    "compute_stats",
    "costs",
    "drawdown_series",
    "evaluate",
    "monthly_returns",
    "returns",
    "risk",
    "trade_histogram",
    "trades",
    "worst_drawdowns",
]
