"""The API put together: routers, errors, the OpenAPI document, its page, and an answer for any other address."""

from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import Resolver404, URLPattern, path, re_path, resolve
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET
from ninja import NinjaAPI

from algotrade.ports import Json
from runs import artifacts
from runs.api import backtests, bodies, datasets, downloads, optimizations, schemas
from runs.api.access import AUTHENTICATION, authenticated
from runs.api.document import sections
from runs.api.errors import ApiError, add_handlers, error_response, unauthorized
from runs.heartbeat import product_version

api = NinjaAPI(
    title="AlgoTrade",
    version=product_version(),
    description="Backtests and optimizations by program. "
    "Errors are {error, fields}; times are ISO 8601 UTC; undefined numbers are null.",
    urls_namespace="api",
    auth=AUTHENTICATION,
    openapi_url=None,
    docs_url=None,
)
add_handlers(api)
api.add_router("/backtests", backtests.router)
api.add_router("/optimizations", optimizations.router)
api.add_router("/downloads", downloads.router)
api.add_router("/datasets", datasets.router)


@api.get("/strategies/", response={200: schemas.RowList}, tags=["Catalog"], summary="List strategies")
def list_strategies(request: HttpRequest) -> Json:  # noqa: ARG001 - the framework passes it by name
    """Return every strategy with its parameters; one that cannot be used has its error."""
    items = [bodies.strategy_body(info) for info in artifacts.catalog().all()]
    return {"items": items, "total": len(items)}


@api.get("/openapi.json", include_in_schema=False)
def openapi(request: HttpRequest) -> Any:  # noqa: ARG001 - as above
    """Return this API's description."""
    return document()


def document() -> dict[str, Any]:
    """Return the OpenAPI document."""
    return dict(api.get_openapi_schema(path_prefix="/api/"))


@require_GET
def docs(request: HttpRequest) -> HttpResponse:
    """Show the API's description as a page; own markup, as the usual viewers need inline styles or a third party."""
    return render(request, "runs/api_docs.html", {"title": api.title, "sections": sections(document())})


@csrf_exempt
@login_not_required
def nowhere(request: HttpRequest, rest: str) -> HttpResponse:
    """Answer for any other address below /api/: 401 to a stranger, else 404 with the address that may be meant."""
    try:
        if not authenticated(request):
            return unauthorized()
    except ApiError as error:
        return error_response(error.status, error.message)
    meant = f"/api/{rest.rstrip('/')}" if rest.endswith("/") else f"/api/{rest}/"
    try:
        is_near = resolve(meant).func is not nowhere
    except (Resolver404, Http404):
        is_near = False
    hint = f" Did you mean {meant}?" if is_near else ""
    return error_response(404, f"There is nothing at {request.path[:200]}.{hint}")


def _open(pattern: Any) -> URLPattern:
    """Leave a route's authentication to the API: 401 in JSON instead of the way to the login page."""
    pattern.callback.login_required = False
    route: URLPattern = pattern
    return route


_patterns: list[Any] = [_open(pattern) for pattern in api.urls[0] if getattr(pattern, "name", "") != "api-root"]
urlpatterns: list[URLPattern] = [
    *_patterns,
    path("docs", docs, name="api_docs"),
    re_path(r"^(?P<rest>.*)$", nowhere),
]
