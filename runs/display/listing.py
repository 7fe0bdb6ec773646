"""The list of runs as an address asks for it: filters, search, order, page.

Every question is asked of the index `run_listing` and of the short table of notes; the rows themselves, which carry
curves and results, are read for the fifty runs of one page only.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time
from typing import Any, Self

from django.core.paginator import Page, Paginator
from django.db.models import Count, F, Q
from django.utils.http import urlencode

from runs.display.spreadsheets import cell, lines_of
from runs.models import Note, Run, RunQuerySet, RunState, all_kinds
from runs.models.expressions import SecondsBetween

ROWS_PER_PAGE = 50
MOST_QUERY_CHARACTERS = 100
MOST_WORDS = 10
"""Words of a search that are looked for; each is a question of its own."""
DURATION = SecondsBetween("attempt_started_at", "finished_at")
SORTS: dict[str, Any] = {
    "number": F("number"),
    "return": F("total_return"),
    "sharpe": F("sharpe_ratio"),
    "objective": F("best_value"),
    "duration": DURATION,
}
"""What a list may be sorted by; a minus before it puts the largest first."""
NEWEST = "-number"
HANDLE = re.compile(r"([a-z])(\d{1,18})")


@dataclass(frozen=True, slots=True)
class RunQuery:
    """What an address asks for. A filter that nobody set is empty.

    Attributes:
        status, kind: a state and a kind of run.
        strategy: its name.
        dataset: asset, exchange and timeframe with bars between.
        tag: one tag.
        since, until: first and last day of submission, ISO, UTC.
        q: words, each of which must occur.
        sort: a key of SORTS, after a minus for the largest first.
        page: from 1.
        problems: what could not be understood, by the parameter's name; it is passed over.
    """

    status: str = ""
    kind: str = ""
    strategy: str = ""
    dataset: str = ""
    tag: str = ""
    since: str = ""
    until: str = ""
    q: str = ""
    sort: str = NEWEST
    page: int = 1
    problems: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, asked: Mapping[str, str]) -> Self:
        """Return what the parameters of an address ask for."""
        given = {name: str(asked.get(key, "")).replace("\0", "").strip() for name, key in PARAMETERS.items()}
        problems = {}
        for name, allowed in _choices_of_one().items():
            if given[name] and given[name].removeprefix("-" if name == "sort" else "") not in allowed:
                problems[PARAMETERS[name]] = f"Must be one of {', '.join(allowed)}; it is {given.pop(name)[:50]!r}."
        for name in ("since", "until"):
            if given[name] and _day(given[name]) is None:
                problems[PARAMETERS[name]] = f"Must be a day such as 2026-01-31; it is {given.pop(name)[:50]!r}."
        given["q"] = given["q"][:MOST_QUERY_CHARACTERS]
        number = str(asked.get("page", ""))
        page = int(number) if number.isdecimal() and len(number) < 10 else 1
        words = {name: value for name, value in given.items() if value}
        return cls(**words, page=max(page, 1), problems=problems)

    @property
    def is_filtered(self) -> bool:
        """Whether runs are left out."""
        return any(getattr(self, name) for name in FILTERS)

    def query(self, **changes: Any) -> str:
        """Return the query of the address that asks for this, with some of it changed; the first page by default."""
        other = replace(self, **{"page": 1, **changes})
        values = {key: getattr(other, name) for name, key in PARAMETERS.items() if getattr(other, name)}
        if other.sort == NEWEST:
            values.pop("sort")
        if other.page > 1:
            values["page"] = other.page
        return urlencode(values)

    def of_any_status(self, runs: RunQuerySet) -> RunQuerySet:
        """Return the runs that pass every filter but the status."""
        if self.kind:
            runs = runs.filter(kind=self.kind)
        if self.strategy:
            runs = runs.filter(strategy_name=self.strategy)
        if self.dataset:
            asset, exchange, timeframe = [*self.dataset.split("|"), "", ""][:3]
            runs = runs.filter(asset=asset, exchange=exchange, timeframe=timeframe)
        if self.tag:
            runs = runs.filter(pk__in=Note.objects.with_tag(self.tag.lower()).values("run"))
        if first := _day(self.since):
            runs = runs.filter(created_at__gte=datetime.combine(first, time.min, UTC))
        if last := _day(self.until):
            runs = runs.filter(created_at__lte=datetime.combine(last, time.max, UTC))
        return with_every_word(runs, self.q)

    def matching(self, runs: RunQuerySet) -> RunQuerySet:
        """Return the runs that pass every filter, in the order that is asked for."""
        found = self.of_any_status(runs)
        found = found.filter(state=self.status) if self.status else found
        by = SORTS[self.sort.removeprefix("-")]
        first = by.desc(nulls_last=True) if self.sort.startswith("-") else by.asc(nulls_last=True)
        return found.order_by(first) if by == F("number") else found.order_by(first, "-number")


PARAMETERS = {name: name for name in ("status", "kind", "strategy", "dataset", "tag", "q", "sort")}
PARAMETERS |= {"since": "from", "until": "to"}
"""Name of the address's parameter by what it is called here."""
FILTERS = tuple(name for name in PARAMETERS if name != "sort")


def _choices_of_one() -> dict[str, tuple[str, ...]]:
    """Return the values that a filter of few values takes, by its name here."""
    return {"status": tuple(RunState.values), "kind": tuple(kind.name for kind in all_kinds()), "sort": tuple(SORTS)}


@dataclass(frozen=True, slots=True)
class RunPage:
    """One page of the list.

    Attributes:
        rows: what is shown.
        at: the numbers of these runs, and where the page lies.
        counts: runs by state that pass every filter but the status.
    """

    rows: list[Run]
    at: Page[int]
    counts: dict[str, int]


def page_of(visible: RunQuerySet, run_query: RunQuery) -> RunPage:
    """Return the page that is asked for; a page beyond the last one is the last one."""
    counts = state_counts(visible, run_query)
    pages = Paginator(run_query.matching(visible).values_list("pk", flat=True), ROWS_PER_PAGE)
    pages.count = counts.get(run_query.status, 0) if run_query.status else sum(counts.values())  # not asked for again
    at = pages.get_page(run_query.page)
    return RunPage(in_order(list(at)), at, counts)


def in_order(numbers: list[int]) -> list[Run]:
    """Return these runs as a list shows them, in this order; one that was deleted meanwhile is left out."""
    found = {run.pk: run for run in Run.objects.for_rows().filter(pk__in=numbers)}
    return [found[number] for number in numbers if number in found]


def state_counts(visible: RunQuerySet, run_query: RunQuery) -> dict[str, int]:
    """Return how many runs there are by state that pass every filter but the status."""
    found = run_query.of_any_status(visible).order_by()
    return dict(found.values_list("state").annotate(n=Count("pk")))


def with_every_word(runs: RunQuerySet, query: str) -> RunQuerySet:
    """Keep the runs in which each word occurs: in number, kind, strategy, dataset, title, notes or tags."""
    for word in query.split()[:MOST_WORDS]:
        hit = Q(asset__icontains=word) | Q(strategy_name__icontains=word.replace("-", "_"))
        hit |= Q(exchange__icontains=word) | Q(timeframe__iexact=word) | Q(kind__istartswith=word)
        hit |= Q(pk__in=Note.objects.with_word(word.removeprefix("#")).values("run"))
        if word.isdecimal() and len(word) < 19:
            hit |= Q(number=int(word))
        elif handle := HANDLE.fullmatch(word.lower()):
            hit |= Q(number=int(handle[2]), kind__startswith=handle[1])
        runs = runs.filter(hit)
    return runs


def choices(visible: RunQuerySet, stored: Collection[tuple[str, str, str]]) -> dict[str, list[Any]]:
    """Return what may be filtered by: strategies, datasets and tags that some run has.

    Args:
        visible: the runs.
        stored: the datasets that there are: one that was only asked for, in a download that failed, is none.
    """
    runs = visible.order_by()
    names = runs.values_list("asset", "exchange", "timeframe").distinct()
    strategies = runs.exclude(strategy_name="")
    used = set(names.exclude(strategy_name=""))
    fetched = set(names.filter(strategy_name="")) & set(stored)
    return {
        "strategies": sorted(strategies.values_list("strategy_name", flat=True).distinct()),
        "datasets": sorted(used | fetched),
        "tags": Note.objects.all_tags(),
    }


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


ROWS_AT_ONCE = 500
HEAD = (
    "number", "kind", "status", "title", "tags", "notes", "strategy_name", "asset", "exchange", "timeframe",
    "created_at", "finished_at", "seconds", "total_return", "sharpe_ratio", "max_drawdown", "trades", "objective",
    "best_value", "error_type", "error_message", "id",
)  # fmt: skip
HEAVY = ("result", "error_stack_trace", "error_detail", "live", "inputs")


def csv_lines(runs: RunQuerySet) -> Iterator[str]:
    """Return the lines of the file, in the order of `runs`; batches, so that no export holds all rows in memory."""
    yield lines_of([HEAD])
    numbers = list(runs.values_list("pk", flat=True))
    for first in range(0, len(numbers), ROWS_AT_ONCE):
        part = numbers[first : first + ROWS_AT_ONCE]
        rows = Run.objects.select_related("note").defer(*HEAVY)
        found = {run.pk: run for run in rows.filter(pk__in=part)}
        rows_there = [found[number] for number in part if number in found]
        yield lines_of(map(cell, _cells(run)) for run in rows_there)


def _cells(run: Run) -> list[Any]:
    note = run.note_or_none
    return [
        run.number,
        run.kind,
        run.state,
        note.title if note else "",
        " ".join(note.tag_list) if note else "",
        note.notes if note else "",
        run.strategy_name,
        run.asset,
        run.exchange,
        run.timeframe,
        run.created_at.isoformat(timespec="seconds"),
        run.finished_at.isoformat(timespec="seconds") if run.finished_at else "",
        run.elapsed_seconds if run.finished_at else None,
        run.total_return,
        run.sharpe_ratio,
        run.max_drawdown,
        run.n_trades,
        run.spec.get("objective", ""),
        run.best_value,
        run.error_type,
        run.error_message or "",
        str(run.id),
    ]
