"""The live parts of a backtest's page, and its row in the list: which template, and what it says."""

from collections.abc import Callable
from typing import Any

import numpy as np

from algotrade.errors import AlgotradeError
from algotrade.metrics import monthly_returns, trade_histogram, worst_drawdowns
from algotrade.results import BacktestResult
from algotrade.spec import BacktestSpec
from runs import artifacts, report
from runs.blocks import MONTH_NAMES, drawdown_rows, histogram, month_rows
from runs.figures import currency_of, dataset_label, moment, strategy_title, tick_of
from runs.live_parts import header_context, progress_context, row_context
from runs.models import Run, RunState
from runs.phases import Partial, percent_done
from runs.tables import trades_page
from runs.traces import error_report, own_line

OUTCOMES = {
    RunState.PENDING: "runs/_progress.html",
    RunState.RUNNING: "runs/_progress.html",
    RunState.COMPLETED: "runs/_tiles.html",
    RunState.FAILED: "runs/_error.html",
    RunState.CANCELLED: "runs/_cancelled.html",
}


def partials(run: Run) -> list[Partial]:
    """Return template and context of each live part of the run's page."""
    common = common_context(run)
    return [
        ("runs/_header.html", {**common, **_header(run)}),
        (OUTCOMES[RunState(run.state)], {**common, **_outcome(run)}),
        ("runs/_metrics.html", {**common, "metrics": report.metrics_of_run(run)}),
        ("runs/_report.html", {**common, **report_context(run)}),
    ]


def row_partial(run: Run) -> Partial:
    """Return template and context of the run's row in the list."""
    common = common_context(run)
    context = {
        **common,
        **row_context(run),
        "title": common["strategy_title"],
        "detail": common["parameters_text"],
        "result_template": "runs/_row_result.html",
        "error_place": own_line(run),
    }
    return "runs/_row.html", context


def common_context(run: Run) -> dict[str, Any]:
    """Return what every part may name."""
    spec = BacktestSpec.from_dict(run.spec)
    return {
        "run": run,
        "spec": spec,
        "strategy_title": strategy_title(run),
        "dataset_label": dataset_label(run),
        "currency": currency_of(run),
        "tick": tick_of(run),
        "start": moment(spec.start_ns),
        "end": moment(spec.end_ns),
        "parameters_text": ", ".join(f"{name} {value}" for name, value in spec.parameters.items()),
    }


def live_curve(run: Run) -> dict[str, list[float]]:
    """Return the curve that the row carries (a few hundred points) with its drawdown; empty lists before it grows."""
    curve = (run.live or {}).get("curve") or {}
    equity = np.array(curve.get("equity") or [], dtype=np.float64)
    peaks = np.maximum.accumulate(np.maximum(equity, float(run.spec["initial_cash"])))
    return {
        "time": list(curve.get("time") or []),
        "equity": equity.tolist(),
        "hold": list(curve.get("hold") or []),
        "drawdown": np.round(equity / peaks - 1, 6).tolist(),
    }


def report_context(run: Run) -> dict[str, Any]:
    """Return what the lower half of a completed run's report shows; only this reads the run's arrays."""
    if run.state != RunState.COMPLETED:
        return {"log": printed(run)}
    try:
        result = artifacts.load_result(run)
        return {
            "result": result,
            "findings": (run.result or {}).get("findings", []),
            "tab": "trades",
            "table": trades_page(run, result, 1),
            **_summaries(run, result),
        }
    except (AlgotradeError, OSError) as error:
        return {"missing": str(error)}


def printed(run: Run) -> str:
    """Return what the strategy printed while it ran."""
    source = run.result if run.state == RunState.COMPLETED else run.error_detail
    return str((source or {}).get("log") or "").strip()


def _summaries(run: Run, result: BacktestResult) -> dict[str, Any]:
    cash = float(run.spec["initial_cash"])
    return {
        "month_names": MONTH_NAMES,
        "years": month_rows(monthly_returns(result, initial_cash=cash)),
        "drawdowns": drawdown_rows(worst_drawdowns(result, initial_cash=cash)),
        "histogram": histogram(trade_histogram(result)),
    }


def _outcome(run: Run) -> dict[str, Any]:
    """Return what stands below the header in the run's state."""
    by_state: dict[str, Callable[[], dict[str, Any]]] = {
        RunState.COMPLETED: lambda: {"tiles": report.tiles(run)},
        RunState.FAILED: lambda: {**_progress(run), "error": error_report(run), "error_place": own_line(run)},
    }
    return by_state.get(run.state, lambda: _progress(run))()


def _header(run: Run) -> dict[str, Any]:
    title = strategy_title(run)
    return {
        **header_context(run, title=title, completed=""),
        "percent": percent_done(run),
        "header_facts": "runs/_header_facts.html",
        "header_news": "runs/_header_news.html",
        "headline": f"{title} on {dataset_label(run)}",
        "repeated": run.repeated_run,
        "wall_seconds": run.elapsed_seconds,
    }


def _progress(run: Run) -> dict[str, Any]:
    live = run.live or {}
    sim_time = live.get("sim_time")
    return {
        **progress_context(run),
        "progress_facts": "runs/_progress_facts.html",
        "sim_time": moment(sim_time) if sim_time else None,
        "equity": live.get("equity"),
        "n_trades": live.get("trades"),
    }
