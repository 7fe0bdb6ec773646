"""`manage.py import_candles`: candles from a file into the store."""

from argparse import ArgumentParser, ArgumentTypeError
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from algotrade.errors import MarketDataError
from algotrade.market.importing.columns import ROLES
from algotrade.market.importing.imports import ImportReport, import_candles
from algotrade.market.instruments import DEFAULT_LOT_SIZE
from algotrade.market.zones import UTC_NAME
from runs import artifacts
from runs.management.command import ProductCommand

SHOWN = 10


class Command(ProductCommand):
    """Import candles."""

    help = "Read candles from a CSV or Parquet file, check them, and store them."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "file", type=Path, help="CSV or Parquet with columns such as timestamp, open, high, low, close, volume"
        )
        parser.add_argument("--asset", required=True, help="for example SPY")
        parser.add_argument("--exchange", required=True, help="for example NYSE")
        parser.add_argument("--timeframe", required=True, help="for example 1m, 1h, 1d")
        parser.add_argument("--tick-size", type=float, help="price step [the one nearly all prices keep]")
        parser.add_argument("--lot-size", type=float, default=DEFAULT_LOT_SIZE, help="quantity step; 0: none [1e-8]")
        parser.add_argument("--currency", default="USD", help="quote currency [USD]")
        parser.add_argument("--time-zone", default=UTC_NAME, help="zone of times without an offset [UTC]")
        parser.add_argument(
            "--column",
            action="append",
            default=[],
            type=_role_and_name,
            metavar="ROLE=NAME",
            help='the column of a role, where the detected one is wrong: close="Adj Close", time="(column 1)"',
        )
        parser.add_argument("--calendar", default=UTC_NAME, help="zone whose midnights begin days [UTC]")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Import, and tell what came in."""
        try:
            report = import_candles(
                options["file"],
                artifacts.candle_store(),
                asset=options["asset"],
                exchange=options["exchange"],
                timeframe=options["timeframe"],
                tick_size=options["tick_size"],
                lot_size=options["lot_size"],
                currency=options["currency"],
                time_zone=options["time_zone"],
                calendar=options["calendar"],
                columns=dict(options["column"]),
            )
        except MarketDataError as error:
            raise CommandError(f"Nothing was imported.\n{error}") from error
        self.stdout.write("\n".join(lines(report)))


def _role_and_name(text: str) -> tuple[str, str]:
    role, _, name = text.partition("=")
    if role not in ROLES or not name:
        raise ArgumentTypeError(f"{text!r} must be like time=Date; a column is {', '.join(ROLES)}.")
    return role, name


def lines(report: ImportReport) -> list[str]:
    """Return what people are told of an import, a line each."""
    dataset = report.dataset
    out = [
        f"{dataset.label} on {dataset.exchange}: {dataset.n_bars:,} bars, {_time(dataset.first_ns)} to "
        f"{_time(dataset.last_ns)} UTC, version {dataset.version[:12]}",
        f"Gaps: {dataset.n_gaps:,} ({dataset.n_missing_bars:,} bars missing)",
    ]
    out += [f"  after {_time(gap.after_ns)}: {gap.n_missing:,} missing" for gap in report.gaps[:SHOWN]]
    if len(report.gaps) > SHOWN:
        out.append(f"  … and {len(report.gaps) - SHOWN:,} more")
    days = ", ".join(_time(day)[:10] for day in report.empty_days_ns[:SHOWN])
    more = f", … and {len(report.empty_days_ns) - SHOWN:,} more" if len(report.empty_days_ns) > SHOWN else ""
    kind = "Days" if report.trades_on_weekends else "Weekdays"
    out.append(f"{kind} without bars: {len(report.empty_days_ns):,}{f' ({days}{more})' if days else ''}")
    out.append(f"Duplicates left out: {report.n_duplicates:,}")
    if not report.is_new:
        out.append("The same bars were stored already: no new version.")
    elif report.changes is not None:
        out.append(f"A new version: {report.changes.summary}.")
    return out + report.notes


def _time(nanoseconds: int) -> str:
    return datetime.fromtimestamp(nanoseconds // 1_000_000_000, UTC).strftime("%Y-%m-%d %H:%M")
