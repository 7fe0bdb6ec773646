"""`manage.py worker`: one node of worker processes."""

import sys
from argparse import ArgumentParser
from typing import Any

import structlog
from django.conf import settings
from django.db import DatabaseError

from algotrade.lifeline import die_with
from runs import queue
from runs.management.command import ProductCommand
from runs.node.reaper import Reaper
from runs.worker import heartbeat
from runs.worker.children import children

log = structlog.get_logger(__name__)


class Command(ProductCommand):
    """Serve runs from the queue."""

    help = "Run a node of worker processes that execute backtests and optimizations."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--workers", type=int, default=settings.ALGOTRADE_WORKERS, help="worker processes [cores]")
        parser.add_argument("--parent", type=int, help="end with this process, which started the command")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Serve until told to stop; what is running then is given back and continues at the next start."""
        if options["parent"]:
            die_with(options["parent"])
        sys.exit(queue.run_node(options["workers"], _on_worker_start))


def _on_worker_start() -> None:
    heartbeat.start()
    children.warm_up()
    try:
        Reaper().look_around()
    except DatabaseError as error:
        log.warning("worker starts without a look at the rows", error=str(error))
