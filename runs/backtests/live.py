"""The live parts of a backtest's page, and its row in the list: which template, and what it shows."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np

from algotrade.errors import AlgotradeError
from algotrade.metrics import monthly_returns, trade_histogram, worst_drawdowns
from algotrade.results import BacktestResult
from algotrade.spec import BacktestSpec
from runs import artifacts
from runs.backtests import report
from runs.backtests.report_charts import (
    MONTH_NAMES,
    DrawdownRow,
    Histogram,
    MonthRow,
    drawdown_rows,
    histogram,
    month_rows,
)
from runs.backtests.tables import TablePage, trades_page
from runs.display.figures import Figure, currency_of, dataset_label, moment, strategy_title, tick_of
from runs.display.parts import Header, Part, Progress, Row
from runs.display.standing import Standing, Subject
from runs.display.traces import ErrorReport, error_report, own_line
from runs.models import Run, RunState


@dataclass(frozen=True, slots=True, kw_only=True)
class BacktestProgress(Progress):
    """How far the simulation is: moment of the last bar, equity in account currency, closed trades."""

    sim_time: datetime | None
    equity: float | None
    n_trades: int | None


@dataclass(frozen=True, slots=True)
class Tiles:
    """The headline figures of a completed backtest."""

    tiles: list[Figure]


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a backtest failed, and where in the strategy."""

    error: ErrorReport
    place: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The lower half of a report; empty until the run has ended.

    Attributes:
        log: what the strategy printed.
        missing: why the arrays cannot be read.
        findings: sentences about what should not be believed.
        result: the arrays.
        tab, table: the table that is open, and its first rows.
        tick: of prices, quote currency.
        month_names, years, drawdowns, histogram: of the other cards.
    """

    log: str = ""
    missing: str = ""
    findings: list[str] = field(default_factory=list)
    result: BacktestResult | None = None
    tab: str = "trades"
    table: TablePage | None = None
    tick: float = 0.0
    month_names: tuple[str, ...] = MONTH_NAMES
    years: list[MonthRow] = field(default_factory=list)
    drawdowns: list[DrawdownRow] = field(default_factory=list)
    histogram: Histogram | None = None


def subject(run: Run) -> Subject:
    """Return what pages call the run."""
    spec = BacktestSpec.from_dict(run.spec)
    title, dataset = strategy_title(run), dataset_label(run)
    return Subject(
        title=title,
        headline=f"{title} on {dataset}",
        row_title=title,
        detail=", ".join(f"{name} {value}" for name, value in spec.parameters.items()),
        dataset=dataset,
        start=moment(spec.start_ns),
        end=moment(spec.end_ns),
        currency=currency_of(run),
    )


def parts(standing: Standing) -> list[Part]:
    """Return the live parts of the run's page."""
    run = standing.run
    header = Header(facts="backtests/_header_facts.html", news="backtests/_header_news.html", repeated=run.repeated_run)
    return [
        Part("header", "runs/_header.html", standing, header),
        _outcome(standing),
        Part("metrics", "backtests/_metrics.html", standing, report.metrics_of_run(run)),
        Part("report", "backtests/_report.html", standing, report_of(run)),
    ]


def row(standing: Standing) -> Part:
    """Return the run's row in the list."""
    content = Row(result="backtests/_row_result.html", error_place=own_line(standing.run))
    return Part("row", "runs/_row.html", standing, content)


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


def report_of(run: Run) -> Report:
    """Return the lower half of a run's report; only this reads the run's arrays."""
    if run.state != RunState.COMPLETED:
        return Report(log=printed(run))
    cash = float(run.spec["initial_cash"])
    try:
        result = artifacts.load_result(run)
        return Report(
            findings=(run.result or {}).get("findings", []),
            result=result,
            table=trades_page(run, result, 1),
            tick=tick_of(run),
            years=month_rows(monthly_returns(result, initial_cash=cash)),
            drawdowns=drawdown_rows(worst_drawdowns(result, initial_cash=cash)),
            histogram=histogram(trade_histogram(result)),
        )
    except (AlgotradeError, OSError) as error:
        return Report(missing=str(error))


def printed(run: Run) -> str:
    """Return what the strategy printed while it ran."""
    source = run.result if run.state == RunState.COMPLETED else run.error_detail
    return str((source or {}).get("log") or "").strip()


def _outcome(standing: Standing) -> Part:
    """Return the part below the header: progress, figures, error."""
    run = standing.run
    by_state: dict[str, tuple[str, Any]] = {
        RunState.COMPLETED: ("backtests/_tiles.html", lambda: Tiles(report.tiles(run))),
        RunState.FAILED: ("backtests/_error.html", lambda: Failure(error_report(run), own_line(run))),
        RunState.CANCELLED: ("backtests/_cancelled.html", lambda: _progress(run)),
    }
    template, content = by_state.get(run.state, ("runs/_progress.html", lambda: _progress(run)))
    return Part("outcome", template, standing, content())


def _progress(run: Run) -> BacktestProgress:
    live = run.live or {}
    sim_time = live.get("sim_time")
    return BacktestProgress(
        facts="backtests/_facts.html",
        sim_time=moment(sim_time) if sim_time else None,
        equity=live.get("equity"),
        n_trades=live.get("trades"),
    )
