"""`manage.py login_url`: a fresh one-time login URL."""

from argparse import ArgumentParser
from typing import Any

from runs.management.command import ProductCommand
from runs.management.first_start import person
from runs.views.login import login_url


class Command(ProductCommand):
    """Print a URL that logs in once, within five minutes."""

    help = "Print a URL that logs in once, within five minutes."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--user", metavar="NAME", help="user to log in [the first user]")
        parser.add_argument(
            "--base", default="http://127.0.0.1:8000", help="address of the web server [http://127.0.0.1:8000]"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Print the URL as the only line."""
        self.stdout.write(login_url(person(options["user"]), options["base"]))
