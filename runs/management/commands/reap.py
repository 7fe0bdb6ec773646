"""`manage.py reap`: the rescuer as a process of its own."""

import signal
import threading
from argparse import ArgumentParser
from typing import Any

import structlog
from django.db import DatabaseError, close_old_connections

from runs.management.command import ProductCommand
from runs.node.reaper import Reaper

log = structlog.get_logger(__name__)


class Command(ProductCommand):
    """Rescue runs of dead workers."""

    help = "Return runs of dead workers to the queue, once a second, until stopped (`up` does this by itself)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--once", action="store_true", help="do one round and exit")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Reap until SIGTERM or SIGINT."""
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        if options["once"]:
            stop.set()
        reap_until(stop)


def reap_until(stop: threading.Event) -> None:
    """Do a round a second until `stop` is set, at least one; a database that is away is asked again."""
    reaper = Reaper()
    while True:
        close_old_connections()
        try:
            reaper.tick()
        except DatabaseError as error:
            log.warning("reaper waits for the database", error=str(error))
        if stop.wait(1.0):
            return
