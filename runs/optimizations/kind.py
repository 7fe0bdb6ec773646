"""The kind of run that an optimization is: one strategy, many sets of parameters, trials that workers share."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from algotrade.ports import Json
from algotrade.resolve import ResolvedOptimization
from algotrade.spec import pins_of
from runs.actions.verbs import common_verbs, is_hopeless, why_not_again, why_not_resume
from runs.models import TRIALS_PHASE, Run, RunQuerySet, RunState
from runs.models.kind import DatasetName, Kind, Terminal
from runs.optimizations import live, terminal
from runs.optimizations.execution import evaluate_trials, prepare
from runs.worker.heartbeat import working_on

PHASES = {
    "queued": "Queued",
    "loading_data": "Loading data",
    "compiling_strategy": "Compiling strategy",
    "running_trials": "Running trials",
    "ranking": "Ranking",
    "writing_report": "Writing report",
}


def _columns(submission: ResolvedOptimization) -> dict[str, Any]:
    spec = submission.spec
    first = spec.datasets[0]
    return {
        "strategy_name": spec.strategy_name,
        "asset": first.asset,
        "exchange": first.exchange,
        "timeframe": first.timeframe,
        "spec": spec.to_dict(),
        "inputs": submission.inputs.to_dict(),
        "total": submission.n_trials,
        "sources": [submission.inputs.source_hash],
    }


def _rate(run: Run) -> float | None:
    """Return trials per second since this attempt began to evaluate; what was there before does not count."""
    began, before = run.live.get("began"), run.live.get("processed_before", 0)
    if began is None:
        return None
    seconds = (run.finished_at or run.updated_at).timestamp() - float(began)
    return (run.processed - before) / seconds if seconds > 0 else None


def _names(datasets: Iterable[Json]) -> list[DatasetName]:
    return [(one["asset"], one["exchange"], one["timeframe"]) for one in datasets]


def _datasets(run: Run) -> list[tuple[DatasetName, Json]]:
    return list(zip(_names(run.spec["datasets"]), run.inputs["datasets"], strict=True))


def _dataset_counts(runs: RunQuerySet) -> Counter[DatasetName]:
    counts: Counter[DatasetName] = Counter()
    for datasets in runs.values_list("spec__datasets", flat=True):
        counts.update(set(_names(datasets or ())))
    return counts


def _carry_out(run: Run, owner: str) -> None:
    with working_on(run):
        is_prepared = prepare(run, owner)
    if is_prepared:
        evaluate_trials(run)


def _why_not_finish(run: Run) -> str:
    if run.state != RunState.RUNNING or run.phase != TRIALS_PHASE:
        return "not running trials"
    return "already finishing" if run.finish_requested else ""


def _why_not_resume(run: Run) -> str:
    return why_not_resume(run) or ("all trials failed; retry them" if is_hopeless(run) else "")


def _why_not_retry(run: Run) -> str:
    if run.state not in (RunState.COMPLETED, RunState.FAILED):
        return "not finished yet"
    return "" if run.failed else "no failed trials"


def _cancel_text(run: Run) -> str:
    kept = f"{run.processed:,} finished trial{' is' if run.processed == 1 else 's are'} kept."
    return f"{kept} {run.total - run.processed:,} will not run."


OPTIMIZATION = Kind(
    name="optimization",
    letter="o",
    article="an",
    unit="trials",
    phases=PHASES,
    submission=ResolvedOptimization,
    columns=_columns,
    pins=lambda submission: pins_of(submission.spec, submission.inputs),
    inserted=lambda run, submission: run.remember_families(submission.spec, submission.inputs),
    resume_note="Resumed: only missing trials run.",
    rate=_rate,
    is_off_pace=lambda run: run.finish_requested,
    datasets=_datasets,
    dataset_counts=_dataset_counts,
    carry_out=_carry_out,
    lend_hand=evaluate_trials,
    verbs=common_verbs(finish=_why_not_finish, resume=_why_not_resume, retry=_why_not_retry, again=why_not_again),
    cancel_text=_cancel_text,
    delete_text="Its trials and their errors are deleted for good.",
    subject=live.subject,
    parts=live.parts,
    row=live.row,
    terminal=Terminal(
        progress=terminal.standing,
        headline=terminal.headline,
        lines=terminal.lines,
        problems=lambda _: [],
    ),
)
