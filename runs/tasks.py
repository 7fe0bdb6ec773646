"""The workers' entrance: what a ticket names. The ticket carries an id; the row says what is to be done."""

import uuid

import structlog

from runs import draining, heartbeat
from runs.downloading import Downloading
from runs.drain import drain
from runs.execution import Execution
from runs.models import Run
from runs.owners import new_owner
from runs.preparing import prepare


def execute(run_id: str) -> None:
    """Carry out the run if it waits for somebody; lend a hand if it is an optimization that is being evaluated."""
    if draining.is_draining():
        return  # the run stays pending; another node, or the next start, takes it
    owner = new_owner()
    run = Run.objects.claim(uuid.UUID(run_id), owner) or Run.objects.filter(id=run_id).first()
    if run is None or not (run.owner == owner or run.is_optimization):
        return
    with (
        heartbeat.working_on(run),
        structlog.contextvars.bound_contextvars(run=str(run), run_id=str(run.id), attempt=run.attempt),
    ):
        if not run.is_optimization:
            (Downloading if run.is_download else Execution)(run, owner).carry_out()
            return
        if run.owner == owner and not prepare(run, owner):
            return
    drain(run)
