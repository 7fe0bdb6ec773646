"""Datasets by program: list, look, import, resample, delete; and files step by step, as the pages do it.

`POST /datasets/` takes a file and all that is said of it at once. `POST /datasets/imports/` only looks it through; its
answer tells what was detected, and a second request corrects and imports it.
"""

from typing import Annotated, Any
from uuid import UUID

from django.http import Http404, HttpRequest
from ninja import Form, Router, Status, UploadedFile
from ninja.params.functions import File, Query

from algotrade.errors import MarketDataError
from algotrade.market.bars import timeframe_ns
from algotrade.market.calendar import empty_days, find_gaps
from algotrade.market.importing.columns import ROLES
from algotrade.market.resample import longer_timeframes
from algotrade.market.store import Dataset
from algotrade.ports import Json
from runs import artifacts
from runs.api.access import user_of
from runs.api.errors import ERRORS, ApiError, ErrorBody
from runs.api.requests import json_object
from runs.backtests.price import windowed
from runs.datasets import files, reading, usage
from runs.datasets.options import COLUMN_PREFIX, FIELDS, WrongOptions, guessed, read_options
from runs.datasets.schemas import DatasetBody, DatasetItem, DatasetVersion, FileFacts, ImportBody
from runs.display.schemas import Rows
from runs.display.times import iso_ns
from runs.models import Upload, UploadState

router = Router(tags=["Datasets"])
GAPS_SHOWN = 1_000
IMPORT_ERRORS: dict[Any, Any] = {**ERRORS, 507: ErrorBody}
FILE: Any = File(None, description="CSV or Parquet.")
"""Its absence is told in our words, so the framework does not require it."""
IMPORT_BODIES = {201: ImportBody, 202: ImportBody}


@router.get("/", response={200: Rows[DatasetItem]}, summary="List datasets")
def list_datasets(request: HttpRequest) -> Rows[DatasetItem]:  # noqa: ARG001 - the framework passes it by name
    """Return the newest version of every dataset."""
    n_runs = usage.usage()
    found = artifacts.candle_store().datasets()
    items = [DatasetItem(**vars(DatasetVersion.of(one)), runs=n_runs[usage.names_of(one)]) for one in found]
    return Rows[DatasetItem](items=items, total=len(items))


@router.post("/", response={**IMPORT_BODIES, **IMPORT_ERRORS}, summary="Import")
def import_dataset(
    request: HttpRequest,
    facts: Form[FileFacts],
    file: UploadedFile | None = FILE,
) -> Status[ImportBody]:
    """Import candles from a CSV or Parquet file: 201 when they are stored, 202 while a large file is still read."""
    typed = dict(request.POST.items()) | facts.model_dump(exclude_none=True)
    upload, owner = _received(request, file, _options(typed))
    if not upload.go_on_to_import(owner):
        raise ApiError(409, f"{upload} was discarded meanwhile.")
    return _after(upload, owner)


@router.post("/imports/", response={**IMPORT_BODIES, **IMPORT_ERRORS}, summary="Look")
def look_through(
    request: HttpRequest,
    file: UploadedFile | None = FILE,
) -> Status[ImportBody]:
    """Look a file through and store nothing: 201 with what was detected, 202 while a large file is still read."""
    upload, owner = _received(request, file, guessed(file.name or "") if file else {})
    return _after(upload, owner)


@router.get("/imports/{upload_id}", response={200: ImportBody, **ERRORS}, summary="Show an import")
def show_import(request: HttpRequest, upload_id: UUID) -> ImportBody:
    """Return how a file stands, what it holds, and what came of it."""
    return ImportBody.of(_visible(request, upload_id))


@router.post(
    "/imports/{upload_id}/{action}",
    response={200: ImportBody, 202: ImportBody, **ERRORS},
    summary="Check again, import, or cancel",
)
def do_import(request: HttpRequest, upload_id: UUID, action: str) -> Status[ImportBody]:
    """Check a file again (`check`) or import it (`import`) under a JSON body of options; or `cancel`.

    A check needs no names; an import needs asset, exchange and timeframe.
    """
    upload = _visible(request, upload_id)
    if action == "cancel":
        if not upload.mark_cancelled():
            raise ApiError(409, f"The import is {upload.state}; it cannot be cancelled.")
        return Status(200, ImportBody.of(upload))
    if action not in ("check", "import"):
        raise ApiError(404, f"The action must be check, import or cancel; it is {action[:20]!r}.")
    body = json_object(request)
    columns = body.pop("columns", {})
    if not isinstance(columns, dict):
        raise ApiError(400, 'columns must be an object, like {"time": "Date"}.', {"columns": "Must be an object."})
    typed = body | {COLUMN_PREFIX + str(role): name for role, name in columns.items()}
    options = _options(typed, for_check=action == "check")
    owner = upload.mark_importing(options) if action == "import" else upload.mark_checking(options)
    if not owner:
        raise ApiError(409, f"The file is {upload.state}; it has to be checked.")
    answer = _after(upload, owner)
    return Status(200 if answer.status_code == 201 else 202, answer.value)


@router.delete("/imports/{upload_id}", response={204: None, **ERRORS}, summary="Discard an import")
def discard_import(request: HttpRequest, upload_id: UUID) -> Status[None]:
    """Remove a file that is not to be imported; 409 once its candles are being stored."""
    try:
        files.discard(_visible(request, upload_id))
    except files.TooLate as error:
        raise ApiError(409, str(error)) from error
    return Status(204, None)


@router.get("/{key}", response={200: DatasetBody, **ERRORS}, summary="Show a dataset")
def show_dataset(request: HttpRequest, key: str, version: str | None = None) -> DatasetBody:  # noqa: ARG001 - as above
    """Return a dataset with its versions and gaps, the newest version or the one asked for."""
    item = _dataset(key, version)
    store = artifacts.candle_store()
    try:
        time = store.load(item).time
    except MarketDataError as error:
        raise ApiError(409, str(error)) from error
    step_ns = timeframe_ns(item.timeframe)
    gaps = find_gaps(time, step_ns, item.calendar)[:GAPS_SHOWN]
    days = empty_days(time, step_ns, item.calendar)[:GAPS_SHOWN]
    return DatasetBody(
        **vars(DatasetVersion.of(item)),
        runs=usage.usage()[usage.names_of(item)],
        longer_timeframes=longer_timeframes(item.timeframe),
        versions=[DatasetVersion.of(one) for one in store.versions(item)],
        gap_list=[
            {"after": iso_ns(gap.after_ns), "before": iso_ns(gap.before_ns), "missing_bars": gap.n_missing}
            for gap in gaps
        ],
        empty_weekday_list=[iso_ns(day)[:10] for day in days],
    )


@router.get("/{key}/candles", response={200: dict[str, Any], **ERRORS}, summary="Candles of a dataset")
def dataset_candles(
    request: HttpRequest,  # noqa: ARG001 - as above
    key: str,
    version: str | None = None,
    start: Annotated[str | None, Query(alias="from", description="Epoch seconds, inclusive.")] = None,
    to: Annotated[str | None, Query(description="Epoch seconds, inclusive.")] = None,
    px: Annotated[str | None, Query(description="Width of the chart that they are for, pixels.")] = None,
) -> Json:
    """Return a range's candles, as coarse as a chart of `px` pixels is narrow; few bars come as they are."""
    asked = {name: value for name, value in (("from", start), ("to", to), ("px", px)) if value is not None}
    try:
        return windowed(artifacts.candle_store().load(_dataset(key, version)), asked)
    except MarketDataError as error:
        raise ApiError(409, str(error)) from error


@router.post(
    "/{key}/resample",
    response={200: DatasetVersion, 201: DatasetVersion, **ERRORS},
    summary="Resample to a longer timeframe",
)
def resample_dataset(request: HttpRequest, key: str) -> Status[DatasetVersion]:
    """Store longer bars made of these ({"timeframe": "4h"}): 201, or 200 when these very bars were there."""
    item = _dataset(key)
    timeframe = json_object(request).get("timeframe")
    try:
        made, is_new = usage.make_longer(item, str(timeframe)[:20])
    except usage.InUse as error:
        raise ApiError(409, str(error)) from error
    except MarketDataError as error:
        raise ApiError(400, str(error), {"timeframe": str(error)}) from error
    return Status(201 if is_new else 200, DatasetVersion.of(made))


@router.delete("/{key}", response={204: None, **ERRORS}, summary="Delete a dataset")
def delete_dataset(request: HttpRequest, key: str) -> Status[None]:  # noqa: ARG001 - as above
    """Delete a dataset with all its versions; 409 when a run used it."""
    try:
        usage.delete(_dataset(key))
    except usage.InUse as error:
        raise ApiError(409, str(error)) from error
    return Status(204, None)


def _dataset(key: str, version: str | None = None) -> Dataset:
    try:
        return artifacts.candle_store().by_key(key[:200], version)
    except MarketDataError as error:
        raise Http404(str(error)) from error


def _visible(request: HttpRequest, upload_id: UUID) -> Upload:
    upload = Upload.objects.visible_to(user_of(request)).filter(id=upload_id).first()
    if upload is None:
        raise Http404(f"There is no import {upload_id}.")
    return upload


def _options(typed: dict[str, Any], *, for_check: bool = False) -> dict[str, Any]:
    columns = [COLUMN_PREFIX + role for role in ROLES]
    unknown = [name for name in typed if name not in FIELDS and name not in columns]
    if unknown:
        is_column = unknown[0].startswith(COLUMN_PREFIX)
        known = ", ".join(columns) if is_column else f"{', '.join(FIELDS)} and columns"
        raise ApiError(400, f"There is no field {unknown[0][:40]!r}; there are {known}.", {unknown[0][:40]: "Unknown."})
    try:
        return read_options(typed, for_check=for_check)
    except WrongOptions as error:
        raise ApiError(400, str(error), error.fields) from error


def _received(request: HttpRequest, file: Any, options: dict[str, Any]) -> tuple[Upload, str]:
    try:
        return files.receive(user_of(request), file, options)
    except files.UploadRefused as error:
        fields = {"file": str(error)} if error.status == 400 else None
        raise ApiError(error.status, str(error), fields, error.headers) from error


def _after(upload: Upload, owner: str) -> Status[ImportBody]:
    """Work on a file; the answer says what came of it, or that it is not over yet."""
    is_import = upload.state == UploadState.IMPORTING
    try:
        reading.begin(upload, owner, wait_seconds=reading.API_WAIT_SECONDS)
    except reading.Discarded as error:
        raise ApiError(409, str(error)) from error
    if upload.state == UploadState.CHECKED and (is_import or upload.preview is None):
        # Refused. A program corrects its request, not a row of ours, unless it looks at the file step by step.
        if upload.preview is None:
            files.discard(upload)
        more = upload.n_errors - len(upload.errors)
        words = "\n".join(upload.errors) + (f"\n… and {more:,} more." if more > 0 else "")
        raise ApiError(400, words, {"file": words})
    return Status(202 if upload.is_active else 201, ImportBody.of(upload))
