"""Who a command acts for."""

from django.contrib.auth.models import User
from django.core.management.base import CommandError

from runs import first_start


def person(name: str | None) -> User:
    """Return the active user `name`, or without a name the installation's first user.

    Raises:
        CommandError: there is no active user of that name.
    """
    first_start.migrate()  # a command may be the first thing that is ever run here
    if name is None:
        return first_start.first_user()
    user = User.objects.filter(username=name, is_active=True).first()
    if user is None:
        known = ", ".join(User.objects.filter(is_active=True).values_list("username", flat=True)[:20]) or "none yet"
        raise CommandError(f"There is no active user {name!r}. There are: {known}.", returncode=2)
    return user
