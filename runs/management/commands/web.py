"""`manage.py web`: the web server."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from algotrade.lifeline import die_with
from runs.management.command import ProductCommand
from runs.server import address, serve


class Command(ProductCommand):
    """Serve pages, API and websockets."""

    help = "Run the web server."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default=address.DEFAULT_HOST, help="address to listen on [127.0.0.1]")
        parser.add_argument("--port", type=int, default=address.DEFAULT_PORT, help="port to listen on [8000]")
        parser.add_argument("--parent", type=int, help="end with this process, which started the command")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Serve until SIGTERM or SIGINT."""
        if options["parent"]:
            die_with(options["parent"])
        problem = serve.why_not_to_listen(options["host"])
        if problem:
            raise CommandError(problem)
        with address.published(options["host"], options["port"]):
            serve.serve(options["host"], options["port"])
