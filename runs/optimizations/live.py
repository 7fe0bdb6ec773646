"""The live parts of an optimization's page, and its row in the list: which template, and what it shows."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone

from algotrade.metrics import METRICS
from algotrade.optimize.ranking import ranking_condition
from algotrade.spec import OptimizationSpec
from runs.backtests import report
from runs.display.figures import Figure, currency_of, dataset_label, moment, strategy_title, value_text
from runs.display.parts import Header, Part, Progress, Row, TrialBar
from runs.display.standing import Standing, Subject
from runs.display.traces import ErrorReport, error_report, own_line
from runs.models import Run, RunState, Trial, Worker
from runs.optimizations.defaults import default_objective
from runs.optimizations.plan import Plan, metrics_of, plan_of

METHOD_LABELS = {"grid": "Grid", "random": "Random"}
BEST_TILES = ("total_return", "max_drawdown", "profit_factor", "win_rate", "sharpe_ratio")
"""What is told of the best trial after its objective: the first four that are not the objective."""
BAR_UNITS = 1000.0
"""Width of the progress bar in the units of its drawing."""
LEAST_FAILED_UNITS = 4.0
"""A failed trial among a million must be seen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OptimizationProgress(Progress):
    """How far the trials are.

    Attributes:
        bars_done, bars_total: bars of all trials so far, and in the end.
        n_busy, n_workers: workers that evaluate trials of this run, of how many that live; 0 unless it runs.
        n_left: trials that were not evaluated.
    """

    bars_done: int
    bars_total: int
    n_busy: int
    n_workers: int
    n_left: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What the collapsed progress card says of a completed optimization.

    Attributes:
        seconds: how long it took.
        n_left: trials that were left out by Finish now.
        n_eligible: trials that are ranked; None where nobody counted.
        condition: what a trial does that is ranked.
        objective: label of the metric that ranks.
        lowest, highest, median: of the objective; None where no trial has one.
        parity: equal, different or unverified: the best trial beside its own backtest; empty when nobody looked.
        parity_detail: a sentence about it.
        parity_url: the page of that backtest.
    """

    seconds: float | None
    n_left: int
    n_eligible: int | None
    condition: str
    objective: str
    lowest: float | None
    highest: float | None
    median: float | None
    parity: str
    parity_detail: str
    parity_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why an optimization failed, and where in the strategy."""

    error: ErrorReport
    place: str
    bar: TrialBar


@dataclass(frozen=True, slots=True, kw_only=True)
class Best:
    """The strip of the best trial so far.

    Attributes:
        trial: the trial; None while there is none.
        chips: names and values of its parameters.
        tiles: its figures.
        has_only_failures: whether every trial so far has failed.
        condition: what a trial does that is ranked.
    """

    trial: Trial | None
    condition: str
    chips: list[tuple[str, str]]
    tiles: list[Figure]
    has_only_failures: bool


@dataclass(frozen=True, slots=True)
class FailuresHead:
    """How many different errors the failed trials have."""

    n_errors: int


def subject(run: Run) -> Subject:
    """Return what pages call the run."""
    plan = plan_of(run)
    axes, datasets = dict(plan.spec.axes), plan.spec.datasets
    title, dataset = strategy_title(run), dataset_label(run)
    varied = " \N{MULTIPLICATION SIGN} ".join(f"{name} {len(axes[name]):,}" for name in plan.varied)
    failed = f", {run.failed:,} failed" if run.failed else ""
    return Subject(
        title=title,
        headline=f"{title} on {dataset}",
        row_title=title,
        detail=varied or "one combination",
        dataset=dataset,
        start=moment(min(one.start_ns for one in datasets)),
        end=moment(max(one.end_ns for one in datasets)),
        currency=currency_of(run),
        completed=f"{run.completed_trials:,} trials finished{failed}.",
    )


def parts(standing: Standing) -> list[Part]:
    """Return the live parts of the run's page."""
    run = standing.run
    plan = plan_of(run)
    return [
        Part("header", "runs/_header.html", standing, _header(run, plan.spec)),
        _outcome(standing, plan.spec),
        Part("best", "optimizations/_best.html", standing, _best(run, plan)),
        Part("failures_head", "optimizations/_failures_head.html", standing, FailuresHead(n_distinct_errors(run))),
    ]


def row(standing: Standing) -> Part:
    """Return the run's row in the list."""
    run = standing.run
    content = Row(
        result="optimizations/_row_result.html",
        n_trials=run.total,
        error_place=own_line(run),
        best=_best_figure(run, plan_of(run).spec),
    )
    return Part("row", "runs/_row.html", standing, content)


def n_distinct_errors(run: Run) -> int:
    """Return how many different errors the failed trials have."""
    if not run.failed:
        return 0
    return run.trials.filter(is_failed=True).order_by().values("error_type", "error_place").distinct().count()


def _best_figure(run: Run, spec: OptimizationSpec) -> Figure:
    objective = METRICS[spec.objective]
    return Figure(objective.label, run.best_value, objective.unit)


def _header(run: Run, spec: OptimizationSpec) -> Header:
    lengths = {one.total_bars for one in spec.datasets}
    return Header(
        facts="optimizations/_header_facts.html",
        news="optimizations/_header_news.html",
        best=_best_figure(run, spec),
        method=f"{METHOD_LABELS.get(spec.method, spec.method.capitalize())}, {spec.direction}",
        objective=METRICS[spec.objective].label,
        bars_per_trial=f"{'up to ' if len(lengths) > 1 else ''}{max(lengths):,}",
    )


def _outcome(standing: Standing, spec: OptimizationSpec) -> Part:
    """Return the part below the header: progress, summary, error."""
    run = standing.run
    by_state: dict[str, tuple[str, Any]] = {
        RunState.COMPLETED: ("optimizations/_summary.html", lambda: _summary(run, spec)),
        RunState.FAILED: (
            "optimizations/_error.html",
            lambda: Failure(error=error_report(run), place=own_line(run), bar=_bar(run)),
        ),
        RunState.CANCELLED: ("optimizations/_cancelled.html", lambda: _progress(run, spec)),
    }
    template, content = by_state.get(run.state, ("runs/_progress.html", lambda: _progress(run, spec)))
    return Part("outcome", template, standing, content())


def _progress(run: Run, spec: OptimizationSpec) -> OptimizationProgress:
    bars = round(sum(one.total_bars for one in spec.datasets) / len(spec.datasets))
    n_busy = n_workers = 0
    if run.state == RunState.RUNNING:
        since = timezone.now() - timedelta(seconds=settings.ALGOTRADE_LEASE_SECONDS)
        n_busy = run.busy_workers or int(bool(run.owner))
        n_workers = max(n_busy, Worker.objects.filter(seen_at__gt=since).count())
    return OptimizationProgress(
        facts="optimizations/_facts.html",
        bar=_bar(run),
        bars_done=run.processed * bars,
        bars_total=run.total * bars,
        n_busy=n_busy,
        n_workers=n_workers,
        n_left=run.total - run.processed,
    )


def _bar(run: Run) -> TrialBar:
    total = max(run.total, 1)
    failed = max(run.failed / total * BAR_UNITS, LEAST_FAILED_UNITS) if run.failed else 0.0
    done = min(run.processed / total * BAR_UNITS, BAR_UNITS)
    return TrialBar(done=round(max(done - failed, 0.0), 2), failed=round(min(failed, done or failed), 2))


def _summary(run: Run, spec: OptimizationSpec) -> Summary:
    result = run.result or {}
    summary, parity = result.get("summary") or {}, result.get("parity") or {}
    repeated = Run.objects.filter(id=parity["backtest"]).first() if parity.get("backtest") else None
    seconds, spread = summary.get("seconds"), summary.get("objective") or {}
    return Summary(
        seconds=run.elapsed_seconds if seconds is None else seconds,
        n_left=run.total - run.processed,
        n_eligible=summary.get("eligible"),
        condition=ranking_condition(spec.objective, spec.filters),
        objective=METRICS[spec.objective].label,
        lowest=spread.get("min"),
        highest=spread.get("max"),
        median=spread.get("median"),
        parity=parity.get("status", ""),
        parity_detail=parity.get("detail", ""),
        parity_url=repeated.get_absolute_url() if repeated else "",
    )


def _best(run: Run, plan: Plan) -> Best:
    trial = run.find_best_trial()
    return Best(
        trial=trial,
        condition=ranking_condition(plan.spec.objective, plan.spec.filters),
        chips=chips_of(plan, trial) if trial else [],
        tiles=_best_tiles(run, plan, trial) if trial else [],
        has_only_failures=0 < run.failed == run.processed,
    )


def chips_of(plan: Plan, trial: Trial) -> list[tuple[str, str]]:
    """Return names and values of a trial's varied parameters; of all, where nothing is varied."""
    parameters = plan.parameters(trial.combination)
    return [(name, value_text(parameters[name])) for name in plan.varied or parameters]


def _best_tiles(run: Run, plan: Plan, trial: Trial) -> list[Figure]:
    objective = plan.spec.objective
    values = metrics_of(trial) or {}
    money, n_trades = currency_of(run), values.get("trades")
    spread = ((run.result or {}).get("summary") or {}).get("objective") or {}
    wins = f"{values.get('winning_trades') or 0:,} of {n_trades:,}" if n_trades else "No trades"
    notes = {
        "total_return": Figure("", values.get("net_profit"), "money", money, is_signed=True),
        "max_drawdown": Figure("longest", values.get("max_drawdown_duration_days"), "days"),
        "profit_factor": Figure("expectancy", values.get("expectancy"), "money", money),
        "win_rate": Figure("", wins, "text"),
        "sharpe_ratio": Figure("Sortino", values.get("sortino_ratio"), "ratio"),
    }
    default = default_objective(run, plan, trial)
    if default is not None and trial.objective is not None:
        notes[objective] = _gain(trial.objective - default, plan.spec.direction, METRICS[objective].unit)
    elif spread.get("median") is not None:
        notes[objective] = Figure("median", spread["median"], METRICS[objective].unit)
    keys = [objective, *(key for key in BEST_TILES if key != objective)][:5]
    return [report.headline(values, {}, key, notes.get(key)) for key in keys]


def _gain(value: float, direction: str, unit: str) -> Figure:
    """Return how far the best trial is from the defaults; a gain is green, if more of the objective is better."""
    shown = unit if unit in ("fraction", "money") else "difference"
    return Figure("", value, shown, "vs defaults", is_signed=True, is_coloured=direction == "maximize")
