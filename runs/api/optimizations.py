"""Optimizations: evaluate, submit, follow, list, read their trials and failures, cancel, go on, delete."""

import uuid
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from ninja import Query, Router, Status
from ninja.responses import codes_4xx

from algotrade.ports import Json
from algotrade.resolve import ResolvedOptimization, resolve_optimization
from runs import artifacts, throttle, verbs
from runs.api import bodies, schemas, search_bodies, search_schemas
from runs.api.access import manageable_optimization, user_of, visible_optimization
from runs.api.errors import ApiError
from runs.api.evaluation import evaluation_body
from runs.api.requests import RunFilters, TrialFilters, chosen_runs, json_object, refuse_unknown
from runs.api.words import WORDS, rewritten
from runs.deletion import delete_run
from runs.failures import failure_groups
from runs.models import Run, RunKind
from runs.submission import submit
from runs.trial_table import select_trials

router = Router(tags=["Optimizations"])
ERRORS: dict[Any, Any] = {codes_4xx: schemas.ErrorBody}
LARGEST_NUMBER = 2**62
_SPEC = search_schemas.SearchBody.model_json_schema(ref_template="{model}")
BODY = {"requestBody": {"required": True, "content": {"application/json": {"schema": _SPEC}}}}


@router.post(
    "/",
    response={202: search_schemas.Submitted, **ERRORS},
    summary="Submit an optimization",
    openapi_extra=BODY,
)
def submit_optimization(request: HttpRequest, response: HttpResponse) -> Any:
    """Start an optimization, or find the identical one that is active."""
    user = user_of(request)
    resolved = _resolved(json_object(request))
    twin = Run.objects.visible_to(user).identical_completed(resolved.run_key)
    run, is_dedup = submit(resolved, user, per_minute=throttle.API_SUBMISSIONS)
    response["Location"] = f"/api/optimizations/{run.id}/status"
    body = {
        "id": str(run.id),
        "number": run.number,
        "status": run.state,
        "total_combinations": run.total,
        "is_dedup": is_dedup,
        "identical_to": str(twin.id) if twin else None,
    }
    return Status(202, body)


@router.post(
    "/evaluate",
    response={200: search_schemas.Evaluation, **ERRORS},
    summary="Evaluate an optimization before it starts",
    openapi_extra=BODY,
)
def evaluate_optimization(request: HttpRequest) -> Json:
    """Return how much work a submission would be. Starts nothing."""
    asked = json_object(request)
    return evaluation_body(_resolved(asked), asked)


def _resolved(asked: dict[str, Any]) -> ResolvedOptimization:
    limit = settings.ALGOTRADE_MAX_COMBINATIONS
    return resolve_optimization(asked, artifacts.catalog(), artifacts.candle_store(), max_combinations=limit)


@router.get("/", response={200: search_schemas.ItemPage, **ERRORS}, summary="List optimizations")
def list_optimizations(request: HttpRequest, filters: Query[RunFilters]) -> Json:
    """Return optimizations, the newest first."""
    refuse_unknown(request, RunFilters)
    runs = chosen_runs(Run.objects.visible_to(user_of(request)).filter(kind=RunKind.OPTIMIZATION), filters)
    shown = runs[filters.offset : filters.offset + filters.limit]
    items = [search_bodies.item_body(run) for run in shown]
    return bodies.page_body(items, runs.count(), filters.limit, filters.offset)


@router.get("/{uuid:run_id}", response={200: search_schemas.DetailBody, **ERRORS}, summary="Read an optimization")
def read_optimization(request: HttpRequest, run_id: uuid.UUID) -> Json:
    """Return everything about an optimization but its trials."""
    return search_bodies.detail_body(visible_optimization(request, run_id))


@router.patch(
    "/{uuid:run_id}",
    response={200: search_schemas.ItemBody, **ERRORS},
    summary="Change title, notes and tags of an optimization",
    openapi_extra=WORDS,
)
def change_optimization(request: HttpRequest, run_id: uuid.UUID) -> Json:
    """Write about an optimization; what the body leaves out stays as it is."""
    return search_bodies.item_body(rewritten(manageable_optimization(request, run_id), json_object(request)))


@router.delete("/{uuid:run_id}", response={204: None, **ERRORS}, summary="Delete an optimization that has ended")
def delete_optimization(request: HttpRequest, run_id: uuid.UUID) -> Any:
    """Delete an optimization and its trials."""
    run = manageable_optimization(request, run_id)
    if not delete_run(run):
        run.refresh_from_db()
        raise ApiError(409, f"{run} is {run.state}; cancel it before deleting it.")
    return Status(204, None)


@router.get(
    "/{uuid:run_id}/status", response={200: search_schemas.StatusBody, **ERRORS}, summary="Follow an optimization"
)
def optimization_status(request: HttpRequest, run_id: uuid.UUID) -> Json:
    """Return how an optimization stands, its best trial so far, and its result once it is completed."""
    return search_bodies.status_body(visible_optimization(request, run_id))


@router.post("/{uuid:run_id}/cancel", response={200: schemas.Cancelled, **ERRORS}, summary="Cancel an optimization")
def cancel_optimization(request: HttpRequest, run_id: uuid.UUID) -> Json:
    """Cancel an optimization that waits or runs; finished trials are kept."""
    run = manageable_optimization(request, run_id)
    if not run.mark_cancelled():
        run.refresh_from_db()
        raise ApiError(409, f"{run} is {run.state} already and cannot be cancelled.")
    return {"id": str(run.id), "status": run.state}


@router.post(
    "/{uuid:run_id}/finish", response={202: search_schemas.StatusBody, **ERRORS}, summary="Finish an optimization now"
)
def finish_optimization(request: HttpRequest, run_id: uuid.UUID) -> Any:
    """Begin no further trial, and report what there is."""
    return _after(verbs.finish, request, run_id)


@router.post(
    "/{uuid:run_id}/resume", response={202: search_schemas.StatusBody, **ERRORS}, summary="Resume an optimization"
)
def resume_optimization(request: HttpRequest, run_id: uuid.UUID) -> Any:
    """Go on with a cancelled or failed optimization; only missing trials run."""
    return _after(verbs.resume, request, run_id)


@router.post(
    "/{uuid:run_id}/retry-failed", response={202: search_schemas.StatusBody, **ERRORS}, summary="Retry failed trials"
)
def retry_failed_trials(request: HttpRequest, run_id: uuid.UUID) -> Any:
    """Run the failed trials of an ended optimization again, with the strategy as it is now."""
    return _after(verbs.retry_failed, request, run_id)


def _after(verb: Callable[[Run], None], request: HttpRequest, run_id: uuid.UUID) -> Status[Json]:
    run = manageable_optimization(request, run_id)
    verb(run)
    return Status(202, search_bodies.status_body(run))


@router.get(
    "/{uuid:run_id}/trials", response={200: search_schemas.TrialPage, **ERRORS}, summary="Trials of an optimization"
)
def optimization_trials(request: HttpRequest, run_id: uuid.UUID, filters: Query[TrialFilters]) -> Json:
    """Return the trials so far that pass the filter, in the order that is asked for."""
    refuse_unknown(request, TrialFilters)
    run = visible_optimization(request, run_id)
    found = select_trials(run, sort=filters.sort, query=filters.q)
    if found.errors:
        raise ApiError(400, " ".join(found.errors.values()), found.errors)
    shown = found.numbers[filters.offset : filters.offset + filters.limit].tolist()
    items = search_bodies.trial_bodies(run, shown)
    return bodies.page_body(items, len(found.numbers), filters.limit, filters.offset)


@router.get(
    "/{uuid:run_id}/trials/{int:number}",
    response={200: search_schemas.TrialDetail, **ERRORS},
    summary="Read a trial",
)
def read_trial(request: HttpRequest, run_id: uuid.UUID, number: int) -> Json:
    """Return everything about one trial; numbers count from 1."""
    run = visible_optimization(request, run_id)
    trial = run.trials.filter(number=number - 1).first() if number < LARGEST_NUMBER else None
    if trial is None:
        raise Http404(f"{run} has no trial {number:,}, or it has not run yet.")
    return search_bodies.trial_detail(trial)


@router.get("/{uuid:run_id}/failures", response={200: schemas.RowList, **ERRORS}, summary="Failures of an optimization")
def optimization_failures(request: HttpRequest, run_id: uuid.UUID) -> Json:
    """Return failed trials by kind of error and line, the most frequent first, with parameters and trace of one."""
    groups = failure_groups(visible_optimization(request, run_id))
    return {"items": [search_bodies.failure_body(group) for group in groups], "total": len(groups)}
