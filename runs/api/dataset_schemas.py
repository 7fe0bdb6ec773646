"""Bodies of datasets and imports as the OpenAPI document describes them."""

from typing import Any

from ninja import Field, Schema


class FileFacts(Schema):
    """What is said of a file; column by role as `columns.time` and so on, where the detected one is wrong.

    A column without a name is called by its place: (column 1).
    """

    asset: str | None = Field(None, description="What is traded, such as SPY. Required.")
    exchange: str | None = Field(None, description="Where, such as NYSE. Required.")
    timeframe: str | None = Field(None, description="Duration of a bar, such as 1h. Required.")
    currency: str | None = Field(None, description="What prices are in; USD by default.")
    tick_size: str | None = Field(None, description="Price step; the one that nearly all prices keep by default.")
    lot_size: str | None = Field(None, description="Quantity step, 0 for none; 1e-8 by default.")
    time_zone: str | None = Field(None, description="Zone of times without an offset; UTC by default.")
    calendar: str | None = Field(None, description="Zone whose midnights begin days; UTC by default.")


class ImportBody(Schema):
    """A file that was sent."""

    id: str
    status: str = Field(description="checking, checked, importing or imported.")
    name: str
    size_bytes: int
    phase: str | None
    done: int
    total: int
    options: dict[str, Any]
    preview: dict[str, Any] | None = Field(description="What the file holds: rows, columns, range, gaps, changes.")
    errors: list[str] = Field(description="The first faults, with row and column.")
    error_count: int
    result: dict[str, Any] | None = Field(description="Of an import: key, version, is_new, changes, n_bars.")
    url: str = Field(description="The page of this import.")


class DatasetBody(Schema):
    """A version of a dataset, with all versions and gaps."""

    id: str
    asset: str
    exchange: str
    timeframe: str
    version: str
    bars: int
    start: str
    end: str
    tick_size: float
    lot_size: float
    currency: str
    calendar: str
    gaps: int = Field(description="Places where bars are missing within a day; days, of a market that never closes.")
    missing_bars: int
    empty_weekdays: int = Field(description="Days without any bar, of weekdays that usually have some.")
    days_per_year: float
    synthetic: bool
    source: str
    size_bytes: int
    stored_at: str | None
    previous_version: str | None
    changes: dict[str, int] | None
    derived_from: dict[str, str] | None
    runs: int
    longer_timeframes: list[str]
    versions: list[dict[str, Any]]
    gap_list: list[dict[str, Any]]
    empty_weekday_list: list[str]
