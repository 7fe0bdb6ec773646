"""`manage.py backtest`: one backtest without browser or queue; the same spec, engine, metrics and stored run."""

from argparse import ArgumentParser
from typing import Any

from algotrade.ports import Json
from algotrade.resolve import Resolved, resolve_backtest
from runs import artifacts, backtest_words
from runs.api.bodies import detail_body
from runs.management.foreground import ForegroundCommand, assigned
from runs.models import Run


class Command(ForegroundCommand):
    """Run a backtest in this process."""

    help = "Run a backtest, watch the progress, and print its metrics."
    unit = "bar"

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        super().add_arguments(parser)
        parser.add_argument(
            "--param",
            action="append",
            default=[],
            metavar="NAME=VALUE",
            help="a parameter's value, such as fast=10; once for each parameter [its default]",
        )

    def resolve(self, request: dict[str, Any], options: dict[str, Any]) -> Resolved:
        """Return the backtest that the options ask for."""
        parameters = assigned(options["param"], "parameters", "fast=10")
        return resolve_backtest({**request, "parameters": parameters}, artifacts.catalog(), artifacts.candle_store())

    def standing(self, run: Run) -> str:
        """Return the equity and the number of trades so far."""
        return backtest_words.standing(run)

    def facts(self, run: Run) -> Json:
        """Return what the API answers for the run."""
        return detail_body(run)

    def lines(self, run: Run) -> list[str]:
        """Return the metrics as a table."""
        return backtest_words.lines(run)

    def problems(self, run: Run) -> list[str]:
        """Return the traceback of a failed run, and what was known at its bar."""
        return backtest_words.problems(run)
