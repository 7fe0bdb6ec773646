"""The live parts of an optimization's page, and its row in the list: which template, and what it says."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone

from algotrade.metrics import METRICS
from algotrade.spec import OptimizationSpec
from runs import report
from runs.figures import Figure, moment, strategy_title, value_text
from runs.live_parts import header_context, progress_context, row_context
from runs.models import Run, RunState, Trial, Worker
from runs.phases import Partial, percent_done
from runs.search_defaults import default_objective
from runs.searches import Search, metrics_of, search_of
from runs.traces import error_report, own_line

OUTCOMES = {
    RunState.PENDING: "runs/_progress.html",
    RunState.RUNNING: "runs/_progress.html",
    RunState.COMPLETED: "runs/_search_summary.html",
    RunState.FAILED: "runs/_search_error.html",
    RunState.CANCELLED: "runs/_search_cancelled.html",
}
METHOD_WORDS = {"grid": "Grid search", "random": "Random search"}
MOST_NAMED_DATASETS = 3
BEST_TILES = ("total_return", "max_drawdown", "profit_factor", "win_rate", "sharpe_ratio")
"""What is told of the best trial after its objective: the first four that are not the objective."""
BAR_UNITS = 1000.0
"""Width of the progress bar in the units of its drawing."""
LEAST_FAILED_UNITS = 4.0
"""A failed trial among a million must be seen."""


def partials(run: Run) -> list[Partial]:
    """Return template and context of each live part of the run's page."""
    common = common_context(run)
    return [
        ("runs/_header.html", {**common, **_header(run, common)}),
        (OUTCOMES[RunState(run.state)], {**common, **_outcome(run, common["spec"])}),
        ("runs/_search_best.html", {**common, **_best(run, search_of(run))}),
        ("runs/_failures_head.html", {**common, "n_errors": n_distinct_errors(run)}),
    ]


def row_partial(run: Run) -> Partial:
    """Return template and context of the run's row in the list."""
    common = common_context(run)
    objective = common["objective"]
    context = {
        **common,
        **row_context(run),
        "title": common["strategy_title"],
        "detail": common["axes_text"],
        "result_template": "runs/_search_row_result.html",
        "error_place": own_line(run),
        "best": Figure(objective.label, run.best_value, objective.unit),
    }
    return "runs/_row.html", context


def common_context(run: Run) -> dict[str, Any]:
    """Return what every part may name."""
    search = search_of(run)
    spec = search.spec
    axes = dict(spec.axes)
    return {
        "run": run,
        "spec": spec,
        "strategy_title": strategy_title(run),
        "dataset_label": dataset_label(spec),
        "currency": currency_of(run),
        "start": moment(min(one.start_ns for one in spec.datasets)),
        "end": moment(max(one.end_ns for one in spec.datasets)),
        "n_bars": max(one.total_bars for one in spec.datasets),
        "has_equal_bars": len({one.total_bars for one in spec.datasets}) == 1,
        "objective": METRICS[spec.objective],
        "method_label": METHOD_WORDS.get(spec.method, spec.method.capitalize()),
        "axes_text": " \N{MULTIPLICATION SIGN} ".join(f"{name} {len(axes[name]):,}" for name in search.searched)
        or "one combination",
    }


def dataset_label(spec: OptimizationSpec) -> str:
    """Return what pages call the candles of an optimization."""
    names = [f"{one.asset} {one.timeframe}" for one in spec.datasets]
    return ", ".join(names) if len(names) <= MOST_NAMED_DATASETS else f"{len(names)} datasets"


def currency_of(run: Run) -> str:
    """Return the account currency of an optimization."""
    return str(run.inputs["datasets"][0]["instrument"].get("currency", ""))


def n_distinct_errors(run: Run) -> int:
    """Return how many different errors the failed trials have."""
    if not run.failed:
        return 0
    return run.trials.filter(is_failed=True).order_by().values("error_type", "error_place").distinct().count()


def _header(run: Run, common: dict[str, Any]) -> dict[str, Any]:
    objective = common["objective"]
    failed = f", {run.failed:,} failed" if run.failed else ""
    completed = f"{run.completed_trials:,} trials finished{failed}."
    return {
        **header_context(run, title=common["strategy_title"], completed=completed),
        "percent": percent_done(run),
        "header_facts": "runs/_search_header_facts.html",
        "header_news": "runs/_search_header_news.html",
        "headline": f"{common['strategy_title']} on {common['dataset_label']}",
        "best_figure": Figure(objective.label, run.best_value, objective.unit),
    }


def _outcome(run: Run, spec: OptimizationSpec) -> dict[str, Any]:
    """Return what stands below the header in the run's state."""
    by_state: dict[str, Callable[[], dict[str, Any]]] = {
        RunState.COMPLETED: lambda: _summary(run),
        RunState.FAILED: lambda: {"error": error_report(run), "error_place": own_line(run)},
    }
    bars = round(sum(one.total_bars for one in spec.datasets) / len(spec.datasets))
    return {
        **_progress(run),
        **_workers(run),
        **by_state.get(run.state, dict)(),
        "bars_done": run.processed * bars,
        "bars_total": run.total * bars,
        "n_left": run.total - run.processed,
    }


def _progress(run: Run) -> dict[str, Any]:
    return {**progress_context(run), "progress_facts": "runs/_search_facts.html", "bar": _bar(run)}


def _workers(run: Run) -> dict[str, int]:
    """Return how many workers evaluate trials of the run, of how many that live."""
    if run.state != RunState.RUNNING:
        return {"n_busy": 0, "n_workers": 0}
    since = timezone.now() - timedelta(seconds=settings.ALGOTRADE_LEASE_SECONDS)
    n_busy = run.busy_workers or int(bool(run.owner))
    return {"n_busy": n_busy, "n_workers": max(n_busy, Worker.objects.filter(seen_at__gt=since).count())}


def _bar(run: Run) -> dict[str, float]:
    """Return the two parts of the progress bar, in units of its drawing."""
    total = max(run.total, 1)
    failed = max(run.failed / total * BAR_UNITS, LEAST_FAILED_UNITS) if run.failed else 0.0
    done = min(run.processed / total * BAR_UNITS, BAR_UNITS)
    return {"done": round(max(done - failed, 0.0), 2), "failed": round(min(failed, done or failed), 2)}


def _summary(run: Run) -> dict[str, Any]:
    """Return what the collapsed progress card says of a completed optimization."""
    result = run.result or {}
    summary, parity = result.get("summary") or {}, result.get("parity") or {}
    repeated = Run.objects.filter(id=parity["backtest"]).first() if parity.get("backtest") else None
    seconds = summary.get("seconds")
    return {
        "seconds": run.elapsed_seconds if seconds is None else seconds,
        "n_eligible": summary.get("eligible"),
        "spread": summary.get("objective") or {},
        "parity": parity,
        "parity_url": repeated.get_absolute_url() if repeated else "",
    }


def _best(run: Run, search: Search) -> dict[str, Any]:
    """Return the strip of the best trial so far."""
    trial = run.find_best_trial()
    if trial is None:
        return {"best": None, "has_only_failures": 0 < run.failed == run.processed}
    return {
        "best": trial,
        "chips": chips_of(search, trial),
        "tiles": _best_tiles(run, trial, search.spec.objective),
    }


def chips_of(search: Search, trial: Trial) -> list[tuple[str, str]]:
    """Return names and values of a trial's searched parameters; of all, where nothing is searched."""
    parameters = search.parameters(trial.combination)
    return [(name, value_text(parameters[name])) for name in search.searched or parameters]


def _best_tiles(run: Run, trial: Trial, objective: str) -> list[Figure]:
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
    default = default_objective(run, trial)
    if default is not None and trial.objective is not None:
        notes[objective] = _gain(trial.objective - default, run.spec["direction"], METRICS[objective].unit)
    elif spread.get("median") is not None:
        notes[objective] = Figure("median", spread["median"], METRICS[objective].unit)
    keys = [objective, *(key for key in BEST_TILES if key != objective)][:5]
    return [report.headline(values, {}, key, notes.get(key)) for key in keys]


def _gain(value: float, direction: str, unit: str) -> Figure:
    """Return how far the best trial is from the defaults; a gain is green, if more of the objective is better."""
    shown = unit if unit in ("fraction", "money") else "difference"
    return Figure("", value, shown, "vs defaults", is_signed=True, is_coloured=direction == "maximize")
