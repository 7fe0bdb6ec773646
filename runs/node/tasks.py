"""The workers' entrance: what a ticket names. The ticket carries an id; the row says what is to be done."""

import traceback
import uuid

import structlog
from django import db

from algotrade.scrubbing import scrub_all
from runs import shutdown
from runs.models import Run, kind_of
from runs.owners import new_owner
from runs.worker.claim import error_of
from runs.worker.conversation import write_surely

log = structlog.get_logger(__name__)


def execute(run_id: str) -> None:
    """Carry out the run if it waits for somebody; lend a hand if its kind lets several workers share it.

    An error of the product's own fails the run, with its trace: the next attempt would end the same way.

    Raises:
        django.db.Error: the rows are away; the lease ends the claim, and another worker goes on.
    """
    if shutdown.has_begun():
        return  # the run stays pending; another node, or the next start, takes it
    owner = new_owner()
    run = Run.objects.claim(uuid.UUID(run_id), owner) or Run.objects.filter(id=run_id).first()
    if run is None:
        return
    kind = kind_of(run)
    if run.owner != owner:
        if kind.lend_hand is not None:
            kind.lend_hand(run)
        return
    try:
        kind.carry_out(run, owner)
    except db.Error:
        raise
    except Exception as error:
        log.exception("run failed", run=str(run))
        write_surely(run.mark_failed, owner, scrub_all(error_of(error, trace=traceback.format_exc())))
