"""`manage.py prune_runs`: delete runs that ended long ago, and what killed workers left behind."""

import time
from argparse import ArgumentParser
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError
from django.utils import timezone

from runs import artifacts
from runs.actions.verbs import delete_run
from runs.management import first_start
from runs.management.command import ProductCommand
from runs.models import TERMINAL, Run

BAD_INPUT = 2
LEFTOVER_SECONDS = 86_400.0
"""Age from which a folder of arrays that no run names was left behind; a younger one may be about to be named."""


class Command(ProductCommand):
    """Delete ended runs with their files."""

    help = "Delete runs that ended more than so many days ago, with their files; active runs are kept."
    requires_migrations_checks = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--days", type=float, required=True, help="delete what ended more than so many days ago")
        parser.add_argument(
            "--status", action="append", choices=[*TERMINAL], help="only runs with this status; may be repeated [all]"
        )
        parser.add_argument("--dry-run", action="store_true", help="show what would be deleted, and delete nothing")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Delete, and tell how much."""
        if not 0 <= options["days"] <= 36_500:
            raise CommandError(f"days: Must be from 0 to 36,500; it is {options['days']:g}.", returncode=BAD_INPUT)
        first_start.migrate()
        before = timezone.now() - timedelta(days=options["days"])
        old = Run.objects.filter(state__in=options["status"] or TERMINAL, finished_at__lt=before).order_by("number")
        n_runs = n_bytes = 0
        for run in old.iterator(chunk_size=200):
            size = _bytes_below(artifacts.folder(run)) if run.artifact else 0
            if options["dry_run"] or delete_run(run):
                n_runs, n_bytes = n_runs + 1, n_bytes + size
        leftovers = list(_leftovers())
        for folder in leftovers:
            n_bytes += _bytes_below(folder)
            if not options["dry_run"]:
                artifacts.discard(folder)
        verb = "Would delete" if options["dry_run"] else "Deleted"
        runs, folders = _counted(n_runs, "run"), _counted(len(leftovers), "folder")
        self.stdout.write(
            f"{verb} {runs} that ended before {before:%Y-%m-%d %H:%M} UTC, and {folders} that no run names: "
            f"{n_bytes / 1e6:,.1f} MB."
        )


def _leftovers() -> Iterator[Path]:
    """Yield folders of arrays that no run names: of workers that were killed while they wrote, or of deleted runs."""
    parent = artifacts.artifacts_folder()
    if not parent.is_dir():
        return
    named = set(Run.objects.exclude(artifact="").values_list("artifact", flat=True))
    for folder in parent.iterdir():
        if folder.name not in named and time.time() - folder.stat().st_mtime > LEFTOVER_SECONDS:
            yield folder


def _bytes_below(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
