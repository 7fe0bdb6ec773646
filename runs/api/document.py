"""The OpenAPI document as a page can show it: sections of operations with their parameters and bodies."""

import json
from dataclasses import dataclass
from typing import Any


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
    for path, methods in document["paths"].items():
        for method, raw in methods.items():
            found.setdefault(raw.get("tags", ["Other"])[0], []).append(_operation(method, path, raw, schemas))
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
