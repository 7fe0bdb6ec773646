"""Kinds of runs: what one kind differs in from the others, and the registry of those that there are.

A kind is declared by the package of its name (`runs/backtests/kind.py`) and listed in `runs/kinds.py`; nothing else
has to know of it. All rooms ask a run's kind for what they need, and none tests which kind it is.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from algotrade.ports import Json

if TYPE_CHECKING:
    from runs.display.parts import Part
    from runs.display.standing import Standing, Subject
    from runs.models.run import Run, RunQuerySet

DatasetName = tuple[str, str, str]
"""Asset, exchange and timeframe."""


class Submission(Protocol):
    """What `resolve` made of a request: a frozen spec with its inputs, in the form of its kind."""

    @property
    def run_key(self) -> str:
        """SHA-256 of the spec and of everything that determines the result."""


@dataclass(frozen=True, slots=True)
class Terminal:
    """What commands tell of a run of one kind.

    Attributes:
        progress: a few words behind the progress bar.
        headline: how it stands, one line.
        lines: the outcome, for people.
        problems: what a person needs of a run that failed, for standard error.
    """

    progress: "Callable[[Run], str]"
    headline: "Callable[[Run], str]"
    lines: "Callable[[Run], list[str]]"
    problems: "Callable[[Run], list[str]]"


def _never(_: "Run") -> bool:
    return False


def _live_rate(run: "Run") -> float | None:
    rate: float | None = run.live.get("rate")
    return rate


def _nothing(*_: object) -> None:
    """Do nothing: the kind has nothing to do there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of run.

    Attributes:
        name: in rows and addresses, such as optimization.
        letter: begins the short name of its runs, such as o482.
        article: a or an.
        unit: what `Run.total` counts, in the plural: bars, trials.
        unit_label: what has become of those counted so far: Processed, Fetched.
        phases: labels of its phases by name, in order.
        has_form: whether it is started from a page of its own, `<name>_new`, which Duplicate fills in.
        submission: class of what `resolve` makes for it.
        columns: columns of the pending row that a submission becomes.
        pins: asset, exchange, timeframe and version of the candles that a submission needs.
        inserted: writes what belongs to a row that was just inserted.
        is_restarted: whether a new attempt begins from zero.
        resume_note: what Resume does, for people.
        rate: units a second in this attempt; None before it is known.
        is_off_pace: whether the rate so far tells nothing of what remains.
        datasets: name and pinned inputs of each dataset whose candles a run uses.
        dataset_counts: how many of these runs used each dataset.
        carry_out: executes a claimed run, to its end or until the claim is lost.
        lend_hand: works on a run that this worker has not claimed; None where a run has one worker only.
        deleted: removes the files of a run whose row was deleted.
        clear_leftovers: removes files that processes which were killed left, older than so many seconds.
        verbs: what may be done with its runs; each says why a run's state does not allow it, empty when it does.
        cancel_text: what a cancel keeps and what it leaves undone.
        delete_text: what is deleted for good.
        subject: what its pages call a run.
        parts: the live parts of its page, the header first, the outcome second.
        row: its row in the list.
        chart: the data of its live chart; None where its pages draw none from the live data.
        terminal: of the commands.
    """

    name: str
    letter: str
    article: str = "a"
    unit: str = "bars"
    unit_label: str = "Processed"
    phases: Mapping[str, str]
    has_form: bool = True

    submission: type
    columns: Callable[[Any], dict[str, Any]]
    pins: Callable[[Any], Sequence[tuple[str, str, str, str]]] = lambda _: ()
    inserted: "Callable[[Run, Any], None]" = _nothing
    is_restarted: bool = False
    resume_note: str = ""
    rate: "Callable[[Run], float | None]" = _live_rate
    is_off_pace: "Callable[[Run], bool]" = _never
    datasets: "Callable[[Run], Sequence[tuple[DatasetName, Json]]]" = lambda _: ()
    dataset_counts: "Callable[[RunQuerySet], Mapping[DatasetName, int]]" = lambda _: {}

    carry_out: "Callable[[Run, str], None]"
    lend_hand: "Callable[[Run], None] | None" = None
    deleted: "Callable[[Run], None]" = _nothing
    clear_leftovers: Callable[[float], None] = _nothing

    verbs: "Mapping[str, Callable[[Run], str]]"
    cancel_text: "Callable[[Run], str]"
    delete_text: str

    subject: "Callable[[Run], Subject]"
    parts: "Callable[[Standing], list[Part]]"
    row: "Callable[[Standing], Part]"
    chart: "Callable[[Run], Json] | None" = None
    terminal: Terminal

    @property
    def label(self) -> str:
        """The kind's name as people read it: Optimization."""
        return self.name.capitalize()

    @property
    def plural(self) -> str:
        """The name of many, as addresses have it: optimizations."""
        return f"{self.name}s"

    @property
    def one(self) -> str:
        """One run of the kind in a sentence: an optimization."""
        return f"{self.article} {self.name}"


_kinds: dict[str, Kind] = {}


def register(*kinds: Kind) -> None:
    """Make kinds known; done once, when Django is ready."""
    _kinds.update((kind.name, kind) for kind in kinds)


def all_kinds() -> tuple[Kind, ...]:
    """Return every kind, in the order in which people are offered them."""
    return tuple(_kinds.values())


def kind_named(name: str) -> Kind:
    """Return the kind of a name.

    Raises:
        KeyError: there is none.
    """
    return _kinds[name]


def kind_of(run: "Run") -> Kind:
    """Return the kind of a run."""
    return _kinds[run.kind]


def kind_of_submission(submission: Submission) -> Kind:
    """Return the kind that a submission is for.

    Raises:
        TypeError: none takes such a submission.
    """
    for kind in _kinds.values():
        if isinstance(submission, kind.submission):
            return kind
    raise TypeError(f"No kind of run is submitted as {type(submission).__name__}.")


def kind_choices() -> list[tuple[str, str]]:
    """Return names and labels, as a field of Django takes them."""
    return [(kind.name, kind.label) for kind in _kinds.values()]
