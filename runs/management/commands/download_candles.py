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
from runs.downloads import exchanges
from runs.downloads.kind import DOWNLOAD
from runs.downloads.schemas import DownloadStatus
from runs.management.foreground import FAILED, ResumableCommand
from runs.models import Run

RANGES_SHOWN = 10


class Command(ResumableCommand):
    """Download candles in this process."""

    help = "Fetch candles from an exchange, watch the progress, and store them as a new version of their dataset."
    kind = DOWNLOAD
    account_options: ClassVar[dict[str, tuple[str, str]]] = {}
    options: ClassVar[dict[str, tuple[str, str]]] = {
        "--exchange": ("exchange", "such as bitstamp; --exchanges lists them"),
        "--asset": ("asset", "a market such as BTC/USD; its dataset is BTC-USD"),
        "--timeframe": ("timeframe", "such as 1h"),
        "--start": ("start", "first day or moment [after the dataset's last bar]"),
        "--end": ("end", "last day or moment [the last finished bar]"),
    }

    def add_arguments(self, parser: ArgumentParser) -> None:
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

    def facts(self, run: Run) -> Json:
        return DownloadStatus.of(run).model_dump()
