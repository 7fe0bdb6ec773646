"""The routes that every kind of run has: submit, list, read, write about, delete, follow, cancel, resume.

A kind says what differs: what a submission means, how bodies look. What only one kind has stands in its own module.
"""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from ninja import Query, Router, Schema, Status

from algotrade.ports import Json
from algotrade.resolve import Resolved, ResolvedDownload, ResolvedOptimization
from runs import throttle, verbs
from runs.api import schemas
from runs.api.access import user_of
from runs.api.bodies import page_body
from runs.api.errors import ApiError
from runs.api.requests import RunFilters, chosen_runs, json_object, refuse_unknown
from runs.api.schemas import ERRORS
from runs.api.words import rewritten
from runs.deletion import delete_run
from runs.models import Run, RunKind
from runs.submission import submit


def takes(schema: type[Schema]) -> dict[str, Any]:
    """Return the part of the document that describes a body which `resolve`, not the framework, validates."""
    described = schema.model_json_schema(ref_template="{model}")
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": described}}}}


@dataclass(frozen=True, slots=True)
class RunResource:
    """One kind of run as the API offers it: what it differs in from the others.

    Attributes:
        kind: the kind.
        resolve: makes a submission of a body; raises SpecError.
        total_name: what the answer to a submission calls the run's total.
        submission, submitted, item, page, detail, status: schemas of the bodies that come and go.
        item_body, detail_body, status_body: make them of a run.
    """

    kind: RunKind
    resolve: Callable[[dict[str, Any]], Resolved | ResolvedOptimization | ResolvedDownload]
    total_name: str
    submission: type[Schema]
    submitted: type[Schema]
    item: type[Schema]
    page: type[Schema]
    detail: type[Schema]
    status: type[Schema]
    item_body: Callable[[Run], Json]
    detail_body: Callable[[Run], Json]
    status_body: Callable[[Run], Json]

    @property
    def noun(self) -> str:
        """What people call one run of the kind: a backtest, an optimization."""
        article = "an" if self.kind == RunKind.OPTIMIZATION else "a"
        return f"{article} {self.kind.value}"

    def visible(self, request: HttpRequest, run_id: uuid.UUID) -> Run:
        """Return a run that the caller may see.

        Raises:
            Http404: there is none of that id, or not for the caller.
        """
        run = Run.objects.visible_to(user_of(request)).filter(id=run_id, kind=self.kind).first()
        if run is None:
            raise Http404(f"There is no {self.kind.value} {run_id}.")
        return run

    def manageable(self, request: HttpRequest, run_id: uuid.UUID) -> Run:
        """Return a run that the caller may change or delete.

        Raises:
            Http404: there is none of that id, or not for the caller.
            ApiError: the caller may see it, but not change it.
        """
        run = self.visible(request, run_id)
        if not run.is_manageable_by(user_of(request)):
            raise ApiError(403, f"{run} belongs to {run.user.get_username()}; only they and staff may change it.")
        return run

    def submit(self, request: HttpRequest, response: HttpResponse) -> Status[Json]:
        """Start what the request's body asks for, or find the identical run that is active."""
        resolved = self.resolve(json_object(request))
        submitted = submit(resolved, user_of(request), per_minute=throttle.API_SUBMISSIONS)
        run, twin = submitted.run, submitted.identical_to
        response["Location"] = f"/api/{self.kind.value}s/{run.id}/status"
        body = {
            "id": str(run.id),
            "number": run.number,
            "status": run.state,
            self.total_name: run.total,
            "is_dedup": submitted.is_dedup,
            "identical_to": str(twin) if twin else None,
        }
        return Status(202, body)

    def listed(self, request: HttpRequest, filters: RunFilters) -> Json:
        """Return one page of the runs that the filters let through, the newest first."""
        refuse_unknown(request, RunFilters)
        runs = chosen_runs(Run.objects.visible_to(user_of(request)).filter(kind=self.kind), filters)
        shown = runs[filters.offset : filters.offset + filters.limit]
        return page_body([self.item_body(run) for run in shown], runs.count(), filters.limit, filters.offset)

    def delete(self, request: HttpRequest, run_id: uuid.UUID) -> Status[None]:
        """Delete a run that has ended.

        Raises:
            ApiError: it is active.
        """
        run = self.manageable(request, run_id)
        if not delete_run(run):
            run.refresh_from_db()
            raise ApiError(409, f"{run} is {run.state}; cancel it before deleting it.")
        return Status(204, None)

    def cancel(self, request: HttpRequest, run_id: uuid.UUID) -> Json:
        """Cancel a run that waits or runs.

        Raises:
            ApiError: it has ended.
        """
        run = self.manageable(request, run_id)
        if not run.mark_cancelled():
            run.refresh_from_db()
            raise ApiError(409, f"{run} is {run.state} already and cannot be cancelled.")
        return {"id": str(run.id), "status": run.state}

    def after(self, verb: Callable[[Run], None], request: HttpRequest, run_id: uuid.UUID) -> Status[Json]:
        """Do something with a run and return how it stands then; what its state forbids is raised."""
        run = self.manageable(request, run_id)
        verb(run)
        return Status(202, self.status_body(run))


def router_of(of: RunResource) -> Router:
    """Return a router with the routes that every kind has."""
    router = Router(tags=[f"{of.kind.label}s"])
    name, noun = of.kind.value, of.noun

    @router.post(
        "/",
        response={202: of.submitted, **ERRORS},
        summary=f"Submit {noun}",
        description="Starts a run, or finds the identical one that is active.",
        operation_id=f"submit_{name}",
        openapi_extra=takes(of.submission),
    )
    def submit_run(request: HttpRequest, response: HttpResponse) -> Any:
        return of.submit(request, response)

    @router.get(
        "/",
        response={200: of.page, **ERRORS},
        summary=f"List {name}s",
        description="The newest come first.",
        operation_id=f"list_{name}s",
    )
    def list_runs(request: HttpRequest, filters: Query[RunFilters]) -> Json:
        return of.listed(request, filters)

    @router.get(
        "/{uuid:run_id}",
        response={200: of.detail, **ERRORS},
        summary=f"Read {noun}",
        description="Everything but its tables and series.",
        operation_id=f"read_{name}",
    )
    def read_run(request: HttpRequest, run_id: uuid.UUID) -> Json:
        return of.detail_body(of.visible(request, run_id))

    @router.patch(
        "/{uuid:run_id}",
        response={200: of.item, **ERRORS},
        summary=f"Change title, notes and tags of {noun}",
        description="What the body leaves out stays as it is.",
        operation_id=f"change_{name}",
        openapi_extra=takes(schemas.WordsBody),
    )
    def change_run(request: HttpRequest, run_id: uuid.UUID) -> Json:
        return of.item_body(rewritten(of.manageable(request, run_id), json_object(request)))

    @router.delete(
        "/{uuid:run_id}",
        response={204: None, **ERRORS},
        summary=f"Delete {noun} that has ended",
        description="With its results and files; datasets and strategies stay.",
        operation_id=f"delete_{name}",
    )
    def delete(request: HttpRequest, run_id: uuid.UUID) -> Any:
        return of.delete(request, run_id)

    @router.get(
        "/{uuid:run_id}/status",
        response={200: of.status, **ERRORS},
        summary=f"Follow {noun}",
        description="How it stands, what it has so far, and its result once it is completed.",
        operation_id=f"follow_{name}",
    )
    def status_of_run(request: HttpRequest, run_id: uuid.UUID) -> Json:
        return of.status_body(of.visible(request, run_id))

    @router.post(
        "/{uuid:run_id}/cancel",
        response={200: schemas.Cancelled, **ERRORS},
        summary=f"Cancel {noun}",
        description="One that waits or runs. The answer is true at once; what is finished is kept.",
        operation_id=f"cancel_{name}",
    )
    def cancel_run(request: HttpRequest, run_id: uuid.UUID) -> Json:
        return of.cancel(request, run_id)

    return router


def add_resume(router: Router, of: RunResource) -> None:
    """Add the route of kinds that go on where they stopped."""

    @router.post(
        "/{uuid:run_id}/resume",
        response={202: of.status, **ERRORS},
        summary=f"Resume {of.noun}",
        description="Goes on with a cancelled or failed one: only what is missing is done.",
        operation_id=f"resume_{of.kind.value}",
    )
    def resume_run(request: HttpRequest, run_id: uuid.UUID) -> Any:
        return of.after(verbs.resume, request, run_id)
