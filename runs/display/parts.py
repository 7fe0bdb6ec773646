"""Parts of a run's page: a template, the run's standing, and a content whose fields are all that the template names.

A part has one root element, whose id is its place in the page and whose data-rev says how new it is. Page, poll and
socket render the very same part. Parts know neither viewer nor request: they hold no form, no token and no name.
"""

from dataclasses import dataclass
from typing import Any

from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from runs.display.figures import Figure
from runs.display.standing import Standing
from runs.models import Run


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a page.

    Attributes:
        name: what the page calls it: header, outcome.
        template: its template. It names `run`, `standing`, `subject` (of the standing), `part` (the content) and
            `is_frame`, nothing else.
        standing: how the run stands.
        content: a dataclass of what only this part shows.
    """

    name: str
    template: str
    standing: Standing
    content: Any

    def html(self, *, is_frame: bool = False, **more: Any) -> SafeString:
        """Return the part's HTML.

        Args:
            is_frame: whether it replaces the part on a page that is open already.
            more: further variables of its template.
        """
        context = {
            "run": self.standing.run,
            "standing": self.standing,
            "subject": self.standing.subject,
            "part": self.content,
            "is_frame": is_frame,
        }
        return render_to_string(self.template, context | more)


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What the header of a page shows besides the standing.

    Attributes:
        facts, news: templates of the facts below the headline, and of the notification when the run completes.
        repeated: the optimization of which a backtest repeats a trial.
        best: the objective of the best trial.
        method: how trials are chosen and ranked: Grid, maximize.
        objective: label of the metric that ranks trials.
        bars_per_trial: bars of a trial, such as `up to 9,135`.
    """

    facts: str
    news: str
    repeated: Run | None = None
    best: Figure | None = None
    method: str = ""
    objective: str = ""
    bars_per_trial: str = ""


@dataclass(frozen=True, slots=True)
class TrialBar:
    """The two parts of a progress bar of trials, in thousandths of its width."""

    done: float
    failed: float


@dataclass(frozen=True, slots=True)
class Waiting:
    """Why a download waits for its exchange.

    Attributes:
        reason: a sentence.
        seconds: until the next try.
    """

    reason: str
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """What the progress card shows besides the standing; kinds add what their facts name.

    Attributes:
        facts: template of the facts below the bar.
        bar: how many trials are done and failed; None: one plain bar.
        waiting: why it waits for somebody outside.
    """

    facts: str
    bar: TrialBar | None = None
    waiting: Waiting | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What the row of a run in the list shows besides the standing.

    Attributes:
        result: template of the cell with the result.
        n_trials: how many trials it has; None where it has none.
        error_place: file and line of the strategy that failed.
        best: the objective of the best trial.
    """

    result: str
    n_trials: int | None = None
    error_place: str = ""
    best: Figure | None = None
