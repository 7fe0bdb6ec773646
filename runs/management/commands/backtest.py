"""`manage.py backtest`: one backtest without browser or queue; the same spec, engine, metrics and stored run."""

from argparse import ArgumentParser
from typing import Any

from algotrade.ports import Json
from algotrade.resolve import Resolved, resolve_backtest
from runs import artifacts
from runs.backtests.kind import BACKTEST
from runs.backtests.schemas import BacktestDetail
from runs.management.foreground import ForegroundCommand, assigned
from runs.models import Run


class Command(ForegroundCommand):
    """Run a backtest in this process."""

    help = "Run a backtest, watch the progress, and print its metrics."
    kind = BACKTEST

    def add_arguments(self, parser: ArgumentParser) -> None:
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

    def facts(self, run: Run) -> Json:
        return BacktestDetail.of(run).model_dump()
