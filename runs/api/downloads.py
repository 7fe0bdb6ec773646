"""Downloads of candles: which exchanges there are, submit, follow, list, cancel, resume, delete."""

import uuid
from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router, Status
from ninja.responses import codes_4xx

from algotrade.errors import MarketDataError
from algotrade.ports import Json
from algotrade.resolve import ResolvedDownload
from runs import exchanges, throttle, verbs
from runs.api import bodies, download_schemas, schemas
from runs.api.access import manageable_download, user_of, visible_download
from runs.api.errors import ApiError
from runs.api.requests import RunFilters, chosen_runs, json_object, refuse_unknown
from runs.api.words import WORDS, rewritten
from runs.deletion import delete_run
from runs.models import Run, RunKind, RunState
from runs.submission import submit

router = Router(tags=["Downloads"])
ERRORS: dict[Any, Any] = {codes_4xx: schemas.ErrorBody}


@router.post(
    "/",
    response={202: download_schemas.DownloadSubmitted, **ERRORS},
    summary="Submit a download",
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": download_schemas.DownloadBody.model_json_schema(ref_template="{model}"),
                }
            },
        }
    },
)
def submit_download(request: HttpRequest, response: HttpResponse) -> Any:
    """Start a download, or find the identical one that is active. Without a start it continues the dataset."""
    run, is_dedup = submit(_resolved(json_object(request)), user_of(request), per_minute=throttle.API_SUBMISSIONS)
    response["Location"] = f"/api/downloads/{run.id}/status"
    body = {
        "id": str(run.id),
        "number": run.number,
        "status": run.state,
        "total_bars": run.total,
        "is_dedup": is_dedup,
    }
    return Status(202, body)


@router.get("/exchanges", response={200: schemas.RowList, **ERRORS}, summary="List exchanges")
def list_exchanges(request: HttpRequest) -> Json:  # noqa: ARG001 - the framework passes it by name
    """Return the exchanges that candles can be downloaded from, with their timeframes."""
    try:
        known = exchanges.known()
    except MarketDataError as error:
        raise ApiError(409, str(error)) from None
    items = [{"exchange": name, **known[name]} for name in sorted(known)]
    return {"items": items, "total": len(items)}


@router.get("/", response={200: download_schemas.DownloadPage, **ERRORS}, summary="List downloads")
def list_downloads(request: HttpRequest, filters: Query[RunFilters]) -> Json:
    """Return downloads, the newest first."""
    refuse_unknown(request, RunFilters)
    runs = chosen_runs(Run.objects.visible_to(user_of(request)).filter(kind=RunKind.DOWNLOAD), filters)
    shown = runs[filters.offset : filters.offset + filters.limit]
    return bodies.page_body([item_body(run) for run in shown], runs.count(), filters.limit, filters.offset)


@router.get("/{uuid:run_id}", response={200: download_schemas.DownloadStatus, **ERRORS}, summary="Read a download")
def read_download(request: HttpRequest, run_id: uuid.UUID) -> Json:
    """Return everything about a download."""
    return status_body(visible_download(request, run_id))


@router.patch(
    "/{uuid:run_id}",
    response={200: download_schemas.DownloadItem, **ERRORS},
    summary="Change title, notes and tags of a download",
    openapi_extra=WORDS,
)
def change_download(request: HttpRequest, run_id: uuid.UUID) -> Json:
    """Write about a download; what the body leaves out stays as it is."""
    return item_body(rewritten(manageable_download(request, run_id), json_object(request)))


@router.delete("/{uuid:run_id}", response={204: None, **ERRORS}, summary="Delete a download that has ended")
def delete_download(request: HttpRequest, run_id: uuid.UUID) -> Any:
    """Delete a download and what it fetched; the dataset stays."""
    run = manageable_download(request, run_id)
    if not delete_run(run):
        run.refresh_from_db()
        raise ApiError(409, f"{run} is {run.state}; cancel it before deleting it.")
    return Status(204, None)


@router.get(
    "/{uuid:run_id}/status", response={200: download_schemas.DownloadStatus, **ERRORS}, summary="Follow a download"
)
def download_status(request: HttpRequest, run_id: uuid.UUID) -> Json:
    """Return how a download stands, and its result once it is completed."""
    return status_body(visible_download(request, run_id))


@router.post("/{uuid:run_id}/cancel", response={200: schemas.Cancelled, **ERRORS}, summary="Cancel a download")
def cancel_download(request: HttpRequest, run_id: uuid.UUID) -> Json:
    """Cancel a download that waits or runs; the answer is true at once. What was fetched is kept for a resume."""
    run = manageable_download(request, run_id)
    if not run.mark_cancelled():
        run.refresh_from_db()
        raise ApiError(409, f"{run} is {run.state} already and cannot be cancelled.")
    return {"id": str(run.id), "status": run.state}


@router.post(
    "/{uuid:run_id}/resume", response={202: download_schemas.DownloadStatus, **ERRORS}, summary="Resume a download"
)
def resume_download(request: HttpRequest, run_id: uuid.UUID) -> Any:
    """Go on with a cancelled or failed download: only bars that are missing are fetched."""
    run = manageable_download(request, run_id)
    verbs.resume(run)
    return Status(202, status_body(run))


def _resolved(body: Json) -> ResolvedDownload:
    try:
        return exchanges.resolve(body)
    except MarketDataError as error:
        raise ApiError(409, str(error)) from None


def item_body(run: Run) -> Json:
    """Return a download as an item of a list."""
    spec = run.spec
    return {
        **bodies.standing(run),
        **bodies.words_body(run),
        "processed_bars": run.processed,
        "total_bars": run.total,
        "spec": {
            **{name: spec[name] for name in ("exchange", "asset", "timeframe")},
            "start": bodies.iso_ns(spec["start_ns"]),
            "end": bodies.iso_ns(spec["end_ns"]),
        },
    }


def status_body(run: Run) -> Json:
    """Return how a download stands, and its result once it is completed."""
    return {
        **item_body(run),
        "notice": run.notice or None,
        "waiting": (run.live or {}).get("waiting") if run.state == RunState.RUNNING else None,
        "error_type": run.error_type or None,
        "error_stack_trace": bodies.error_part(run, "trace"),
        "result": _result_body(run),
    }


def _result_body(run: Run) -> Json | None:
    if run.state != RunState.COMPLETED or run.result is None:
        return None
    dataset = run.result["dataset"]
    return {
        "dataset": {
            **{name: dataset[name] for name in ("asset", "exchange", "timeframe", "version", "n_bars")},
            "first": bodies.iso_ns(dataset["first_ns"]),
            "last": bodies.iso_ns(dataset["last_ns"]),
        },
        "fetched_bars": run.result["n_fetched"],
        "added_bars": run.result["n_added"],
        "changed_bars": run.result["n_changed"],
        "missing_bars": run.result["n_missing"],
        "missing": [
            {"first": bodies.iso_ns(part["first_ns"]), "last": bodies.iso_ns(part["last_ns"]), "bars": part["n_bars"]}
            for part in run.result["missing"]
        ],
        "notes": run.result["notes"],
    }
