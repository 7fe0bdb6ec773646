"""Optimizations: what every run has, evaluating beforehand, their trials and failures, finishing and retrying."""

import uuid
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest
from ninja import Query

from algotrade.ports import Json
from algotrade.resolve import ResolvedOptimization, resolve_optimization
from runs import artifacts, verbs
from runs.api import bodies, schemas, search_bodies, search_schemas
from runs.api.errors import ApiError
from runs.api.evaluation import evaluation_body
from runs.api.requests import TrialFilters, json_object, refuse_unknown
from runs.api.run_routes import RunResource, add_resume, router_of, takes
from runs.api.schemas import ERRORS
from runs.failures import failure_groups
from runs.models import RunKind
from runs.trial_table import select_trials

LARGEST_NUMBER = 2**62


def _resolve(body: Json) -> ResolvedOptimization:
    limit = settings.ALGOTRADE_MAX_COMBINATIONS
    return resolve_optimization(body, artifacts.catalog(), artifacts.candle_store(), max_combinations=limit)


OPTIMIZATIONS = RunResource(
    kind=RunKind.OPTIMIZATION,
    resolve=_resolve,
    total_name="total_combinations",
    submission=search_schemas.SearchBody,
    submitted=search_schemas.Submitted,
    item=search_schemas.ItemBody,
    page=search_schemas.ItemPage,
    detail=search_schemas.DetailBody,
    status=search_schemas.StatusBody,
    item_body=search_bodies.item_body,
    detail_body=search_bodies.detail_body,
    status_body=search_bodies.status_body,
)
router = router_of(OPTIMIZATIONS)
add_resume(router, OPTIMIZATIONS)


@router.post(
    "/evaluate",
    response={200: search_schemas.Evaluation, **ERRORS},
    summary="Evaluate an optimization before it starts",
    openapi_extra=takes(search_schemas.SearchBody),
)
def evaluate_optimization(request: HttpRequest) -> Json:
    """Return how much work a submission would be. Starts nothing."""
    asked = json_object(request)
    return evaluation_body(_resolve(asked), asked)


@router.post(
    "/{uuid:run_id}/finish",
    response={202: search_schemas.StatusBody, **ERRORS},
    summary="Finish an optimization now",
)
def finish_optimization(request: HttpRequest, run_id: uuid.UUID) -> Any:
    """Begin no further trial, and report what there is."""
    return OPTIMIZATIONS.after(verbs.finish, request, run_id)


@router.post(
    "/{uuid:run_id}/retry-failed",
    response={202: search_schemas.StatusBody, **ERRORS},
    summary="Retry failed trials",
)
def retry_failed_trials(request: HttpRequest, run_id: uuid.UUID) -> Any:
    """Run the failed trials of an ended optimization again, with the strategy as it is now."""
    return OPTIMIZATIONS.after(verbs.retry_failed, request, run_id)


@router.get(
    "/{uuid:run_id}/trials",
    response={200: search_schemas.TrialPage, **ERRORS},
    summary="Trials of an optimization",
)
def optimization_trials(request: HttpRequest, run_id: uuid.UUID, filters: Query[TrialFilters]) -> Json:
    """Return the trials so far that pass the filter, in the order that is asked for."""
    refuse_unknown(request, TrialFilters)
    run = OPTIMIZATIONS.visible(request, run_id)
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
    run = OPTIMIZATIONS.visible(request, run_id)
    trial = run.trials.filter(number=number - 1).first() if number < LARGEST_NUMBER else None
    if trial is None:
        raise Http404(f"{run} has no trial {number:,}, or it has not run yet.")
    return search_bodies.trial_detail(trial)


@router.get("/{uuid:run_id}/failures", response={200: schemas.RowList, **ERRORS}, summary="Failures of an optimization")
def optimization_failures(request: HttpRequest, run_id: uuid.UUID) -> Json:
    """Return failed trials by kind of error and line, the most frequent first, with parameters and trace of one."""
    groups = failure_groups(OPTIMIZATIONS.visible(request, run_id))
    return {"items": [search_bodies.failure_body(group) for group in groups], "total": len(groups)}
