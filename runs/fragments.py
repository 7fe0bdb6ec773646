"""The parts of the pages that live: for the page itself, the poll and the socket, always the same templates.

Each part has one root element, whose id is its place in the page and whose data-rev says how new it is. Parts know
neither viewer nor request: they hold no form, no token and no name. Which parts there are is up to the kind of run.
"""

from collections.abc import Sequence
from typing import Any, Protocol

from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from runs import backtest_fragments, download_fragments, search_fragments
from runs.changes import Today
from runs.models import Run, RunKind, RunState
from runs.phases import Partial


class _Fragments(Protocol):
    """What the fragments of a kind of run can tell."""

    def partials(self, run: Run) -> list[Partial]: ...

    def row_partial(self, run: Run) -> Partial: ...


def _of_kind(run: Run) -> _Fragments:
    if run.is_optimization:
        return search_fragments
    return download_fragments if run.is_download else backtest_fragments


def live_partials(run: Run) -> list[Partial]:
    """Return template and context of each live part of the run's page."""
    return _of_kind(run).partials(run)


def render_live(run: Run) -> str:
    """Return the HTML of all live parts, as the socket and the poll send them."""
    return "".join(render_to_string(name, {**context, "is_frame": True}) for name, context in live_partials(run))


def live_json(run: Run) -> dict[str, Any]:
    """Return the data frame: a backtest's growing curve; of others that there is something newer to ask for."""
    if run.kind != RunKind.BACKTEST:
        return {"type": "rev", "rev": run.rev}
    return {"type": "chart", "rev": run.rev, "curve": backtest_fragments.live_curve(run)}


def row_partial(run: Run) -> Partial:
    """Return template and context of the run's row in the list."""
    return _of_kind(run).row_partial(run)


def render_row(run: Run, today: Today | None = None, *, is_frame: bool = True) -> SafeString:
    """Return the HTML of the run's row: a frame, as the socket sends it, or a part of the list's page."""
    template, context = row_partial(run)
    told = {"is_frame": is_frame, "changes": (today or Today()).changes(run), "words": run.words}
    return render_to_string(template, {**context, **told})


def render_rows(runs: Sequence[Run], *, is_frame: bool = True) -> list[SafeString]:
    """Return the HTML of many rows; what they have in common is looked up once."""
    today = Today()
    find_places(runs)
    return [render_row(run, today, is_frame=is_frame) for run in runs]


def find_places(runs: Sequence[Run]) -> None:
    """Find the places of many waiting runs at once: each of them would count all others."""
    waiting = [run for run in runs if run.state == RunState.PENDING]
    places = Run.objects.waiting_places() if len(waiting) > 1 else {}
    for run in waiting:
        run.known_place = places.get(run.pk)
