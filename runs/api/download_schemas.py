"""Bodies of downloads as the OpenAPI document describes them."""

from typing import Any

from ninja import Field, Schema

from runs.api.schemas import Page, Standing


class DownloadBody(Schema):
    """What to download."""

    exchange: str = Field(description="As /api/downloads/exchanges names it, such as bitstamp.")
    asset: str = Field(description="A market such as BTC/USD; its dataset is BTC-USD.")
    timeframe: str
    start: str | None = Field(None, description="ISO 8601 UTC, inclusive; the dataset's last bar by default.")
    end: str | None = Field(None, description="ISO 8601 UTC, inclusive; the last finished bar by default.")


class DownloadItem(Standing):
    """A download in a list; total_bars gets smaller when bars turn out to be missing at the exchange."""

    title: str = Field(description="What somebody called the run; empty when nobody did.")
    notes: str
    tags: list[str]
    spec: dict[str, str]


class DownloadResult(Schema):
    """What a completed download brought."""

    dataset: dict[str, Any]
    fetched_bars: int
    added_bars: int
    changed_bars: int = Field(description="Bars that were there with other values; they were replaced.")
    missing_bars: int = Field(description="Bars of the range that the exchange does not have.")
    missing: list[dict[str, Any]] = Field(description="The longest ranges of those.")
    notes: list[str]


class DownloadStatus(DownloadItem):
    """How a download stands, with its result."""

    notice: str | None
    waiting: dict[str, Any] | None = Field(description="Why it waits for the exchange, and for how many seconds.")
    error_type: str | None
    error_stack_trace: str | None
    result: DownloadResult | None


class DownloadPage(Page):
    """One page of downloads, the newest first."""

    items: list[DownloadItem]
