"""Bodies of datasets and of files that are imported."""

from typing import Any, Self

from pydantic import BaseModel, Field

from algotrade.market.importing.preview import Preview
from algotrade.market.store import Dataset
from algotrade.market.versions import Changes
from runs.display.times import iso_ns
from runs.models import Upload


class FileFacts(BaseModel):
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


class PreviewBody(BaseModel):
    """What a file holds."""

    format: str = Field(description="CSV or Parquet, and how it is separated.")
    columns: list[str]
    roles: dict[str, str] = Field(description="Column by role, as it was detected.")
    shown_columns: list[str] = Field(description="Of the first and last rows.")
    first_rows: list[dict[str, Any]] = Field(description="Each with its number, row, and its cells as text.")
    last_rows: list[dict[str, Any]]
    rows: int
    needs_time_zone: bool = Field(description="Whether times have no offset.")
    timeframe: str | None
    tick_size: float | None
    bars: int = Field(description="That would be stored; 0 while there are faults.")
    start: str | None
    end: str | None
    gaps: int
    missing_bars: int
    empty_weekdays: int
    duplicates: int = Field(description="Rows left out because they repeat others.")
    notes: list[str] = Field(description="What was assumed or mended.")
    replaces_bars: int | None = Field(description="Bars of the dataset of that name; null when there is none.")
    changes: dict[str, int] | None

    @classmethod
    def of(cls, preview: Preview) -> Self:
        """Return what a file was found to hold."""
        return cls(
            format=preview.format,
            columns=preview.names,
            roles=preview.found,
            shown_columns=preview.shown,
            first_rows=[{"row": row, "cells": cells} for row, cells in preview.head],
            last_rows=[{"row": row, "cells": cells} for row, cells in preview.tail],
            rows=preview.n_rows,
            needs_time_zone=preview.needs_zone,
            timeframe=preview.timeframe or None,
            tick_size=preview.tick_size,
            bars=preview.n_bars,
            start=iso_ns(preview.first_ns) if preview.n_bars else None,
            end=iso_ns(preview.last_ns) if preview.n_bars else None,
            gaps=preview.n_gaps,
            missing_bars=preview.n_missing_bars,
            empty_weekdays=preview.n_empty_weekdays,
            duplicates=preview.n_duplicates,
            notes=preview.notes or [preview.time_note],
            replaces_bars=preview.replaces,
            changes=_counts(preview.changes),
        )


class ImportBody(BaseModel):
    """A file that was sent."""

    id: str
    status: str = Field(description="checking, checked, importing or imported.")
    name: str
    size_bytes: int
    phase: str | None
    done: int
    total: int
    options: dict[str, Any]
    preview: PreviewBody | None
    errors: list[str] = Field(description="The first faults, with row and column.")
    error_count: int
    result: dict[str, Any] | None = Field(description="Of an import: key, version, is_new, changes, n_bars.")
    url: str = Field(description="The page of this import.")

    @classmethod
    def of(cls, upload: Upload) -> Self:
        """Return how a file stands, what it holds, and what came of it."""
        return cls(
            id=str(upload.id),
            status=upload.state,
            name=upload.name,
            size_bytes=upload.size_bytes,
            phase=upload.phase if upload.is_active else None,
            done=upload.done,
            total=upload.total,
            options=upload.options,
            preview=PreviewBody.of(upload.seen) if upload.seen else None,
            errors=upload.errors,
            error_count=upload.n_errors,
            result=upload.stored or None,
            url=upload.get_absolute_url(),
        )


class DatasetVersion(BaseModel):
    """A version of a dataset."""

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

    @classmethod
    def of(cls, dataset: Dataset) -> Self:
        """Return what is known of a version."""
        history, instrument = dataset.history, dataset.instrument
        origin = {"id": history.derived_from, "version": history.derived_version}
        return cls(
            id=dataset.key,
            asset=dataset.asset,
            exchange=dataset.exchange,
            timeframe=dataset.timeframe,
            version=dataset.version,
            bars=dataset.n_bars,
            start=iso_ns(dataset.first_ns),
            end=iso_ns(dataset.last_ns),
            tick_size=instrument.tick_size,
            lot_size=instrument.lot_size,
            currency=instrument.currency,
            calendar=dataset.calendar,
            gaps=dataset.n_gaps,
            missing_bars=dataset.n_missing_bars,
            empty_weekdays=dataset.n_empty_weekdays,
            days_per_year=dataset.days_per_year,
            synthetic=dataset.synthetic,
            source=dataset.source,
            size_bytes=dataset.size_bytes,
            stored_at=iso_ns(history.stored_ns) if history.stored_ns else None,
            previous_version=history.previous or None,
            changes=_counts(history.changes),
            derived_from=origin if history.derived_from else None,
        )


class DatasetItem(DatasetVersion):
    """A dataset in a list: its newest version."""

    runs: int = Field(description="That used it, whichever version it was.")


class DatasetBody(DatasetItem):
    """A version of a dataset, with all versions and gaps."""

    longer_timeframes: list[str]
    versions: list[DatasetVersion]
    gap_list: list[dict[str, Any]]
    empty_weekday_list: list[str]


def _counts(changes: Changes | None) -> dict[str, int] | None:
    if changes is None:
        return None
    return {"changed": changes.n_changed, "added": changes.n_added, "removed": changes.n_removed}
