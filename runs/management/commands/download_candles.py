"""`manage.py download_candles`: candles from an exchange, without browser or queue, as a run like any other.

The first start of this command installs what downloads need (see manage.py).
"""

import json
from argparse import ArgumentParser
from typing import Any, ClassVar

from django.core.management.base import CommandError

from algotrade.errors import MarketDataError, SpecError
from algotrade.ports import Json
from algotrade.resolve import ResolvedDownload
from runs import exchanges
from runs.api.downloads import status_body
from runs.figures import moment
from runs.management.foreground import FAILED, ResumableCommand
from runs.models import Run, RunKind, RunState

RANGES_SHOWN = 10


class Command(ResumableCommand):
    """Download candles in this process."""

    help = "Fetch candles from an exchange, watch the progress, and store them as a new version of their dataset."
    unit = "bar"
    kind = RunKind.DOWNLOAD
    account_options: ClassVar[dict[str, tuple[str, str]]] = {}
    options: ClassVar[dict[str, tuple[str, str]]] = {
        "--exchange": ("exchange", "such as bitstamp; --exchanges lists them"),
        "--asset": ("asset", "a market such as BTC/USD; its dataset is BTC-USD"),
        "--timeframe": ("timeframe", "such as 1h"),
        "--start": ("start", "first day or moment [after the dataset's last bar]"),
        "--end": ("end", "last day or moment [the last finished bar]"),
    }

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        super().add_arguments(parser)
        parser.add_argument("--exchanges", action="store_true", help="list the exchanges and their timeframes")

    def handle(self, *args: Any, **options: Any) -> None:
        """List the exchanges, or submit, fetch, tell, and end with the exit status."""
        if not options["exchanges"]:
            super().handle(*args, **options)
            return
        try:
            known = exchanges.known()
        except MarketDataError as error:
            raise CommandError(str(error), returncode=FAILED) from None
        lines = [f"{name:<20} {one['title']}: {', '.join(one['timeframes'])}" for name, one in known.items()]
        self.stdout.write(json.dumps(known, indent=2) if options["json"] else "\n".join(lines))

    def resolve(self, request: dict[str, Any], options: dict[str, Any]) -> ResolvedDownload | Run:
        """Return the download that the options ask for, or the one that goes on."""
        try:
            return exchanges.resolve(request) if options["resume"] is None else self.earlier(options["resume"])
        except SpecError:
            raise
        except MarketDataError as error:
            raise CommandError(f"Nothing was started.\n{error}", returncode=FAILED) from None

    def standing(self, run: Run) -> str:
        """Return when an exchange that does not answer is asked again."""
        waiting: Json | None = (run.live or {}).get("waiting")
        return f"next try in {waiting['seconds']:.0f} s" if waiting else ""

    def facts(self, run: Run) -> Json:
        """Return what the API answers for the run."""
        return status_body(run)

    def lines(self, run: Run) -> list[str]:
        """Return what came of it, or how to go on."""
        if run.state != RunState.COMPLETED or run.result is None:
            how = "failed" if run.state == RunState.FAILED else "was cancelled"
            kept = f"{run.processed:,} of {run.total:,} bars were fetched and are kept."
            return [f"{run} {how}. {kept}", *self.how_to_go_on(run)]
        result, dataset = run.result, run.result["dataset"]
        ranges = [f"  from {_time(part['first_ns'])}: {part['n_bars']:,}" for part in result["missing"][:RANGES_SHOWN]]
        n_more = len(result["missing"]) - RANGES_SHOWN
        return [
            f"{run.asset} {run.timeframe} on {run.exchange}: {dataset['n_bars']:,} bars, {_time(dataset['first_ns'])} "
            f"to {_time(dataset['last_ns'])} UTC, version {dataset['version'][:12]}",
            f"Fetched: {result['n_fetched']:,}, new: {result['n_added']:,}, corrected: {result['n_changed']:,}",
            f"Missing at the exchange: {result['n_missing']:,}",
            *ranges,
            *([f"  … and {n_more:,} more ranges"] if n_more > 0 else []),
            *result["notes"],
        ]

    def problems(self, run: Run) -> list[str]:
        """Return the error of a failed download."""
        return [f"{run.error_type}: {run.error_message}"] if run.state == RunState.FAILED else []


def _time(nanoseconds: int) -> str:
    return moment(nanoseconds).strftime("%Y-%m-%d %H:%M")
