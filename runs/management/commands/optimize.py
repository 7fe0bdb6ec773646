"""`manage.py optimize`: an optimization without browser or queue, stored like any other.

This process evaluates it, one trial after the other. Workers of the same database that are free help, so with `up` or
`worker` running beside it every core takes part.
"""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings

from algotrade.errors import SpecError
from algotrade.ports import Json
from algotrade.resolve import ResolvedOptimization, resolve_optimization
from runs import artifacts
from runs.management.foreground import ResumableCommand, assigned
from runs.models import Run
from runs.optimizations import terminal
from runs.optimizations.kind import OPTIMIZATION


class Command(ResumableCommand):
    """Run an optimization in this process."""

    help = "Optimize the parameters of a strategy, watch the progress, and print the best trials."
    kind = OPTIMIZATION
    options = {  # noqa: RUF012 - as the base class declares it
        "--objective": ("objective", "key of the metric that ranks trials [sharpe_ratio]"),
        "--direction": ("direction", "maximize or minimize [maximize]"),
        "--method": ("method", "grid or random [grid]"),
        "--trials": ("max_trials", "evaluate at most this many trials [all]"),
        "--seed": ("seed", "of the method random [1]"),
    }

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--axis",
            action="append",
            default=[],
            metavar="NAME=VALUES",
            help="fast=2:50:2 (min:max:step) or slow=20,50,100; once for each axis",
        )
        parser.add_argument(
            "--fixed", action="append", default=[], metavar="NAME=VALUE", help="a parameter's one value: side=both"
        )
        parser.add_argument("--rule", action="append", default=[], help='a rule, such as "fast < slow"')
        parser.add_argument("--min-trades", metavar="VALUE", help="rank only trials with at least this many trades")

    def resolve(self, request: dict[str, Any], options: dict[str, Any]) -> ResolvedOptimization | Run:
        """Return the optimization that the options ask for, or the one that goes on."""
        if options["resume"] is not None:
            return self.earlier(options["resume"])
        ranges = assigned(options["axis"], "axes", "fast=2:50:2 or slow=20,50,100")
        fixed = assigned(options["fixed"], "axes", "side=both")
        for name in ranges.keys() & fixed.keys():
            raise SpecError({f"axes.{name}": "Given twice: as an axis and as a fixed value."})
        axes = {name: _axis(text) for name, text in ranges.items()}
        axes |= {name: {"fixed": value} for name, value in fixed.items()}
        filters = {"min_trades": options["min_trades"]}
        return resolve_optimization(
            {**request, "axes": axes, "rules": options["rule"], "filters": filters},
            artifacts.catalog(),
            artifacts.candle_store(),
            max_combinations=settings.ALGOTRADE_MAX_COMBINATIONS,
        )

    def facts(self, run: Run) -> Json:
        return terminal.facts(run)


def _axis(text: str) -> dict[str, Any]:
    """Return the values of 2:50:2, 2:50 or 20,50,100."""
    parts = text.split(":")
    if len(parts) in (2, 3):
        return dict(zip(("min", "max", "step"), parts, strict=False))
    return {"values": [value.strip() for value in text.split(",")]}
