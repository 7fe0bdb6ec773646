"""Bodies that all kinds of runs share: how a run stands, what people wrote about it, and pages of a list.

A body is declared once. Its fields are what the API's document describes, `of` makes it, routes return it, and commands
print it; what undefined is, is null. Workers make no bodies, so nothing that they import may import this.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Annotated, Any, Generic, Self, TypeVar

from pydantic import BaseModel, Field, PlainSerializer, SerializationInfo, SkipValidation

from runs.actions.submit import Submitted
from runs.display.standing import standing_of
from runs.display.times import iso
from runs.models import Run, RunState

Status = Annotated[str, Field(json_schema_extra={"enum": list(RunState.values)})]
Item = TypeVar("Item", bound=BaseModel)


def _as_always(metrics: dict[str, float | None], info: SerializationInfo) -> dict[str, float | None]:
    """Tell counts as they are kept in commands and files (5), but as floats over HTTP (5.0): so they always were."""
    if info.context is None:
        return metrics
    return {key: None if value is None else float(value) for key, value in metrics.items()}


Metrics = Annotated[dict[str, float | None], SkipValidation, PlainSerializer(_as_always)]
"""Values by metric; they come from our own results, so they are not looked through again."""


class RunBody(BaseModel, ABC):
    """A body that a run alone determines."""

    @classmethod
    @abstractmethod
    def of(cls, run: Run) -> Self:
        """Return the body of a run."""


class SubmittedRun(BaseModel):
    """A submission that was taken, whatever it is counted in."""

    id: str
    number: int = Field(description='What people say: "Backtest 1207".')
    status: Status
    is_dedup: bool = Field(description="Whether the identical run was active already; then this is that one.")
    identical_to: str | None = Field(description="Id of an identical run that completed before.")

    @classmethod
    def of(cls, submitted: Submitted) -> Self:
        """Return what became of a submission."""
        run, twin = submitted.run, submitted.identical_to
        return cls(
            id=str(run.id),
            number=run.number,
            status=run.state,
            is_dedup=submitted.is_dedup,
            identical_to=str(twin) if twin else None,
        )


class SubmittedBars(SubmittedRun):
    """A submission that was taken."""

    total_bars: int

    @classmethod
    def of(cls, submitted: Submitted) -> Self:
        return cls(**vars(SubmittedRun.of(submitted)), total_bars=submitted.run.total)


class RunStanding(RunBody):
    """How a run of any kind stands."""

    id: str
    number: int
    status: Status
    rev: int = Field(description="Rises with every change; an answer with a lower one is older.")
    attempt: int
    phase: str
    queue_position: int | None
    rate: float | None = Field(description="Bars, or trials, per second.")
    eta_seconds: float | None
    created_at: str
    started_at: str | None
    finished_at: str | None
    error_message: str | None

    @classmethod
    def of(cls, run: Run) -> Self:
        now = standing_of(run)
        return cls(
            id=str(run.id),
            number=run.number,
            status=run.state,
            rev=run.rev,
            attempt=run.attempt,
            phase=run.phase,
            queue_position=now.n_ahead,
            rate=now.rate if run.state == RunState.RUNNING else None,
            eta_seconds=now.eta_seconds,
            created_at=iso(run.created_at),
            started_at=iso(run.started_at) if run.started_at else None,
            finished_at=iso(run.finished_at) if run.finished_at else None,
            error_message=run.error_message if run.state == RunState.FAILED else None,
        )


class BarsStanding(RunStanding):
    """How a run that counts bars stands."""

    processed_bars: int
    total_bars: int

    @classmethod
    def of(cls, run: Run) -> Self:
        return cls(**vars(RunStanding.of(run)), processed_bars=run.processed, total_bars=run.total)


class NoteFields(RunBody):
    """What people wrote about a run."""

    title: str = Field(description="What somebody called the run; empty when nobody did.")
    notes: str
    tags: list[str]

    @classmethod
    def of(cls, run: Run) -> Self:
        note = run.note_or_none
        if note is None:
            return cls(title="", notes="", tags=[])
        return cls(title=note.title, notes=note.notes, tags=note.tag_list)


class RunDetail(RunBody):
    """What a list leaves out: what determines the result, and why a run failed."""

    run_key: str
    inputs: dict[str, Any]
    notice: str | None
    error_type: str | None
    error_stack_trace: str | None
    error_detail: dict[str, Any] | None

    @classmethod
    def of(cls, run: Run) -> Self:
        return cls(
            run_key=run.run_key,
            inputs=run.inputs,
            notice=run.notice or None,
            error_type=run.error_type or None,
            error_stack_trace=trace_of(run),
            error_detail=(run.error_detail or None) if run.state == RunState.FAILED else None,
        )


def headlines_of(run: Run) -> dict[str, float | None]:
    """Return the metrics that a list shows."""
    return {
        "total_return": run.total_return,
        "sharpe_ratio": run.sharpe_ratio,
        "max_drawdown": run.max_drawdown,
        "trades": run.n_trades,
    }


def trace_of(run: Run) -> str | None:
    """Return the traceback of a failed run."""
    return run.error_stack_trace if run.state == RunState.FAILED else None


class Rows(BaseModel, Generic[Item]):
    """A whole list."""

    items: list[Item]
    total: int


class Page(Rows[Item], Generic[Item]):
    """One page of a list; of runs the newest come first."""

    limit: int
    offset: int
    has_more: bool

    @classmethod
    def of(cls, items: Sequence[Item], total: int, limit: int, offset: int) -> Self:
        """Return a page.

        Args:
            items: those on it.
            total: how many there are on all pages.
            limit: how many of them a page may have.
            offset: how many come before the first one on this page.
        """
        has_more = offset + len(items) < total
        return cls(items=list(items), total=total, limit=limit, offset=offset, has_more=has_more)
