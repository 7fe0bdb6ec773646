"""Bodies of optimizations as the OpenAPI document describes them."""

from typing import Any, Literal

from ninja import Field, Schema

from runs.api.schemas import AccountBody, Page, ParameterValue, RunStanding, SubmittedRun

Metrics = dict[str, float | None]


class SearchBody(AccountBody):
    """What to search. `GET` gives it back complete; posted again it means the same."""

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


class Submitted(SubmittedRun):
    """A submission that was taken."""

    total_combinations: int = Field(description="Trials that will be evaluated, after the rules.")


class Evaluation(Schema):
    """What a submission would be."""

    total: int = Field(description="Combinations of all axes.")
    excluded: int = Field(description="Combinations that a rule or max_trials leaves out.")
    trials: int = Field(description="Trials that would be evaluated.")
    known: int = Field(description="Trials whose result an earlier optimization has.")
    bars_per_trial: int
    estimated_seconds: float | None = Field(description="Null while the speed is unknown.")
    estimated_memory_bytes: int
    warnings: list[str]


class BestTrial(Schema):
    """The best trial so far."""

    trial: int = Field(description="Its number, from 1.")
    parameters: dict[str, ParameterValue]
    metrics: Metrics | None


class TrialBody(Schema):
    """One trial."""

    number: int = Field(description="From 1.")
    status: Literal["completed", "failed"]
    parameters: dict[str, ParameterValue]
    metrics: Metrics | None = Field(description="Null when it failed.")
    error_message: str | None
    error_stack_trace: str | None
    duration_ms: float


class TrialDetail(TrialBody):
    """Everything about a trial."""

    objective: float | None
    is_eligible: bool = Field(description="Whether it keeps the filters and has an objective.")
    is_reused: bool = Field(description="Whether an earlier run had its result.")
    error_type: str | None
    error_place: str | None = Field(description="File and line of the strategy.")
    error_detail: dict[str, Any] | None


class TrialPage(Page):
    """One page of trials."""

    items: list[TrialBody]


class Standing(RunStanding):
    """How an optimization stands."""

    completed_combinations: int
    failed_combinations: int
    reused_combinations: int
    total_combinations: int
    best: BestTrial | None
    is_partial: bool = Field(description="Whether it ended before every trial was evaluated.")


class ResultBody(Schema):
    """What a completed optimization gave."""

    spec: SearchBody
    summary: dict[str, Any]
    parity: dict[str, Any] | None = Field(description="Whether the best trial equals its own backtest.")
    trials: list[TrialBody] = Field(description="The first page by objective.")
    trials_url: str
    failures_url: str


class StatusBody(Standing):
    """How an optimization stands, with its result."""

    error_stack_trace: str | None
    result: ResultBody | None


class ItemBody(Standing):
    """An optimization in a list."""

    title: str = Field(description="What somebody called the run; empty when nobody did.")
    notes: str
    tags: list[str]
    spec: SearchBody
    metrics: Metrics | None = Field(description="Headline metrics of the best trial; null unless completed.")


class DetailBody(ItemBody):
    """Everything about an optimization but its trials."""

    run_key: str
    inputs: dict[str, Any]
    notice: str | None
    error_type: str | None
    error_stack_trace: str | None
    error_detail: dict[str, Any] | None
    result: ResultBody | None


class ItemPage(Page):
    """One page of optimizations, the newest first."""

    items: list[ItemBody]
