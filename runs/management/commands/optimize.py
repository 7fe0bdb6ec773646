"""`manage.py optimize`: an optimization without browser or queue, stored like any other.

This process evaluates it, one trial after the other. Workers of the same database that are free help, so with `up` or
`worker` running beside it every core takes part.
"""

import json
import logging
import signal
import sys
import threading
import time
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import connection, connections
from tqdm import tqdm

from algotrade.errors import SpecError
from algotrade.resolve import ResolvedOptimization, resolve_optimization
from runs import artifacts, draining, first_start, search_words
from runs.models import Run, RunState
from runs.tasks import execute

SECONDS_BETWEEN_LOOKS = 0.2
BAD_INPUT, FAILED, INTERRUPTED = 2, 1, 130
OPTIONS = {
    "--strategy": ("strategy_name", "file name of the strategy, such as sma_cross"),
    "--asset": ("asset", "such as SPY"),
    "--exchange": ("exchange", "such as NYSE"),
    "--timeframe": ("timeframe", "such as 1h"),
    "--start": ("start", "first day or moment [the first bar]"),
    "--end": ("end", "last day or moment [the last bar]"),
    "--cash": ("initial_cash", "initial capital [10000]"),
    "--commission": ("commission", "fraction of each fill's notional [0]"),
    "--slippage-ticks": ("slippage_ticks", "adverse ticks of each fill [0]"),
    "--objective": ("objective", "key of the metric that ranks trials [sharpe_ratio]"),
    "--direction": ("direction", "maximize or minimize [maximize]"),
    "--method": ("method", "grid or random [grid]"),
    "--trials": ("max_trials", "evaluate at most so many [all]"),
    "--seed": ("seed", "of a random search [1]"),
}
"""Options of one value, the fields of the request that they are, and what they say."""
REQUIRED = ("--strategy", "--asset", "--exchange", "--timeframe")


class Command(BaseCommand):
    """Run an optimization in this process."""

    help = "Search parameters of a strategy, watch the progress, and print the best trials."
    requires_migrations_checks = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        for option, (_, text) in OPTIONS.items():
            parser.add_argument(option, help=text, required=option in REQUIRED)
        parser.add_argument("--axis", action="append", default=[], help="fast=2:50:2 (min:max:step) or slow=20,50,100")
        parser.add_argument("--fixed", action="append", default=[], help="one value of a parameter, such as side=both")
        parser.add_argument("--rule", action="append", default=[], help='what must hold, such as "fast < slow"')
        parser.add_argument("--min-trades", help="rank only trials of at least so many trades")
        parser.add_argument("--json", action="store_true", help="print the result as JSON")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Submit, evaluate, tell; the exit status is 0 completed, 1 failed, 2 bad input, 130 interrupted."""
        if "runs_run" not in connection.introspection.table_names():
            first_start.migrate()
        resolved = _resolved(options)
        logging.disable(logging.ERROR)  # what goes wrong is told below, once
        run, _ = Run.objects.submit(resolved, first_start.first_user())
        with _interruptible() as interrupted:
            watcher = threading.Thread(target=_watch, args=(run.pk, interrupted, not options["json"]), name="watch")
            watcher.start()
            _evaluate(run)
            watcher.join()
        run.refresh_from_db()
        if options["json"]:
            self.stdout.write(json.dumps(search_words.facts(run), indent=2, allow_nan=False))
        else:
            self.stdout.write("\n".join(search_words.lines(run)))
        if run.state != RunState.COMPLETED:
            sys.exit(INTERRUPTED if interrupted.is_set() else FAILED)


def _resolved(options: dict[str, Any]) -> ResolvedOptimization:
    """Return what the options ask for.

    Raises:
        CommandError: they ask for what is not there or not allowed; each field is named.
    """
    request = {field: options[option.strip("-").replace("-", "_")] for option, (field, _) in OPTIONS.items()}
    try:
        axes = dict(_axis(text) for text in options["axis"])
        axes |= {name: {"fixed": value} for name, value in map(_assigned, options["fixed"])}
        return resolve_optimization(
            {**request, "axes": axes, "rules": options["rule"], "filters": {"min_trades": options["min_trades"]}},
            artifacts.catalog(),
            artifacts.candle_store(),
            max_combinations=settings.ALGOTRADE_MAX_COMBINATIONS,
        )
    except SpecError as error:
        told = "\n".join(f"{name}: {message}" for name, message in error.fields.items())
        raise CommandError(f"Nothing was started.\n{told}", returncode=BAD_INPUT) from None


def _axis(text: str) -> tuple[str, dict[str, Any]]:
    """Return name and values of fast=2:50:2, fast=2:50 or slow=20,50,100."""
    name, values = _assigned(text)
    parts = values.split(":")
    if len(parts) in (2, 3):
        return name, dict(zip(("min", "max", "step"), parts, strict=False))
    return name, {"values": [value.strip() for value in values.split(",")]}


def _assigned(text: str) -> tuple[str, str]:
    name, is_there, value = (part.strip() for part in text.partition("="))
    if not name or not is_there or not value:
        message = f"Must be like fast=2:50:2, slow=20,50,100 or side=both; it is {text!r}."
        raise SpecError({f"axes.{name}" if name else "axes": message})
    return name, value


@contextmanager
def _interruptible() -> Iterator[threading.Event]:
    """Give an event that Ctrl-C sets; a second Ctrl-C ends the process at once."""
    interrupted = threading.Event()

    def interrupt(*_: object) -> None:
        interrupted.set()
        signal.signal(signal.SIGINT, signal.default_int_handler)

    before = {number: signal.signal(number, interrupt) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield interrupted
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _evaluate(run: Run) -> None:
    """Evaluate trials until the run has ended, here or elsewhere."""
    while run.is_active and not draining.is_draining():
        execute(str(run.id))
        run.refresh_from_db()
        if run.is_active:
            time.sleep(SECONDS_BETWEEN_LOOKS)  # other workers have the last chunks, or one prepares it


def _watch(number: int, interrupted: threading.Event, is_shown: bool) -> None:
    """Draw the progress; cancel the run when told to; let this process do nothing else when it has ended."""
    try:
        run = Run.objects.get(pk=number)
        with tqdm(
            total=run.total, initial=run.processed, unit="trial", disable=None if is_shown else True, leave=False
        ) as bar:
            while run.is_active:
                if interrupted.wait(SECONDS_BETWEEN_LOOKS):
                    run.mark_cancelled()
                run.refresh_from_db()
                bar.set_description(run.phase.replace("_", " ").capitalize(), refresh=False)
                bar.set_postfix_str(search_words.standing(run), refresh=False)
                bar.update(run.processed - bar.n)
    finally:
        draining.begin()
        connections.close_all()
