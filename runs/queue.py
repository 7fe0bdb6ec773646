"""Tickets to the workers. The only importer of django_q; tasks are named by string, tickets carry an id and nothing else."""

import uuid


def enqueue(run_id: uuid.UUID) -> None:
    """Send a ticket for the run. A ticket that is lost is sent again by the reaper."""
    from django_q.tasks import async_task  # here: django_q reads the settings on import  # noqa: PLC0415

    async_task("runs.tasks.execute", str(run_id), task_name=f"run-{run_id}")
