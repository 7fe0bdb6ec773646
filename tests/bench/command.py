"""`manage.py bench [engine] [optimize] [runtime] [pages]`: measure the product, beside its peers."""

import json
import sys
from argparse import ArgumentParser
from collections.abc import Iterable
from typing import Any

from django.core.management.base import BaseCommand

from runs.management.foreground import BAD_INPUT, INTERRUPTED, ended_like_ctrl_c
from tests.bench import engine, optimize, pages, runtime

PARTS = {
    "engine": engine.measure,
    "optimize": optimize.measure,
    "runtime": runtime.measure,
    "pages": pages.measure,
}


class Command(BaseCommand):
    """Measures ratios side by side in one run; one line a goal: name, figure, target, met or not met."""

    help = "Measure the product, beside its peers: one line a goal."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}; none: all")
        parser.add_argument("--json", action="store_true", help="print JSON instead of lines")

    def handle(self, *_: Any, **options: Any) -> None:
        """Measure and print; the exit status is 0, 2 for a part that is none, 130 after Ctrl-C."""
        unknown = [part for part in options["parts"] if part not in PARTS]
        if unknown:
            self.stderr.write(f"There is no benchmark {unknown[0]!r}. There are: {', '.join(PARTS)}.")
            sys.exit(BAD_INPUT)
        try:
            with ended_like_ctrl_c():
                self._measure(options["parts"] or PARTS, is_json=options["json"])
        except KeyboardInterrupt:
            self.stderr.write("Interrupted. What was started for it is stopped.")
            sys.exit(INTERRUPTED)

    def _measure(self, parts: Iterable[str], *, is_json: bool) -> None:
        goals = []
        for part in parts:
            for goal in PARTS[part](self._say):
                goals.append({"part": part, **goal.to_dict()})
                if not is_json:
                    self.stdout.write(goal.line())
                    self.stdout.flush()
        if is_json:
            self.stdout.write(json.dumps(goals, indent=1))

    def _say(self, text: str) -> None:
        """Tell what is going on, to people only."""
        self.stderr.write(text)
