"""`manage.py login_url`: a fresh one-time login URL."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings

from runs.management.command import ProductCommand
from runs.management.first_start import person
from runs.server import address
from runs.views.login import login_url


class Command(ProductCommand):
    """Print a URL that logs in once, within five minutes."""

    help = "Print a URL that logs in once, within five minutes."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--user", metavar="NAME", help="user to log in [the first user]")
        parser.add_argument(
            "--base", metavar="URL", help="address of the web server [the one that runs on this home folder]"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Print the URL as the only line of standard output."""
        base = options["base"] or address.running_url()
        if base is None:
            base = address.base_url(address.DEFAULT_HOST, address.DEFAULT_PORT)
            self.stderr.write(f"No web server runs on {settings.ALGOTRADE_HOME}; the URL is for one at {base}.")
        self.stdout.write(login_url(person(options["user"]), base))
