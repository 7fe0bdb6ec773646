"""Bodies of downloads: what is asked for, a download, and what it brought."""

from typing import Any, Self

from pydantic import BaseModel, Field

from runs.display.schemas import BarsStanding, NoteFields, trace_of
from runs.display.times import iso_ns
from runs.models import Run, RunState


class DownloadBody(BaseModel):
    """What to download."""

    exchange: str = Field(description="As /api/downloads/exchanges names it, such as bitstamp.")
    asset: str = Field(description="A market such as BTC/USD; its dataset is BTC-USD.")
    timeframe: str
    start: str | None = Field(None, description="ISO 8601 UTC, inclusive; the dataset's last bar by default.")
    end: str | None = Field(None, description="ISO 8601 UTC, inclusive; the last finished bar by default.")


class DownloadItem(NoteFields, BarsStanding):
    """A download in a list; total_bars gets smaller when bars turn out to be missing at the exchange."""

    spec: dict[str, str]

    @classmethod
    def of(cls, run: Run) -> Self:
        spec = {name: run.spec[name] for name in ("exchange", "asset", "timeframe")}
        spec |= {"start": iso_ns(run.spec["start_ns"]), "end": iso_ns(run.spec["end_ns"])}
        return cls(**vars(BarsStanding.of(run)), **vars(NoteFields.of(run)), spec=spec)


class DownloadOutcome(BaseModel):
    """What a completed download brought."""

    dataset: dict[str, Any]
    fetched_bars: int
    added_bars: int
    changed_bars: int = Field(description="Bars that were there with other values; they were replaced.")
    missing_bars: int = Field(description="Bars of the range that the exchange does not have.")
    missing: list[dict[str, Any]] = Field(description="The longest ranges of those.")
    notes: list[str]

    @classmethod
    def of(cls, run: Run) -> Self | None:
        """Return what a run brought; None unless it completed."""
        result = run.result
        if run.state != RunState.COMPLETED or result is None:
            return None
        dataset = result["dataset"]
        return cls(
            dataset={
                **{name: dataset[name] for name in ("asset", "exchange", "timeframe", "version", "n_bars")},
                "first": iso_ns(dataset["first_ns"]),
                "last": iso_ns(dataset["last_ns"]),
            },
            fetched_bars=result["n_fetched"],
            added_bars=result["n_added"],
            changed_bars=result["n_changed"],
            missing_bars=result["n_missing"],
            missing=[
                {"first": iso_ns(part["first_ns"]), "last": iso_ns(part["last_ns"]), "bars": part["n_bars"]}
                for part in result["missing"]
            ],
            notes=result["notes"],
        )


class DownloadStatus(DownloadItem):
    """How a download stands, with its result."""

    notice: str | None
    waiting: dict[str, Any] | None = Field(description="Why it waits for the exchange, and for how many seconds.")
    error_type: str | None
    error_stack_trace: str | None
    result: DownloadOutcome | None

    @classmethod
    def of(cls, run: Run) -> Self:
        return cls(
            **vars(DownloadItem.of(run)),
            notice=run.notice or None,
            waiting=(run.live or {}).get("waiting") if run.state == RunState.RUNNING else None,
            error_type=run.error_type or None,
            error_stack_trace=trace_of(run),
            result=DownloadOutcome.of(run),
        )


class ExchangeBody(BaseModel):
    """An exchange that candles can be downloaded from."""

    exchange: str
    title: str
    timeframes: list[str]
