"""The parts of the pages that live: for the page itself, the poll and the socket, always the same templates.

Each part has one root element, whose id is its place in the page and whose data-rev says how new it is. Parts know
neither viewer nor request: they hold no form, no token and no name.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.template.loader import render_to_string

from algotrade.errors import AlgotradeError
from algotrade.metrics import monthly_returns, trade_histogram, worst_drawdowns
from algotrade.ports import PHASES
from algotrade.results import BacktestResult
from algotrade.spec import BacktestSpec
from runs import artifacts, report
from runs.blocks import MONTH_NAMES, drawdown_rows, histogram, month_rows
from runs.figures import currency_of, dataset_label, moment, strategy_title, tick_of
from runs.models import Run, RunState
from runs.tables import trades_page
from runs.traces import error_report, own_line

PHASE_WORDS = {
    "queued": "Queued",
    "loading_data": "Loading data",
    "compiling_strategy": "Compiling strategy",
    "running_backtest": "Running backtest",
    "computing_metrics": "Computing metrics",
}
OUTCOMES = {
    RunState.PENDING: "runs/_progress.html",
    RunState.RUNNING: "runs/_progress.html",
    RunState.COMPLETED: "runs/_tiles.html",
    RunState.FAILED: "runs/_error.html",
    RunState.CANCELLED: "runs/_cancelled.html",
}
SECONDS_UNTIL_ESTIMATE = 3.0
FRACTION_UNTIL_ESTIMATE = 0.01
"""A rate is worth an estimate after the first of the two."""

Partial = tuple[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Step:
    """One phase on the way: done, active or still to come."""

    label: str
    status: str


def live_partials(run: Run) -> list[Partial]:
    """Return template and context of each live part of the run's page."""
    common = common_context(run)
    return [
        ("runs/_header.html", {**common, **_header(run)}),
        (OUTCOMES[RunState(run.state)], {**common, **_outcome(run)}),
        ("runs/_metrics.html", {**common, "metrics": _metrics(run)}),
        ("runs/_report.html", {**common, **report_context(run)}),
    ]


def _metrics(run: Run) -> dict[str, Any]:
    main, more = (report.metric_groups(run, headline=headline) for headline in (True, False))
    return {"main": main, "more": more, "n_more": sum(len(rows) for _, rows in more)}


def render_live(run: Run) -> str:
    """Return the HTML of all live parts, as the socket and the poll send them."""
    return "".join(render_to_string(name, {**context, "is_frame": True}) for name, context in live_partials(run))


def live_json(run: Run) -> dict[str, Any]:
    """Return the data frame of the growing chart."""
    return {"type": "chart", "rev": run.rev, "curve": live_curve(run)}


def row_partial(run: Run) -> Partial:
    """Return template and context of the run's row in the list."""
    context = {**common_context(run), **_progress(run), "error_place": own_line(run)}
    return "runs/_row.html", context


def render_row(run: Run) -> str:
    """Return the HTML of the run's row, as the socket sends it."""
    template, context = row_partial(run)
    return render_to_string(template, {**context, "is_frame": True})


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
    """Return the tab's title and the sentence for screen readers."""
    title, percent = strategy_title(run), percent_done(run)
    marks = {RunState.COMPLETED: "✓ ", RunState.FAILED: "! ", RunState.CANCELLED: "", RunState.PENDING: ""}
    progress = f"{percent:.1f}%, {run.processed:,} of {run.total:,} bars."
    words = {
        RunState.PENDING: f"{run} is queued.",
        RunState.RUNNING: progress,
        RunState.COMPLETED: f"{run} completed.",
        RunState.FAILED: f"{run} failed. {run.error_type}: {run.error_message}",
        RunState.CANCELLED: f"{run} was cancelled at {progress}",
    }
    return {
        "percent": percent,
        "tab_title": marks[RunState(run.state)] + title if run.state in marks else f"{percent:.1f}% · {title}",
        "announce": words[RunState(run.state)],
        "wall_seconds": run.elapsed_seconds,
    }


def percent_done(run: Run) -> float:
    """Return the progress in percent with one decimal, rounded down: 100.0 only when the run is completed."""
    if run.state == RunState.COMPLETED:
        return 100.0
    # Whole numbers: 999 of 1000 as floats could round up to the next tenth.
    return min(999, run.processed * 1000 // max(run.total, 1)) / 10


def _progress(run: Run) -> dict[str, Any]:
    live = run.live or {}
    is_known = (run.elapsed_seconds or 0) >= SECONDS_UNTIL_ESTIMATE or run.fraction >= FRACTION_UNTIL_ESTIMATE
    sim_time = live.get("sim_time")
    return {
        "percent": percent_done(run),
        "steps": _steps(run),
        "ahead": run.queue_position() if run.state == RunState.PENDING else None,
        "phase_label": PHASE_WORDS.get(run.phase, run.phase),
        "sim_time": moment(sim_time) if sim_time else None,
        "rate": run.rate,
        "eta_seconds": run.eta_seconds if is_known else None,
        "equity": live.get("equity"),
        "n_trades": live.get("trades"),
        "wall_seconds": run.elapsed_seconds,
    }


def _steps(run: Run) -> list[Step]:
    """Return the phases; compiling is shown only while it happens, because it mostly does not."""
    shown = [phase for phase in PHASES if phase != "compiling_strategy" or run.phase == phase]
    active = shown.index(run.phase) if run.phase in shown else 0
    return [
        Step(PHASE_WORDS[phase], "done" if index < active else "active" if index == active else "todo")
        for index, phase in enumerate(shown)
    ]
