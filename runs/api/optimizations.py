"""Optimizations: what every run has, evaluating beforehand, their trials and failures, finishing and retrying."""

import uuid
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest
from ninja import Query

from algotrade.ports import Json
from algotrade.resolve import ResolvedOptimization, resolve_optimization
from runs import artifacts
from runs.actions import verbs
from runs.api.errors import ERRORS, ApiError
from runs.api.evaluation import Evaluation
from runs.api.requests import TrialFilters, json_object, refuse_unknown
from runs.api.run_routes import RunResource, add_resume, router_of, takes
from runs.display.schemas import Page, Rows
from runs.optimizations import schemas
from runs.optimizations.kind import OPTIMIZATION
from runs.optimizations.trials import failure_groups, select_trials
from runs.optimizations.verbs import retry_failed

LARGEST_NUMBER = 2**62


def _resolve(body: Json) -> ResolvedOptimization:
    limit = settings.ALGOTRADE_MAX_COMBINATIONS
    return resolve_optimization(body, artifacts.catalog(), artifacts.candle_store(), max_combinations=limit)


OPTIMIZATIONS = RunResource(
    kind=OPTIMIZATION,
    resolve=_resolve,
    submission=schemas.OptimizationBody,
    submitted=schemas.SubmittedTrials,
    item=schemas.OptimizationItem,
    detail=schemas.OptimizationDetail,
    status=schemas.OptimizationStatus,
    page=Page[schemas.OptimizationItem],
)
router = router_of(OPTIMIZATIONS)
add_resume(router, OPTIMIZATIONS)


@router.post(
    "/evaluate",
    response={200: Evaluation, **ERRORS},
    summary="Evaluate an optimization before it starts",
    openapi_extra=takes(schemas.OptimizationBody),
)
def evaluate_optimization(request: HttpRequest) -> Evaluation:
    """Return how much work a submission would be. Starts nothing."""
    asked = json_object(request)
    return Evaluation.of(_resolve(asked), asked)


@router.post(
    "/{uuid:run_id}/finish",
    response={202: schemas.OptimizationStatus, **ERRORS},
    summary="Finish an optimization now",
)
def finish_optimization(request: HttpRequest, run_id: uuid.UUID) -> Any:
    """Begin no further trial, and report what there is."""
    return OPTIMIZATIONS.after(verbs.finish, request, run_id)


@router.post(
    "/{uuid:run_id}/retry-failed",
    response={202: schemas.OptimizationStatus, **ERRORS},
    summary="Retry failed trials",
)
def retry_failed_trials(request: HttpRequest, run_id: uuid.UUID) -> Any:
    """Run the failed trials of an ended optimization again, with the strategy as it is now."""
    return OPTIMIZATIONS.after(retry_failed, request, run_id)


@router.get(
    "/{uuid:run_id}/trials",
    response={200: Page[schemas.TrialBody], **ERRORS},
    summary="Trials of an optimization",
)
def optimization_trials(
    request: HttpRequest, run_id: uuid.UUID, filters: Query[TrialFilters]
) -> Page[schemas.TrialBody]:
    """Return the trials so far that pass the filter, in the order that is asked for."""
    refuse_unknown(request, TrialFilters)
    run = OPTIMIZATIONS.visible(request, run_id)
    found = select_trials(run, sort=filters.sort, query=filters.q)
    if found.errors:
        raise ApiError(400, " ".join(found.errors.values()), found.errors)
    items = schemas.trial_bodies(run, found.numbers[filters.part].tolist())
    return Page[schemas.TrialBody].of(items, len(found.numbers), filters.limit, filters.offset)


@router.get(
    "/{uuid:run_id}/trials/{int:number}",
    response={200: schemas.TrialDetail, **ERRORS},
    summary="Read a trial",
)
def read_trial(request: HttpRequest, run_id: uuid.UUID, number: int) -> schemas.TrialDetail:
    """Return everything about one trial; numbers count from 1."""
    run = OPTIMIZATIONS.visible(request, run_id)
    trial = run.trials.filter(number=number - 1).first() if number < LARGEST_NUMBER else None
    if trial is None:
        raise Http404(f"{run} has no trial {number:,}, or it has not run yet.")
    return schemas.TrialDetail.of(trial)


@router.get(
    "/{uuid:run_id}/failures",
    response={200: Rows[schemas.FailureBody], **ERRORS},
    summary="Failures of an optimization",
)
def optimization_failures(request: HttpRequest, run_id: uuid.UUID) -> Rows[schemas.FailureBody]:
    """Return failed trials by kind of error and line, the most frequent first, with parameters and trace of one."""
    groups = failure_groups(OPTIMIZATIONS.visible(request, run_id))
    return Rows[schemas.FailureBody](items=[schemas.FailureBody.of(group) for group in groups], total=len(groups))
