"""The parts of the pages that live: for the page itself, the poll and the socket, always the same templates.

Which parts there are, and what they show, is up to the kind of run; see `runs/display/parts.py`.
"""

from collections.abc import Sequence
from typing import Any

from django.utils.safestring import SafeString

from runs.display.parts import Part
from runs.display.staleness import Staleness
from runs.display.standing import standing_of
from runs.models import Run, RunState, kind_of


def live_parts(run: Run) -> dict[str, Part]:
    """Return the live parts of the run's page by name, in their order."""
    return {part.name: part for part in kind_of(run).parts(standing_of(run))}


def render_live(run: Run) -> str:
    """Return the HTML of all live parts, as the socket and the poll send them."""
    return "".join(part.html(is_frame=True) for part in live_parts(run).values())


def live_json(run: Run) -> dict[str, Any]:
    """Return the data frame: the growing curve; where there is none, that there is something newer to ask for."""
    chart = kind_of(run).chart
    if chart is None:
        return {"type": "rev", "rev": run.rev}
    return {"type": "chart", "rev": run.rev, "curve": chart(run)}


def render_row(run: Run, staleness: Staleness | None = None, *, is_frame: bool = True) -> SafeString:
    """Return the HTML of the run's row: a frame, as the socket sends it, or a part of the list's page."""
    changes = (staleness or Staleness()).changes(run)
    return kind_of(run).row(standing_of(run)).html(is_frame=is_frame, changes=changes, note=run.note_or_none)


def render_rows(runs: Sequence[Run], *, is_frame: bool = True) -> list[SafeString]:
    """Return the HTML of many rows; what they have in common is looked up once."""
    staleness = Staleness()
    find_places(runs)
    return [render_row(run, staleness, is_frame=is_frame) for run in runs]


def find_places(runs: Sequence[Run]) -> None:
    """Find the places of many waiting runs at once: each of them would count all others."""
    waiting = [run for run in runs if run.state == RunState.PENDING]
    places = Run.objects.waiting_places() if len(waiting) > 1 else {}
    for run in waiting:
        run.known_place = places.get(run.pk)
