"""The routes that every kind of run has: submit, list, read, write about, delete, follow, cancel, resume.

A kind says what differs: what a submission means, how bodies look. What only one kind has stands in its own module.
"""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from django.http import Http404, HttpRequest, HttpResponse
from ninja import Query, Router, Status
from pydantic import BaseModel

from runs import throttle
from runs.actions import verbs
from runs.actions.notes import checked
from runs.actions.submit import submit
from runs.actions.verbs import delete_run
from runs.api.access import user_of
from runs.api.errors import ERRORS, ApiError
from runs.api.requests import NoteBody, RunFilters, chosen_runs, json_object, refuse_unknown
from runs.display.schemas import NoteFields, Page, RunBody, SubmittedRun
from runs.models import Kind, Note, Run, Submission


class Cancelled(BaseModel):
    """A run that was cancelled."""

    id: str
    status: Literal["cancelled"]


def takes(schema: type[BaseModel]) -> dict[str, Any]:
    """Return the part of the document that describes a body which `resolve`, not the framework, validates."""
    described = schema.model_json_schema(ref_template="{model}")
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": described}}}}


@dataclass(frozen=True, slots=True)
class RunResource:
    """One kind of run as the API offers it: what it differs in from the others.

    Attributes:
        kind: the kind.
        resolve: makes a submission of a body; raises SpecError.
        submission: the body.
        submitted: the answer to it.
        item, detail, status: a run in a list, whole, and as who follows it asks.
        page: of items.
    """

    kind: Kind
    resolve: Callable[[dict[str, Any]], Submission]
    submission: type[BaseModel]
    submitted: type[SubmittedRun]
    item: type[RunBody]
    detail: type[RunBody]
    status: type[RunBody]
    page: type[Page[Any]]

    def visible(self, request: HttpRequest, run_id: uuid.UUID) -> Run:
        """Return a run that the caller may see.

        Raises:
            Http404: there is none of that id, or not for the caller.
        """
        run = Run.objects.visible_to(user_of(request)).filter(id=run_id, kind=self.kind.name).first()
        if run is None:
            raise Http404(f"There is no {self.kind.name} {run_id}.")
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

    def submit(self, request: HttpRequest, response: HttpResponse) -> Status[SubmittedRun]:
        """Start what the request's body asks for, or find the identical run that is active."""
        resolved = self.resolve(json_object(request))
        submitted = submit(resolved, user_of(request), per_minute=throttle.API_SUBMISSIONS)
        response["Location"] = f"/api/{self.kind.plural}/{submitted.run.id}/status"
        return Status(202, self.submitted.of(submitted))

    def listed(self, request: HttpRequest, filters: RunFilters) -> Page[Any]:
        """Return one page of the runs that the filters let through, the newest first."""
        refuse_unknown(request, RunFilters)
        runs = chosen_runs(Run.objects.visible_to(user_of(request)).filter(kind=self.kind.name), filters)
        items = [self.item.of(run) for run in runs[filters.part]]
        return self.page.of(items, runs.count(), filters.limit, filters.offset)

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

    def cancel(self, request: HttpRequest, run_id: uuid.UUID) -> Cancelled:
        """Cancel a run that waits or runs.

        Raises:
            ApiError: it has ended.
        """
        run = self.manageable(request, run_id)
        if not run.mark_cancelled():
            run.refresh_from_db()
            raise ApiError(409, f"{run} is {run.state} already and cannot be cancelled.")
        return Cancelled(id=str(run.id), status="cancelled")

    def after(self, verb: Callable[[Run], None], request: HttpRequest, run_id: uuid.UUID) -> Status[RunBody]:
        """Do something with a run and return how it stands then; what its state forbids is raised."""
        run = self.manageable(request, run_id)
        verb(run)
        return Status(202, self.status.of(run))


def router_of(of: RunResource) -> Router:
    """Return a router with the routes that every kind has."""
    router = Router(tags=[f"{of.kind.label}s"])
    name, noun = of.kind.name, of.kind.one

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
    def list_runs(request: HttpRequest, filters: Query[RunFilters]) -> Page[Any]:
        return of.listed(request, filters)

    @router.get(
        "/{uuid:run_id}",
        response={200: of.detail, **ERRORS},
        summary=f"Read {noun}",
        description="Everything but its tables and series.",
        operation_id=f"read_{name}",
    )
    def read_run(request: HttpRequest, run_id: uuid.UUID) -> RunBody:
        return of.detail.of(of.visible(request, run_id))

    @router.patch(
        "/{uuid:run_id}",
        response={200: of.item, **ERRORS},
        summary=f"Change title, notes and tags of {noun}",
        description="What the body leaves out stays as it is.",
        operation_id=f"change_{name}",
        openapi_extra=takes(NoteBody),
    )
    def change_run(request: HttpRequest, run_id: uuid.UUID) -> RunBody:
        return of.item.of(rewritten(of.manageable(request, run_id), json_object(request)))

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
        description="Status, partial results and, once it is completed, the result.",
        operation_id=f"follow_{name}",
    )
    def status_of_run(request: HttpRequest, run_id: uuid.UUID) -> RunBody:
        return of.status.of(of.visible(request, run_id))

    @router.post(
        "/{uuid:run_id}/cancel",
        response={200: Cancelled, **ERRORS},
        summary=f"Cancel {noun}",
        description="Pending or running. It is cancelled before the answer; finished trials are kept.",
        operation_id=f"cancel_{name}",
    )
    def cancel_run(request: HttpRequest, run_id: uuid.UUID) -> Cancelled:
        return of.cancel(request, run_id)

    return router


def add_resume(router: Router, of: RunResource) -> None:
    """Add the route of kinds that go on where they stopped."""

    @router.post(
        "/{uuid:run_id}/resume",
        response={202: of.status, **ERRORS},
        summary=f"Resume {of.kind.one}",
        description="Continues a cancelled or failed run; only missing work is done.",
        operation_id=f"resume_{of.kind.name}",
    )
    def resume_run(request: HttpRequest, run_id: uuid.UUID) -> Any:
        return of.after(verbs.resume, request, run_id)


def rewritten(run: Run, sent: dict[str, Any]) -> Run:
    """Store what a body tells of a run, and return the run as it is then.

    Raises:
        SpecError: a field is unknown, of another kind, or too long.
    """
    kept = {name: value for name, value in vars(NoteFields.of(run)).items() if name not in sent}
    text = checked({**kept, **sent})
    Note.objects.write(run, title=text.title, notes=text.notes, tags=text.tags)
    return Run.objects.select_related("note").get(pk=run.pk)
