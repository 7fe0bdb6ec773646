"""Downloads of candles: what every run has, and which exchanges there are."""

from django.http import HttpRequest

from algotrade.errors import MarketDataError
from algotrade.ports import Json
from algotrade.resolve import ResolvedDownload
from runs.api.errors import ERRORS, ApiError
from runs.api.run_routes import RunResource, add_resume, router_of
from runs.display.schemas import Page, Rows, SubmittedBars
from runs.downloads import exchanges
from runs.downloads.kind import DOWNLOAD
from runs.downloads.schemas import DownloadBody, DownloadItem, DownloadStatus, ExchangeBody


def _resolve(body: Json) -> ResolvedDownload:
    try:
        return exchanges.resolve(body)
    except MarketDataError as error:
        raise ApiError(409, str(error)) from None


DOWNLOADS = RunResource(
    kind=DOWNLOAD,
    resolve=_resolve,
    submission=DownloadBody,
    submitted=SubmittedBars,
    item=DownloadItem,
    detail=DownloadStatus,
    status=DownloadStatus,
    page=Page[DownloadItem],
)
router = router_of(DOWNLOADS)
add_resume(router, DOWNLOADS)


@router.get("/exchanges", response={200: Rows[ExchangeBody], **ERRORS}, summary="List exchanges")
def list_exchanges(request: HttpRequest) -> Rows[ExchangeBody]:  # noqa: ARG001 - the framework passes it by name
    """Return the exchanges that candles can be downloaded from, with their timeframes."""
    try:
        known = exchanges.known()
    except MarketDataError as error:
        raise ApiError(409, str(error)) from None
    items = [ExchangeBody(exchange=name, **known[name]) for name in sorted(known)]
    return Rows[ExchangeBody](items=items, total=len(items))
