"""`manage.py api_token`: a bearer token for a program."""

from argparse import ArgumentParser
from typing import Any

from runs.management.command import ProductCommand
from runs.management.first_start import person
from runs.models.access import ApiToken


class Command(ProductCommand):
    """Print a fresh bearer token; it cannot be shown again."""

    help = "Print a fresh bearer token of the JSON API as the last word."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--user", metavar="NAME", help="user it acts for [the first user]")
        parser.add_argument("--name", default="", help="what it is used for, shown in the administration")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Print the token as the last word."""
        user = person(options["user"])
        self.stdout.write(f"Bearer token of {user.get_username()}, shown only now: ", ending="")
        self.stdout.write(ApiToken.objects.issue(user, options["name"][:100]))
