"""The API put together: routers, errors, the OpenAPI document, its page, and an answer for any other address."""

import json
from dataclasses import dataclass
from typing import Any, Self

from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import Resolver404, URLPattern, path, re_path, resolve
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET
from ninja import NinjaAPI
from pydantic import BaseModel, Field

from algotrade.strategies.catalog import StrategyInfo
from runs import artifacts
from runs.api import backtests, datasets, downloads, optimizations
from runs.api.access import AUTHENTICATION, authenticated
from runs.api.errors import ApiError, add_handlers, error_response, unauthorized
from runs.display.schemas import Rows
from runs.worker.heartbeat import product_version

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


class StrategyBody(BaseModel):
    """What is known of a strategy."""

    name: str
    title: str
    doc: str
    parameters: list[dict[str, Any]]
    rules: list[str] = Field(description="Between parameters, such as fast < slow.")
    compiled: bool
    builtin: bool = Field(description="Whether it came with the product.")
    source_hash: str
    error: str | None = Field(description="Why it cannot be used.")

    @classmethod
    def of(cls, info: StrategyInfo) -> Self:
        """Return what the catalog knows."""
        return cls(
            name=info.name,
            title=info.title,
            doc=info.doc,
            parameters=[param.to_dict() for param in info.params],
            rules=list(info.rules),
            compiled=info.compiled,
            builtin=info.builtin,
            source_hash=info.source_hash,
            error=info.error,
        )


@api.get("/strategies/", response={200: Rows[StrategyBody]}, tags=["Catalog"], summary="List strategies")
def list_strategies(request: HttpRequest) -> Rows[StrategyBody]:  # noqa: ARG001 - the framework passes it by name
    """Return every strategy with its parameters; one that cannot be used has its error."""
    items = [StrategyBody.of(info) for info in artifacts.catalog().all()]
    return Rows[StrategyBody](items=items, total=len(items))


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
    return render(request, "api/docs.html", {"title": api.title, "sections": sections(document())})


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


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of an address."""

    name: str
    place: str
    kind: str
    default: str
    description: str


@dataclass(frozen=True, slots=True)
class Operation:
    """One method at one address. `body` and `answers` are JSON Schema as text; answers by status."""

    method: str
    path: str
    summary: str
    description: str
    parameters: list[Parameter]
    body: str
    answers: list[tuple[str, str]]


def sections(document: dict[str, Any]) -> list[tuple[str, list[Operation]]]:
    """Return the operations by tag, in the order of the document."""
    schemas = document.get("components", {}).get("schemas", {})
    found: dict[str, list[Operation]] = {}
    for address, methods in document["paths"].items():
        for method, raw in methods.items():
            found.setdefault(raw.get("tags", ["Other"])[0], []).append(_operation(method, address, raw, schemas))
    return list(found.items())


def _operation(method: str, path: str, raw: dict[str, Any], schemas: dict[str, Any]) -> Operation:
    return Operation(
        method=method.upper(),
        path=path,
        summary=raw.get("summary", ""),
        description=raw.get("description", ""),
        parameters=[_parameter(parameter) for parameter in raw.get("parameters", [])],
        body=_schema_text(raw.get("requestBody", {}), schemas),
        answers=[(str(status), _schema_text(answer, schemas)) for status, answer in _answers(raw)],
    )


def _answers(raw: dict[str, Any]) -> list[tuple[str, Any]]:
    """Return the answers; the many errors have one body and are one line."""
    answers = raw.get("responses", {}).items()
    good = [(status, answer) for status, answer in answers if int(status) < 400]
    bad = [answer for status, answer in answers if int(status) >= 400]
    return [*good, *((("4xx", bad[0]),) if bad else ())]


def _parameter(raw: dict[str, Any]) -> Parameter:
    schema = raw.get("schema", {})
    kinds = [option.get("type", "") for option in schema.get("anyOf", [schema])]
    return Parameter(
        name=raw["name"],
        place=raw["in"],
        kind=" or ".join(kind for kind in kinds if kind and kind != "null"),
        default="" if schema.get("default") is None else str(schema["default"]),
        description=schema.get("description", raw.get("description", "")),
    )


def _schema_text(holder: dict[str, Any], schemas: dict[str, Any]) -> str:
    """Return the JSON body's schema as text, with the schemas that it refers to put in."""
    schema = holder.get("content", {}).get("application/json", {}).get("schema")
    return json.dumps(_inlined(schema, schemas), indent=2, ensure_ascii=False) if schema else ""


def _inlined(value: Any, schemas: dict[str, Any]) -> Any:
    """Replace references; the API's schemas do not refer to themselves, so this ends."""
    if isinstance(value, list):
        return [_inlined(item, schemas) for item in value]
    if not isinstance(value, dict):
        return value
    if "$ref" in value:
        return _inlined(schemas.get(value["$ref"].rsplit("/", 1)[-1], {}), schemas)
    return {name: _inlined(item, schemas) for name, item in value.items() if name not in ("title", "$defs")}
