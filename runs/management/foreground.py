"""A run in this process, without browser or queue: what `manage.py backtest`, `optimize` and `download_candles` share.

The run is submitted, claimed, executed and stored as any other; workers of the same database may take it or help with
it. What a person reads and what a program reads goes to standard output; progress and errors go to standard error.
"""

import json
import logging
import os
import signal
import sys
import threading
import time
from abc import abstractmethod
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

from django.core.management.base import CommandError
from django.db import connections
from tqdm import tqdm

from algotrade.account import ACCOUNT_FIELDS
from algotrade.errors import SpecError
from algotrade.ports import Json
from runs import shutdown
from runs.actions import verbs
from runs.management import first_start
from runs.management.command import ProductCommand
from runs.models import IllegalTransition, Kind, Run, RunState, Submission
from runs.node.tasks import execute

COMPLETED, FAILED, BAD_INPUT, INTERRUPTED = 0, 1, 2, 130
"""The exit statuses."""
SECONDS_BETWEEN_LOOKS = 0.2
ACCOUNT_OPTIONS = {
    "--strategy": ("strategy_name", "file name of the strategy, such as sma_cross"),
    "--asset": ("asset", "such as SPY"),
    "--exchange": ("exchange", "such as NYSE"),
    "--timeframe": ("timeframe", "such as 1h"),
    "--start": ("start", "first day or moment [the first bar]"),
    "--end": ("end", "last day or moment [the last bar]"),
    **{
        declared.option: (declared.name, f"{declared.option_help} [{declared.default:g}]")
        for declared in ACCOUNT_FIELDS
        if declared.option
    },
}
"""Options of one value, the fields of a submission that they are, and what they say."""
REQUIRED = frozenset(("--strategy", "--asset", "--exchange", "--timeframe"))


class ForegroundCommand(ProductCommand):
    """Submits a run, executes it in this process, and tells what came of it.

    Attributes:
        kind: of its runs.
        account_options: options of one value, as ACCOUNT_OPTIONS.
        options: further options of one value.
        required: those that must be given.
    """

    requires_migrations_checks = False
    kind: ClassVar[Kind]
    account_options: ClassVar[dict[str, tuple[str, str]]] = ACCOUNT_OPTIONS
    options: ClassVar[dict[str, tuple[str, str]]] = {}
    required: ClassVar[frozenset[str]] = REQUIRED

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options that every run has."""
        for option, (_, text) in {**self.account_options, **self.options}.items():
            parser.add_argument(option, help=text, required=option in self.required, metavar="VALUE")
        parser.add_argument("--json", action="store_true", help="print one JSON document instead of lines")
        parser.epilog = "Exit status: 0 completed, 1 failed, 2 wrong input, 130 after Ctrl-C, which cancels the run."

    def handle(self, *_args: Any, **options: Any) -> None:
        """Submit, execute, tell, and end with the exit status."""
        first_start.migrate()
        with _interruptible() as interrupted:
            resolved = self._resolved(options)
            if interrupted.is_set():
                self.stderr.write("Interrupted. Nothing was started.")
                sys.exit(INTERRUPTED)
            logging.disable(logging.ERROR)  # what goes wrong is told below, once
            run = self.submit(resolved)
            self._carry_out(run, interrupted, is_shown=not options["json"])
        run.refresh_from_db()
        is_json = options["json"]
        output = json.dumps(self.facts(run), indent=2, allow_nan=False) if is_json else "\n".join(self.lines(run))
        self.stdout.write(output)
        if run.state != RunState.COMPLETED:
            self.stdout.flush()
            for line in self.kind.terminal.problems(run):
                self.stderr.write(line)
            sys.exit(INTERRUPTED if interrupted.is_set() else FAILED)

    @abstractmethod
    def resolve(self, request: dict[str, Any], options: dict[str, Any]) -> Submission | Run:
        """Return what is asked for: a new run, or one that goes on.

        Args:
            request: the fields that options of one value are; None where an option was not given.
            options: all options.

        Raises:
            SpecError: it is not there or not allowed; each field is named.
        """

    def submit(self, resolved: Submission | Run) -> Run:
        """Return the pending run that `resolve` asked for."""
        if isinstance(resolved, Run):
            return resolved
        try:
            return Run.objects.submit(resolved, first_start.first_user())[0]
        except SpecError as error:
            raise _bad_input(error) from None

    @abstractmethod
    def facts(self, run: Run) -> Json:
        """Return the outcome as JSON types, for programs."""

    def lines(self, run: Run) -> list[str]:
        """Return the outcome for people."""
        return self.kind.terminal.lines(run)

    def _resolved(self, options: dict[str, Any]) -> Submission | Run:
        one_value = {**self.account_options, **self.options}
        request = {field: options[option.strip("-").replace("-", "_")] for option, (field, _) in one_value.items()}
        try:
            return self.resolve(request, options)
        except SpecError as error:
            raise _bad_input(error) from None

    def _carry_out(self, run: Run, interrupted: threading.Event, *, is_shown: bool) -> None:
        """Execute the run until it has ended, here or elsewhere; a thread beside shows how far it is."""
        is_over = threading.Event()
        watcher = threading.Thread(target=self._watch, args=(run.pk, interrupted, is_over, is_shown), name="watch")
        watcher.start()
        try:
            while run.is_active and not shutdown.has_begun():
                execute(str(run.id))
                run.refresh_from_db()
                if run.is_active:
                    time.sleep(SECONDS_BETWEEN_LOOKS)  # another process has it, or the last chunks of it
        finally:
            is_over.set()
            watcher.join()

    def _watch(self, number: int, interrupted: threading.Event, is_over: threading.Event, is_shown: bool) -> None:
        """Draw the progress; cancel the run when told to; let this process do nothing else when it has ended."""
        try:
            run = Run.objects.get(pk=number)
            with tqdm(
                total=run.total,
                initial=run.processed,
                unit=f" {self.kind.unit}",
                unit_scale=True,
                **terminal_shape(),
                disable=None if is_shown else True,
                leave=False,
            ) as bar:
                while run.is_active and not is_over.is_set():
                    if interrupted.wait(SECONDS_BETWEEN_LOOKS):
                        run.mark_cancelled()
                    run.refresh_from_db()
                    bar.set_description(self.kind.phases.get(run.phase, run.phase), refresh=False)
                    bar.set_postfix_str(self.kind.terminal.progress(run), refresh=False)
                    bar.total = run.total  # a download's changes as bars turn out to be missing
                    bar.update(run.processed - bar.n)
        finally:
            shutdown.begin()
            connections.close_all()


class ResumableCommand(ForegroundCommand):
    """One whose cancelled or failed runs can go on: --resume, and saying so."""

    required: ClassVar[frozenset[str]] = frozenset()

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--resume", metavar="NUMBER", type=int, help=f"go on with a cancelled or failed {self.kind.name}"
        )

    def earlier(self, number: int) -> Run:
        """Return the run of a number, which shall go on.

        Raises:
            SpecError: there is none.
        """
        run = Run.objects.filter(kind=self.kind.name, number=number).first()
        if run is None:
            raise SpecError({"resume": f"There is no {self.kind.name} {number}."})
        return run

    def submit(self, resolved: Submission | Run) -> Run:
        """Submit a new run, or go on with an old one."""
        if not isinstance(resolved, Run):
            return super().submit(resolved)
        try:
            verbs.resume(resolved)
        except IllegalTransition as error:
            raise CommandError(f"Nothing was started.\nresume: {error}", returncode=BAD_INPUT) from None
        return resolved

    def lines(self, run: Run) -> list[str]:
        """Return the outcome for people, and how to go on with a run that can."""
        output = super().lines(run)
        if verbs.refusal(run, "resume"):
            return output
        return [*output, f"Go on: --resume {run.number}, or Resume on {run.get_absolute_url()}"]


def _bad_input(error: SpecError) -> CommandError:
    messages = "\n".join(f"{name}: {message}" for name, message in error.fields.items())
    return CommandError(f"Nothing was started.\n{messages}", returncode=BAD_INPUT)


def assigned(texts: list[str], field: str, example: str) -> dict[str, str]:
    """Return texts such as fast=10 as values by name.

    Args:
        texts: what was given.
        field: the field that an error names.
        example: what a text may look like.

    Raises:
        SpecError: one is no assignment, or a name appears twice.
    """
    found: dict[str, str] = {}
    for text in texts:
        name, is_there, value = (part.strip() for part in text.partition("="))
        where = f"{field}.{name}" if name else field
        if not name or not is_there or not value:
            raise SpecError({where: f"Must be like {example}; it is {text!r}."})
        if name in found:
            raise SpecError({where: f"Given twice: {found[name]} and {value}."})
        found[name] = value
    return found


def terminal_shape() -> dict[str, int]:
    """Return the size of the terminal that shows the progress; one that says it has none would show nothing."""
    try:
        columns, rows = os.get_terminal_size(sys.stderr.fileno())
    except (OSError, ValueError):  # it is no terminal, and shows no progress
        columns = rows = 0
    return {"ncols": columns or 80, "nrows": rows or 24}


@contextmanager
def ended_like_ctrl_c() -> Iterator[None]:
    """Let SIGTERM end the block as Ctrl-C does, so that what it started is stopped however it ends.

    Ctrl-C itself too: a shell script starts what it does not wait for deaf to it, and the product that the block starts
    is not.
    """
    signals = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, signal.default_int_handler) for number in signals}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


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
