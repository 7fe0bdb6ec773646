"""Failed trials, gathered: trials that failed at the same line with the same kind of error are one group."""

from dataclasses import dataclass

from django.db.models import Count, Min, QuerySet

from runs.models import Run, Trial

MOST_GROUPS = 100
"""Groups that are told; an error in more places than these is told by its most frequent ones."""


@dataclass(frozen=True, slots=True)
class FailureGroup:
    """Trials that failed alike.

    Attributes:
        error_type: name of the exception's class.
        message: what the first of them said; others may name other values.
        place: file and line of the strategy ("file.py:31"); empty when the error has none.
        count: trials.
        trial: the first of them, whole.
    """

    error_type: str
    message: str
    place: str
    count: int
    trial: Trial


def failure_groups(run: Run) -> list[FailureGroup]:
    """Return the groups of a run's failed trials, the largest first; of equals the one that failed first."""
    alike = run.trials.filter(is_failed=True).order_by().values_list("error_type", "error_place")
    counted = alike.annotate(n=Count("pk"), first=Min("number")).order_by("-n", "first")[:MOST_GROUPS]
    groups = list(counted)
    trials = {trial.number: trial for trial in run.trials.filter(number__in=[first for *_, first in groups])}
    return [
        FailureGroup(error_type, trials[first].error_message, place, n, trials[first])
        for error_type, place, n, first in groups
        if first in trials  # a retry may delete it between the two queries
    ]


def trials_of_group(run: Run, error_type: str, place: str) -> "QuerySet[Trial]":
    """Return the failed trials of one group, in their order."""
    return run.trials.filter(is_failed=True, error_type=error_type, error_place=place).order_by("number")
