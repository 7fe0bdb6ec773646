"""`manage.py screens`: a picture of each page and state."""

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from runs.management.foreground import BAD_INPUT, INTERRUPTED, ended_like_ctrl_c, terminal_shape
from tests.bench.chromium import BrowserError
from tests.screens.pages import SCREENS, Screen
from tests.screens.shots import VARIANTS, take


class Command(BaseCommand):
    """Write pictures of a product that is started for them, in a home of its own, and stopped again."""

    help = "Write a screenshot of each page and state into DIR: light, dark, and 390 px wide."
    requires_migrations_checks = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", metavar="DIR", type=Path, help="where the pictures go; it is made if need be")
        parser.add_argument(
            "--only",
            action="append",
            default=[],
            metavar="NAME",
            help="this screen, and others that are named so; " + ", ".join(screen.name for screen in SCREENS),
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Take the pictures; the exit status is 0, 1 when it cannot be done, 2 for a wrong name, 130 after Ctrl-C."""
        screens = _chosen(options["only"])
        n_pictures = 0
        progress = tqdm(total=len(screens) * len(VARIANTS), unit=" pictures", disable=None, **terminal_shape())
        try:
            with ended_like_ctrl_c(), progress as bar:
                for picture in take(options["folder"], screens):
                    bar.set_description(picture.name, refresh=False)
                    bar.update()
                    n_pictures += 1
        except (BrowserError, OSError, RuntimeError) as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt:
            self.stderr.write(f"Interrupted after {n_pictures} pictures.")
            sys.exit(INTERRUPTED)
        self.stdout.write(f"{n_pictures} pictures in {options['folder']}")


def _chosen(names: list[str]) -> list[Screen]:
    """Return the screens of these names, all without any.

    Raises:
        CommandError: there is none of a name.
    """
    unknown = sorted(set(names) - {screen.name for screen in SCREENS})
    if unknown:
        known = ", ".join(screen.name for screen in SCREENS)
        raise CommandError(f"only: There is no screen {unknown[0]!r}. There are: {known}.", returncode=BAD_INPUT)
    return [screen for screen in SCREENS if not names or screen.name in names]
