"""Submitting with limits, for pages and API: how often, and how many runs a user may have waiting or running."""

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser

from algotrade.errors import AlgotradeError
from algotrade.resolve import Resolved, ResolvedDownload, ResolvedOptimization
from runs import throttle
from runs.models import Run

SECONDS_UNTIL_ROOM = 30
"""When to come back while a user's runs are too many: some will have ended, or nothing will help but cancelling."""


class TooMany(AlgotradeError):
    """A user submits too often or has too many active runs.

    Attributes:
        retry_after: seconds until another try makes sense.
    """

    def __init__(self, message: str, retry_after: int) -> None:
        """Keep the message and when to come back."""
        self.retry_after = retry_after
        super().__init__(message)


def submit(
    resolved: Resolved | ResolvedOptimization | ResolvedDownload, user: AbstractBaseUser, *, per_minute: int
) -> tuple[Run, bool]:
    """Submit for `user`, within their limits.

    An identical active run is found even at the cap: nothing starts, so nothing is too many.

    Args:
        resolved: what to run.
        user: for whom.
        per_minute: submissions allowed in a minute (throttle.PAGE_SUBMISSIONS or throttle.API_SUBMISSIONS).

    Returns:
        The run, and whether it was there before.

    Raises:
        TooMany: a limit is reached; nothing was started.
    """
    wait = throttle.take(f"submit-{per_minute}", user.pk, per_minute)
    if wait:
        raise TooMany(f"That were more than {per_minute:,} submissions in a minute. Try again in {wait} s.", wait)
    if not Run.objects.active().filter(run_key=resolved.run_key).exists():
        n_active = Run.objects.active().filter(user_id=user.pk).count()
        if n_active >= settings.ALGOTRADE_MAX_ACTIVE_RUNS:
            message = (
                f"You have {n_active:,} active runs and may have {settings.ALGOTRADE_MAX_ACTIVE_RUNS:,}. "
                "Wait until some have ended, or cancel some."
            )
            raise TooMany(message, SECONDS_UNTIL_ROOM)
    return Run.objects.submit(resolved, user)
