"""Submission with limits, for pages and API: how often, and how many runs a user may have waiting or running."""

import uuid
from dataclasses import dataclass

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser

from algotrade.errors import AlgotradeError
from runs import throttle
from runs.models import ACTIVE, Run, RunState, Submission

SECONDS_UNTIL_ROOM = 30
"""When to come back while a user's runs are too many: some will have ended, or nothing will help but cancelling."""


class TooMany(AlgotradeError):
    """A user submits too often or has too many active runs.

    Attributes:
        retry_after: seconds until another try makes sense.
    """

    def __init__(self, message: str, retry_after: int) -> None:
        self.retry_after = retry_after
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class Submitted:
    """What became of a submission.

    Attributes:
        run: the run.
        is_dedup: whether it was active before: the identical one of an earlier submission.
        identical_to: id of the newest identical run that had completed; None without one.
    """

    run: Run
    is_dedup: bool
    identical_to: uuid.UUID | None


def submit(resolved: Submission, user: AbstractBaseUser, *, per_minute: int) -> Submitted:
    """Submit for `user`, within their limits.

    An identical active run is found even at the cap: nothing starts, so nothing is too many.

    Args:
        resolved: what to run.
        user: for whom.
        per_minute: submissions allowed in a minute (throttle.PAGE_SUBMISSIONS or throttle.API_SUBMISSIONS).

    Raises:
        TooMany: a limit is reached; nothing was started.
        SpecError: the candles were deleted meanwhile.
    """
    wait = throttle.take(f"submit-{per_minute}", user.pk, per_minute)
    if wait:
        raise TooMany(f"Too many submissions: at most {per_minute:,} a minute. Try again in {wait} s.", wait)
    same = Run.objects.filter(run_key=resolved.run_key).order_by("number").values_list("state", "id")
    newest = dict(same)
    if newest.keys().isdisjoint(ACTIVE):
        n_active = Run.objects.active().filter(user_id=user.pk).count()
        if n_active >= settings.ALGOTRADE_MAX_ACTIVE_RUNS:
            message = (
                f"You have {n_active:,} active runs and may have {settings.ALGOTRADE_MAX_ACTIVE_RUNS:,}. "
                "Wait until some have ended, or cancel some."
            )
            raise TooMany(message, SECONDS_UNTIL_ROOM)
    run, is_dedup = Run.objects.submit(resolved, user)
    return Submitted(run, is_dedup, newest.get(RunState.COMPLETED))
