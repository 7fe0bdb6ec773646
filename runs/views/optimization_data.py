"""Data of an optimization's page: its charts, and its trials as CSV or JSON."""

import json
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_GET

from algotrade.metrics.vector import METRIC_KEYS, as_long_as_now, is_count
from runs.api.errors import error_response
from runs.display.spreadsheets import cell, lines_of, sent_as_csv, sent_as_file
from runs.models import Run
from runs.optimizations.charts import CHARTS
from runs.optimizations.kind import OPTIMIZATION
from runs.optimizations.plan import Plan, plan_of
from runs.optimizations.schemas import trial_bodies
from runs.optimizations.trials import Selection, select_trials

ROWS_AT_ONCE = 500


def _optimization(request: HttpRequest, run_id: uuid.UUID) -> Run:
    return get_object_or_404(Run.objects.visible_to(request.user), id=run_id, kind=OPTIMIZATION.name)


@require_GET
def chart_data(request: HttpRequest, run_id: uuid.UUID, chart: str) -> HttpResponse:
    """Return what a chart draws; the address may set its options, others are passed over."""
    make = CHARTS[chart]
    options = {name: request.GET[name] for name in make.__kwdefaults__ or () if request.GET.get(name)}
    try:
        return JsonResponse(make(_optimization(request, run_id), **options))
    except ValueError as error:
        return error_response(400, str(error))


@require_GET
def trials_csv(request: HttpRequest, run_id: uuid.UUID) -> HttpResponseBase:
    """Send the trials that pass the filter as CSV, in the order that is asked for."""
    return _export(request, run_id, "csv", _csv_lines)


@require_GET
def trials_json(request: HttpRequest, run_id: uuid.UUID) -> HttpResponseBase:
    """Send the trials that pass the filter as JSON, each as the API has it."""
    return _export(request, run_id, "json", _json_lines)


def _export(
    request: HttpRequest,
    run_id: uuid.UUID,
    suffix: str,
    lines: Callable[[Run, Selection], Iterator[str]],
) -> HttpResponseBase:
    run = _optimization(request, run_id)
    found = select_trials(run, sort=request.GET.get("sort", ""), query=request.GET.get("q", ""))
    if found.errors:
        return error_response(400, " ".join(found.errors.values()), found.errors)
    parts, name = lines(run, found), f"optimization-{run.number}-trials.{suffix}"
    if suffix == "csv":
        return sent_as_csv(request, parts, name)
    return sent_as_file(request, parts, name, "application/json")


def _numbers(found: Selection) -> Iterator[list[int]]:
    """Return the numbers in batches, so that no export holds all rows in memory."""
    for first in range(0, len(found.numbers), ROWS_AT_ONCE):
        yield found.numbers[first : first + ROWS_AT_ONCE].tolist()


TOLD = ("number", "combination", "is_failed", "objective", "metrics", "duration_ms")
TOLD_OF_ERRORS = ("error_type", "error_place", "error_message")


def _csv_lines(run: Run, found: Selection) -> Iterator[str]:
    """Yield the table in parts, made column by column: cell by cell a hundred thousand trials take half a minute."""
    plan = plan_of(run)
    names = [axis.name for axis in plan.space.axes]
    yield lines_of([["number", "status", *map(cell, names), "objective", *METRIC_KEYS, "duration_ms", *TOLD_OF_ERRORS]])
    for numbers in _numbers(found):
        rows = run.trials.filter(number__in=numbers).values(*TOLD, *TOLD_OF_ERRORS)
        by_number = {row["number"]: row for row in rows}
        trials = [by_number[number] for number in numbers if number in by_number]
        if trials:
            yield lines_of(zip(*_columns(plan, names, trials), strict=True))


def _columns(plan: Plan, names: list[str], rows: list[dict[str, Any]]) -> Iterator[list[Any]]:
    """Yield the cells of some rows, a column each."""
    parameters = [plan.parameters(row["combination"]) for row in rows]
    vectors = np.frombuffer(b"".join(as_long_as_now(bytes(row["metrics"] or b"")) for row in rows))
    vectors = vectors.reshape(len(rows), -1)
    yield [row["number"] + 1 for row in rows]
    yield ["failed" if row["is_failed"] else "completed" for row in rows]
    for name in names:
        yield [cell(values[name]) for values in parameters]
    yield [row["objective"] for row in rows]
    for key, values in zip(METRIC_KEYS, vectors.T.tolist(), strict=True):
        as_told = int if is_count(key) else float
        yield [None if value != value else as_told(value) for value in values]  # NaN: undefined, an empty cell
    yield [row["duration_ms"] for row in rows]
    for name in TOLD_OF_ERRORS:
        yield [cell(row[name]) for row in rows]


def _json_lines(run: Run, found: Selection) -> Iterator[str]:
    yield f'{{"optimization": "{run.id}", "number": {run.number}, "total": {len(found.numbers)}, "items": ['
    separator = "\n"
    for numbers in _numbers(found):
        for body in trial_bodies(run, numbers):
            yield separator + json.dumps(body.model_dump())
            separator = ",\n"
    yield "\n]}\n"
