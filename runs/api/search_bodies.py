"""What goes out of optimizations: the run, its trials and its failures as JSON types.

Trials are numbered from 1, as people are told them.
"""

from collections.abc import Sequence

from algotrade.ports import Json
from algotrade.spec import DATASET_AXES, ParamValue
from runs.api.bodies import HEADLINES, error_part, iso_ns, standing, words_body
from runs.failures import FailureGroup
from runs.models import Run, RunState, Trial
from runs.search_resubmit import range_of, request_of
from runs.searches import metrics_of, search_of
from runs.trial_table import select_trials

FIRST_PAGE = 50


def spec_body(run: Run) -> Json:
    """Return the spec in the words of a submission: posted again it means the same."""
    spec = search_of(run).spec
    axes = {name: _axis_body(name, values) for name, values in spec.axes.items()}
    start, end = (iso_ns(bound) for bound in range_of(spec))
    return {**request_of(spec), "start": start, "end": end, "axes": axes}


def _axis_body(name: str, values: Sequence[ParamValue]) -> Json:
    if len(values) == 1 and name not in DATASET_AXES:
        return {"fixed": values[0]}
    return {"values": list(values)}


def status_body(run: Run) -> Json:
    """Return how an optimization stands, its best trial so far, and its result once it is completed."""
    return {**_standing(run), "error_stack_trace": error_part(run, "trace"), "result": result_body(run)}


def item_body(run: Run) -> Json:
    """Return an optimization as an item of a list; its metrics are those of its best trial."""
    is_completed = run.state == RunState.COMPLETED and run.best_trial is not None
    metrics = {key: getattr(run, column) for key, column in HEADLINES.items()} if is_completed else None
    return {**_standing(run), **words_body(run), "spec": spec_body(run), "metrics": metrics}


def detail_body(run: Run) -> Json:
    """Return everything about an optimization but its trials."""
    detail = run.error_detail or {} if run.state == RunState.FAILED else {}
    return {
        **item_body(run),
        "run_key": run.run_key,
        "inputs": run.inputs,
        "notice": run.notice or None,
        "error_type": run.error_type or None,
        "error_stack_trace": error_part(run, "trace"),
        "error_detail": detail or None,
        "result": result_body(run),
    }


def _standing(run: Run) -> Json:
    best = run.find_best_trial()
    return {
        **standing(run),
        "completed_combinations": run.completed_trials,
        "failed_combinations": run.failed,
        "reused_combinations": run.reused,
        "total_combinations": run.total,
        "best": None if best is None else best_body(best),
        "is_partial": run.is_partial,
    }


def best_body(trial: Trial) -> Json:
    """Return the best trial."""
    parameters = search_of(trial.run).parameters(trial.combination)
    return {"trial": trial.number + 1, "parameters": parameters, "metrics": metrics_of(trial)}


def result_body(run: Run) -> Json | None:
    """Return a completed optimization's result; None before, and for one that did not complete."""
    if run.state != RunState.COMPLETED or run.result is None:
        return None
    summary = dict(run.result.get("summary") or {})
    if summary.get("best"):
        summary["best"] = {**summary["best"], "trial": summary["best"]["trial"] + 1}
    base = f"/api/optimizations/{run.id}"
    first = select_trials(run).numbers[:FIRST_PAGE].tolist()
    return {
        "spec": spec_body(run),
        "summary": summary,
        "parity": run.result.get("parity"),
        "trials": trial_bodies(run, first),
        "trials_url": f"{base}/trials",
        "failures_url": f"{base}/failures",
    }


def trial_bodies(run: Run, numbers: Sequence[int]) -> list[Json]:
    """Return the trials of these numbers (from 0), in their order; one that is gone is left out."""
    found = {trial.number: trial for trial in run.trials.defer("error_detail").filter(number__in=numbers)}
    for trial in found.values():
        trial.run = run  # no query for each
    return [trial_body(found[number]) for number in numbers if number in found]


def trial_body(trial: Trial) -> Json:
    """Return a trial as an item of a list."""
    return {
        "number": trial.number + 1,
        "status": "failed" if trial.is_failed else "completed",
        "parameters": search_of(trial.run).parameters(trial.combination),
        "metrics": metrics_of(trial),
        "error_message": trial.error_message if trial.is_failed else None,
        "error_stack_trace": trial.error_stack_trace if trial.is_failed else None,
        "duration_ms": trial.duration_ms,
    }


def trial_detail(trial: Trial) -> Json:
    """Return everything about a trial."""
    return {
        **trial_body(trial),
        "objective": trial.objective,
        "is_eligible": trial.is_eligible,
        "is_reused": trial.is_reused,
        "error_type": trial.error_type or None,
        "error_place": trial.error_place or None,
        "error_detail": trial.error_detail,
    }


def failure_body(group: FailureGroup) -> Json:
    """Return a group of failed trials, with parameters and trace of its first one."""
    return {
        "error_type": group.error_type,
        "message": group.message,
        "line": group.place or None,
        "count": group.count,
        "trial": group.trial.number + 1,
        "parameters": search_of(group.trial.run).parameters(group.trial.combination),
        "error_stack_trace": group.trial.error_stack_trace,
        "error_detail": group.trial.error_detail,
    }
