"""The kind of run that a backtest is: one strategy, one set of parameters, one dataset."""

from typing import Any

from django.db.models import Count

from algotrade.ports import PHASES, Json
from algotrade.resolve import Pinned
from algotrade.spec import pins_of
from runs.actions.verbs import common_verbs, why_not_again
from runs.backtests import live, terminal
from runs.backtests.execution import Execution
from runs.models import Run, RunQuerySet
from runs.models.kind import DatasetName, Kind, Terminal
from runs.worker.heartbeat import working_on

PHASE_LABELS = {
    "queued": "Queued",
    "loading_data": "Loading data",
    "compiling_strategy": "Compiling strategy",
    "running_backtest": "Running backtest",
    "computing_metrics": "Computing metrics",
}


def _columns(submission: Pinned) -> dict[str, Any]:
    spec = submission.spec
    return {
        "strategy_name": spec.strategy_name,
        "asset": spec.asset,
        "exchange": spec.exchange,
        "timeframe": spec.timeframe,
        "spec": spec.to_dict(),
        "inputs": submission.inputs.to_dict(),
        "total": submission.total_bars,
    }


def _datasets(run: Run) -> list[tuple[DatasetName, Json]]:
    return [((run.asset, run.exchange, run.timeframe), run.inputs)]


def _dataset_counts(runs: RunQuerySet) -> dict[DatasetName, int]:
    counted = runs.values_list("asset", "exchange", "timeframe").annotate(n_runs=Count("pk"))
    return {(asset, exchange, timeframe): n_runs for asset, exchange, timeframe, n_runs in counted}


def _carry_out(run: Run, owner: str) -> None:
    with working_on(run):
        Execution(run, owner).carry_out()


BACKTEST = Kind(
    name="backtest",
    letter="b",
    phases={phase: PHASE_LABELS[phase] for phase in PHASES},
    submission=Pinned,
    columns=_columns,
    pins=lambda submission: pins_of(submission.spec, submission.inputs),
    is_restarted=True,
    datasets=_datasets,
    dataset_counts=_dataset_counts,
    carry_out=_carry_out,
    verbs=common_verbs(again=why_not_again),
    cancel_text=lambda _: "Partial results are kept but marked incomplete.",
    delete_text="Its results and notes are deleted for good. Candles and strategies stay.",
    subject=live.subject,
    parts=live.parts,
    row=live.row,
    chart=live.live_curve,
    terminal=Terminal(
        progress=terminal.standing,
        headline=terminal.headline,
        lines=terminal.lines,
        problems=terminal.problems,
    ),
)
