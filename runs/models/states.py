"""The states of runs."""

from django.db import models

from algotrade.errors import AlgotradeError


class IllegalTransition(AlgotradeError):
    """A run is not in a state from which the wanted one can be reached; the message names both."""


class RunState(models.TextChoices):
    """Where a run is in its life."""

    PENDING = "pending", "Pending"
    RUNNING = "running", "Running"
    COMPLETED = "completed", "Completed"
    FAILED = "failed", "Failed"
    CANCELLED = "cancelled", "Cancelled"


ACTIVE = (RunState.PENDING, RunState.RUNNING)
TERMINAL = (RunState.COMPLETED, RunState.FAILED, RunState.CANCELLED)
TRIALS_PHASE = "running_trials"
"""The phase of an optimization in which its chunks are handed out; the run itself has no owner then."""
