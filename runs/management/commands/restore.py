"""`manage.py restore`: a home folder from what `backup` saved."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError

from runs.management import archive, first_start
from runs.management.command import ProductCommand
from runs.models import Run


class Command(ProductCommand):
    """Bring a home folder back, into one without runs and candles."""

    help = "Restore what `backup` saved in FILE, into a home folder without runs and candles."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", metavar="FILE", type=Path, help="the file that `backup` wrote")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Bring back, bring the tables up to date, and tell what is there."""
        if Path(str(settings.DATABASES["default"]["NAME"])) != settings.ALGOTRADE_HOME / archive.DATABASE:
            raise CommandError("A backup is restored into the database of a home folder. Unset DATABASE_URL.")
        try:
            archive.bring_back(options["file"], settings.ALGOTRADE_HOME)
        except archive.ArchiveError as error:
            raise CommandError(str(error)) from error
        except OSError as error:
            where = error.filename or options["file"]
            raise CommandError(f"Nothing was restored: {where}: {error.strerror or error}.") from error
        first_start.migrate()
        self.stdout.write(f"Restored {Run.objects.count():,} runs into {settings.ALGOTRADE_HOME}.")
