"""Downloads of candles: what every run has, and which exchanges there are."""

from django.http import HttpRequest

from algotrade.errors import MarketDataError
from algotrade.ports import Json
from algotrade.resolve import ResolvedDownload
from runs import exchanges
from runs.api import bodies, download_schemas, schemas
from runs.api.errors import ApiError
from runs.api.run_routes import RunResource, add_resume, router_of
from runs.api.schemas import ERRORS
from runs.models import Run, RunKind, RunState


def _resolve(body: Json) -> ResolvedDownload:
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


DOWNLOADS = RunResource(
    kind=RunKind.DOWNLOAD,
    resolve=_resolve,
    total_name="total_bars",
    submission=download_schemas.DownloadBody,
    submitted=schemas.Submitted,
    item=download_schemas.DownloadItem,
    page=download_schemas.DownloadPage,
    detail=download_schemas.DownloadStatus,
    status=download_schemas.DownloadStatus,
    item_body=item_body,
    detail_body=status_body,
    status_body=status_body,
)
router = router_of(DOWNLOADS)
add_resume(router, DOWNLOADS)


@router.get("/exchanges", response={200: schemas.RowList, **ERRORS}, summary="List exchanges")
def list_exchanges(request: HttpRequest) -> Json:  # noqa: ARG001 - the framework passes it by name
    """Return the exchanges that candles can be downloaded from, with their timeframes."""
    try:
        known = exchanges.known()
    except MarketDataError as error:
        raise ApiError(409, str(error)) from None
    items = [{"exchange": name, **known[name]} for name in sorted(known)]
    return {"items": items, "total": len(items)}
