"""`manage.py backup`: everything that must survive, in one file."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError
from django.db import connection

from runs.management import archive
from runs.management.command import ProductCommand


class Command(ProductCommand):
    """Save the home folder; the product may be running."""

    help = "Save database, candles, results, strategies and secret in FILE; the product may be running."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", metavar="FILE", type=Path, help="a new file, such as algotrade.tar.gz")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Save, and tell how large it is."""
        if connection.vendor != "sqlite":
            raise CommandError(
                f"The database is {connection.display_name}, which has its own way to be saved (pg_dump). "
                f"Save it first, then copy {settings.ALGOTRADE_HOME}."
            )
        database = Path(str(settings.DATABASES["default"]["NAME"]))
        try:
            size = archive.save(options["file"], settings.ALGOTRADE_HOME, database, settings.ALGOTRADE_STRATEGIES)
        except (archive.ArchiveError, OSError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"Saved {settings.ALGOTRADE_HOME} in {options['file']}: {size / 1e6:,.1f} MB.")
        self.stdout.write("It holds the secret: keep it where only you can read it.")
