"""ProductCommand: what every command of the product is, so that it starts at once."""

from django.core.management.base import BaseCommand


class ProductCommand(BaseCommand):
    """A command without Django's system checks.

    They load every page and the whole API, which only the web server needs: a second before the command's own work.
    `manage.py check` and the tests make them.
    """

    requires_system_checks = ()
