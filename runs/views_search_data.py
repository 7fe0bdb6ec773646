"""What an optimization's page asks for: the data of its charts, and its trials as CSV or JSON."""

import csv
import json
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_GET

from algotrade.metrics.vector import METRIC_KEYS
from algotrade.ports import Json
from runs import search_charts
from runs.api.errors import error_response
from runs.api.search_bodies import trial_bodies
from runs.models import Run, RunKind, Trial
from runs.searches import metrics_of, search_of
from runs.trial_table import Selection, select_trials

ROWS_AT_ONCE = 500
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
"""A spreadsheet runs a text that begins so; with an apostrophe before it, it shows it."""


def _optimization(request: HttpRequest, run_id: uuid.UUID) -> Run:
    return get_object_or_404(Run.objects.visible_to(request.user), id=run_id, kind=RunKind.OPTIMIZATION)


@require_GET
def objective_data(request: HttpRequest, run_id: uuid.UUID) -> HttpResponse:
    """Return objective by trial."""
    return JsonResponse(search_charts.objective_data(_optimization(request, run_id)))


@require_GET
def grid_data(request: HttpRequest, run_id: uuid.UUID) -> HttpResponse:
    """Return a heatmap of two axes (`x`, `y`), a metric and how cells are told (`agg`)."""
    return _chart(search_charts.grid_data, request, run_id, ("x", "y", "metric", "agg"))


@require_GET
def slices_data(request: HttpRequest, run_id: uuid.UUID) -> HttpResponse:
    """Return a metric by each axis."""
    return _chart(search_charts.slices_data, request, run_id, ("metric",))


@require_GET
def parallel_data(request: HttpRequest, run_id: uuid.UUID) -> HttpResponse:
    """Return the lines of the parallel coordinates."""
    return JsonResponse(search_charts.parallel_data(_optimization(request, run_id)))


def _chart(make: Callable[..., Json], request: HttpRequest, run_id: uuid.UUID, names: tuple[str, ...]) -> HttpResponse:
    run = _optimization(request, run_id)
    try:
        return JsonResponse(make(run, **{name: request.GET[name] for name in names if request.GET.get(name)}))
    except ValueError as error:
        return error_response(400, str(error))


@require_GET
def trials_csv(request: HttpRequest, run_id: uuid.UUID) -> HttpResponseBase:
    """Send the trials that pass the filter as CSV, in the order that is asked for."""
    return _export(request, run_id, "csv", "text/csv; charset=utf-8", _csv_lines)


@require_GET
def trials_json(request: HttpRequest, run_id: uuid.UUID) -> HttpResponseBase:
    """Send the trials that pass the filter as JSON, each as the API has it."""
    return _export(request, run_id, "json", "application/json", _json_lines)


def _export(
    request: HttpRequest,
    run_id: uuid.UUID,
    suffix: str,
    content_type: str,
    lines: Callable[[Run, Selection], Iterator[str]],
) -> HttpResponseBase:
    run = _optimization(request, run_id)
    found = select_trials(run, sort=request.GET.get("sort", ""), query=request.GET.get("q", ""))
    if found.errors:
        return error_response(400, " ".join(found.errors.values()), found.errors)
    parts = lines(run, found)
    # A server that waits for nobody must not wait for the database between two parts.
    content = _awaited(parts) if isinstance(request, ASGIRequest) else parts
    name = f"optimization-{run.number}-trials.{suffix}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingHttpResponse(content, content_type=content_type, headers=headers)


async def _awaited(parts: Iterator[str]) -> AsyncIterator[str]:
    def following() -> str | None:
        return next(parts, None)

    while (part := await sync_to_async(following)()) is not None:
        yield part


def _numbers(found: Selection) -> Iterator[list[int]]:
    """Return the numbers in batches, so that no export holds all rows in memory."""
    for first in range(0, len(found.numbers), ROWS_AT_ONCE):
        yield found.numbers[first : first + ROWS_AT_ONCE].tolist()


class _Line:
    """A file of one line: what was written last."""

    def write(self, text: str) -> str:
        return text


def _csv_lines(run: Run, found: Selection) -> Iterator[str]:
    writer, search = csv.writer(_Line()), search_of(run)
    names = [axis.name for axis in search.space.axes]
    ends = ("duration_ms", "error_type", "error_place", "error_message")
    yield str(writer.writerow(["number", "status", *map(_cell, names), "objective", *METRIC_KEYS, *ends]))
    for numbers in _numbers(found):
        rows = run.trials.defer("error_stack_trace", "error_detail").filter(number__in=numbers)
        trials: dict[int, Trial] = {trial.number: trial for trial in rows}
        lines = []
        for number in numbers:
            if number not in trials:
                continue
            trial = trials[number]
            parameters, metrics = search.parameters(trial.combination), metrics_of(trial) or {}
            values = [
                number + 1,
                "failed" if trial.is_failed else "completed",
                *(parameters[name] for name in names),
                trial.objective,
                *(metrics.get(key) for key in METRIC_KEYS),
                *(getattr(trial, name) for name in ends),
            ]
            lines.append(str(writer.writerow([_cell(value) for value in values])))
        yield "".join(lines)


def _cell(value: Any) -> Any:
    """Return a cell that no spreadsheet takes for a formula; numbers stay what they are."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA_STARTS) else value


def _json_lines(run: Run, found: Selection) -> Iterator[str]:
    yield f'{{"optimization": "{run.id}", "number": {run.number}, "total": {len(found.numbers)}, "items": ['
    separator = "\n"
    for numbers in _numbers(found):
        for body in trial_bodies(run, numbers):
            yield separator + json.dumps(body)
            separator = ",\n"
    yield "\n]}\n"
