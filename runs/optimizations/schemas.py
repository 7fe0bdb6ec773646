"""Bodies of optimizations: what is submitted, a run of them, its trials and its failures.

Trials are numbered from 1, as people are told them.
"""

from collections.abc import Sequence
from typing import Any, Literal, Self

from pydantic import BaseModel, Field

from algotrade.spec import DATASET_AXES, ParamValue
from runs.actions.submit import Submitted
from runs.backtests.schemas import AccountBody, ParameterValue
from runs.display.schemas import Metrics, NoteFields, RunDetail, RunStanding, SubmittedRun, headlines_of, trace_of
from runs.display.times import iso_ns
from runs.models import Run, RunState, Trial
from runs.optimizations.plan import metrics_of, plan_of
from runs.optimizations.prefill import range_of, request_of
from runs.optimizations.trials import FailureGroup, select_trials

FIRST_PAGE = 50


class OptimizationBody(AccountBody):
    """What to optimize. `GET` gives it back complete; posted again it means the same."""

    axes: dict[str, dict[str, Any]] = Field(
        {},
        description='By parameter, asset or timeframe: {"min", "max", "step"}, {"values"} or {"fixed"}; a parameter '
        "without one takes its default.",
    )
    rules: list[str] = Field([], description="What must hold, such as fast < slow; the strategy's own rules always do.")
    objective: str = Field("sharpe_ratio", description="Key of the metric that ranks trials.")
    direction: Literal["maximize", "minimize"] = "maximize"
    method: Literal["grid", "random"] = "grid"
    max_trials: int | None = Field(None, description="At most so many; null: every combination.")
    seed: int = Field(1, description="Of the random order.")
    filters: dict[str, float] = Field({}, description="min_ or max_ and a metric's key: what a trial must keep.")

    @classmethod
    def of(cls, run: Run) -> Self:
        """Return the spec of a run."""
        spec = plan_of(run).spec
        start, end = (iso_ns(bound) for bound in range_of(spec))
        axes = {name: _axis(name, values) for name, values in spec.axes.items()}
        return cls(**{**request_of(spec), "start": start, "end": end, "axes": axes})


def _axis(name: str, values: Sequence[ParamValue]) -> dict[str, Any]:
    if len(values) == 1 and name not in DATASET_AXES:
        return {"fixed": values[0]}
    return {"values": list(values)}


class SubmittedTrials(SubmittedRun):
    """A submission that was taken."""

    total_combinations: int = Field(description="Trials that will be evaluated, after the rules.")

    @classmethod
    def of(cls, submitted: Submitted) -> Self:
        return cls(**vars(SubmittedRun.of(submitted)), total_combinations=submitted.run.total)


class BestTrial(BaseModel):
    """The best trial so far."""

    trial: int = Field(description="Its number, from 1.")
    parameters: dict[str, ParameterValue]
    metrics: Metrics | None

    @classmethod
    def of(cls, run: Run) -> Self | None:
        """Return the best trial of a run; None while there is none."""
        trial = run.find_best_trial()
        if trial is None:
            return None
        return cls(trial=trial.number + 1, parameters=_parameters(trial), metrics=metrics_of(trial))


class TrialBody(BaseModel):
    """One trial."""

    number: int = Field(description="From 1.")
    status: Literal["completed", "failed"]
    parameters: dict[str, ParameterValue]
    metrics: Metrics | None = Field(description="Null when it failed.")
    error_message: str | None
    error_stack_trace: str | None
    duration_ms: float

    @classmethod
    def of(cls, trial: Trial) -> Self:
        """Return a trial."""
        return cls(
            number=trial.number + 1,
            status="failed" if trial.is_failed else "completed",
            parameters=_parameters(trial),
            metrics=metrics_of(trial),
            error_message=trial.error_message if trial.is_failed else None,
            error_stack_trace=trial.error_stack_trace if trial.is_failed else None,
            duration_ms=trial.duration_ms,
        )


class TrialDetail(TrialBody):
    """Everything about a trial."""

    objective: float | None
    is_eligible: bool = Field(description="Whether it keeps the filters and has an objective.")
    is_reused: bool = Field(description="Whether an earlier run had its result.")
    error_type: str | None
    error_place: str | None = Field(description="File and line of the strategy.")
    error_detail: dict[str, Any] | None

    @classmethod
    def of(cls, trial: Trial) -> Self:
        return cls(
            **vars(TrialBody.of(trial)),
            objective=trial.objective,
            is_eligible=trial.is_eligible,
            is_reused=trial.is_reused,
            error_type=trial.error_type or None,
            error_place=trial.error_place or None,
            error_detail=trial.error_detail,
        )


def _parameters(trial: Trial) -> dict[str, ParamValue]:
    return plan_of(trial.run).parameters(trial.combination)


def trial_bodies(run: Run, numbers: Sequence[int]) -> list[TrialBody]:
    """Return the trials of these numbers (from 0), in their order; one that is gone is left out."""
    found = {trial.number: trial for trial in run.trials.defer("error_detail").filter(number__in=numbers)}
    for trial in found.values():
        trial.run = run  # no query for each
    return [TrialBody.of(found[number]) for number in numbers if number in found]


class FailureBody(BaseModel):
    """Trials that failed alike, with parameters and trace of the first one."""

    error_type: str
    message: str
    line: str | None = Field(description="File and line of the strategy.")
    count: int
    trial: int = Field(description="Number of the first one.")
    parameters: dict[str, ParameterValue]
    error_stack_trace: str
    error_detail: dict[str, Any] | None

    @classmethod
    def of(cls, group: FailureGroup) -> Self:
        """Return a group of failed trials."""
        return cls(
            error_type=group.error_type,
            message=group.message,
            line=group.place or None,
            count=group.count,
            trial=group.trial.number + 1,
            parameters=_parameters(group.trial),
            error_stack_trace=group.trial.error_stack_trace,
            error_detail=group.trial.error_detail,
        )


class OptimizationStanding(RunStanding):
    """How an optimization stands."""

    completed_combinations: int
    failed_combinations: int
    reused_combinations: int
    total_combinations: int
    best: BestTrial | None
    is_partial: bool = Field(description="Whether it ended before every trial was evaluated.")

    @classmethod
    def of(cls, run: Run) -> Self:
        return cls(
            **vars(RunStanding.of(run)),
            completed_combinations=run.completed_trials,
            failed_combinations=run.failed,
            reused_combinations=run.reused,
            total_combinations=run.total,
            best=BestTrial.of(run),
            is_partial=run.is_partial,
        )


class OptimizationOutcome(BaseModel):
    """What a completed optimization gave."""

    spec: OptimizationBody
    summary: dict[str, Any]
    parity: dict[str, Any] | None = Field(description="Whether the best trial equals its own backtest.")
    trials: list[TrialBody] = Field(description="The first page by objective.")
    trials_url: str
    failures_url: str

    @classmethod
    def of(cls, run: Run) -> Self | None:
        """Return a run's result; None unless it completed."""
        if run.state != RunState.COMPLETED or run.result is None:
            return None
        summary = dict(run.result.get("summary") or {})
        if summary.get("best"):
            summary["best"] = {**summary["best"], "trial": summary["best"]["trial"] + 1}
        base = f"/api/optimizations/{run.id}"
        return cls(
            spec=OptimizationBody.of(run),
            summary=summary,
            parity=run.result.get("parity"),
            trials=trial_bodies(run, select_trials(run).numbers[:FIRST_PAGE].tolist()),
            trials_url=f"{base}/trials",
            failures_url=f"{base}/failures",
        )


class OptimizationStatus(OptimizationStanding):
    """How an optimization stands, with its result."""

    error_stack_trace: str | None
    result: OptimizationOutcome | None

    @classmethod
    def of(cls, run: Run) -> Self:
        standing = vars(OptimizationStanding.of(run))
        return cls(**standing, error_stack_trace=trace_of(run), result=OptimizationOutcome.of(run))


class OptimizationItem(NoteFields, OptimizationStanding):
    """An optimization in a list."""

    spec: OptimizationBody
    metrics: Metrics | None = Field(description="Headline metrics of the best trial; null unless completed.")

    @classmethod
    def of(cls, run: Run) -> Self:
        has_best = run.state == RunState.COMPLETED and run.best_trial is not None
        return cls(
            **vars(OptimizationStanding.of(run)),
            **vars(NoteFields.of(run)),
            spec=OptimizationBody.of(run),
            metrics=headlines_of(run) if has_best else None,
        )


class OptimizationDetail(RunDetail, OptimizationItem):
    """Everything about an optimization but its trials."""

    result: OptimizationOutcome | None

    @classmethod
    def of(cls, run: Run) -> Self:
        item, detail = OptimizationItem.of(run), RunDetail.of(run)
        return cls(**vars(item), **vars(detail), result=OptimizationOutcome.of(run))
