"""The table of an optimization's trials: filtered by an expression, sorted by any column, one page at a time."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import numpy as np
from numpy.typing import NDArray

from algotrade.metrics import METRICS
from algotrade.metrics.vector import PLACES
from algotrade.spec import ParamValue
from algotrade.strategies.rules import Rule
from runs.models import Run, Trial
from runs.models.search import HEADLINES
from runs.paging import Page, PageNumbers
from runs.searches import Search, metrics_of, search_of
from runs.tables import ROWS_PER_PAGE
from runs.trial_columns import TrialColumns, columns_of

OWN_NAMES = ("number", "objective", "status", "duration_ms")
"""Names that a filter and the order may use besides metrics and parameters."""
MOST_NAMES_TOLD = 12
EXAMPLE = "sharpe_ratio > 1.5 and trades > 50"
HEAVY_FIELDS = ("error_stack_trace", "error_detail")


@dataclass(frozen=True, slots=True)
class TrialRow:
    """One trial as the table shows it.

    Attributes:
        trial: the row; its traceback and detail are read only when asked for.
        parameters: values by name, in the order of the axes; asset and timeframe first where they are searched.
        metrics: HEADLINES and the objective's metric by key; None where undefined.
        is_best: whether it is the run's best trial.
    """

    trial: Trial
    parameters: dict[str, ParamValue]
    metrics: dict[str, float | None]
    is_best: bool


@dataclass(frozen=True, slots=True)
class TrialsPage(Page[TrialRow]):
    """A page of the table, whose rows are the trials that pass the filter.

    Attributes:
        n_new: trials that pass the filter and came after `as_of`.
        as_of: revision at which the table stands; asked for again it shows the same trials.
        sort: order that is shown, as it was asked; empty: best first.
        query: filter as it was asked.
        error: what is wrong with the filter or the order, which then is not applied; empty when nothing is.
    """

    n_new: int
    as_of: int
    sort: str
    query: str
    error: str


@dataclass(frozen=True, slots=True, eq=False)
class Selection:
    """Which trials pass a filter, in their order.

    Attributes:
        numbers: of the trials, from 0, int64.
        n_new: trials that pass and came after `as_of`.
        as_of: revision of the newest that was let in.
        errors: message by what is wrong: `sort`, `q`.
    """

    numbers: NDArray[np.int64]
    n_new: int
    as_of: int
    errors: Mapping[str, str]


def trials_page(
    run: Run, *, sort: str = "", query: str = "", page: int = 1, as_of: int | None = None, size: int = ROWS_PER_PAGE
) -> TrialsPage:
    """Return one page of an optimization's trials.

    Args:
        run: the optimization.
        sort: name of a metric, a parameter or one of OWN_NAMES, with a minus before it for the largest first; empty:
            the best first, those that keep no filter of the search after them, failed ones last. Whatever the order,
            trials without the value come last, and equals in the order of their numbers.
        query: an expression over the same names, such as `sharpe_ratio > 1.5 and trades > 50`; empty: all.
        page: from 1; beyond either end it is the end.
        as_of: trials of a later revision are left out and counted; None: none is.
        size: rows of a page.
    """
    found = select_trials(run, sort=sort, query=query, as_of=as_of)
    at = PageNumbers.of(page, len(found.numbers), size)
    return TrialsPage(
        rows=trial_rows(run, found.numbers[at.rows_shown].tolist()),
        at=at,
        n_new=found.n_new,
        as_of=found.as_of,
        sort="" if "sort" in found.errors else sort,
        query=query,
        error=" ".join(found.errors.values()),
    )


def select_trials(run: Run, *, sort: str = "", query: str = "", as_of: int | None = None) -> Selection:
    """Return which trials pass the filter, in their order; arguments as for `trials_page`.

    A filter or an order that is wrong is not applied and told in `errors`.
    """
    query, sort = query.strip(), sort.strip()
    rule, errors = None, {}
    try:
        rule = _rule(query)
    except ValueError as error:
        errors["q"] = str(error)
    keys = {*(rule.names if rule else ()), sort.removeprefix("-")}
    named = _Named(columns_of(run, keys), search_of(run))
    columns = named.columns
    try:
        passes = _passes(named, rule)
    except ValueError as error:
        errors["q"] = str(error)
        passes = np.ones(columns.n, dtype=np.bool_)
    try:
        order = _order(named, sort)
    except ValueError as error:
        errors["sort"] = str(error)
        order = _order(named, "")
    limit = columns.rev if as_of is None else as_of
    is_old = columns.revs <= limit
    n_new = int(np.count_nonzero(passes & ~is_old))
    kept = order[(passes & is_old)[order]]
    return Selection(columns.number[kept], n_new, limit, errors)


def trial_rows(run: Run, numbers: Sequence[int]) -> list[TrialRow]:
    """Return the rows of the trials of these numbers, in their order; one that is gone is left out."""
    search = search_of(run)
    rows = {row.number: row for row in run.trials.defer(*HEAVY_FIELDS).filter(number__in=numbers)}
    return [
        TrialRow(trial, search.parameters(trial.combination), _metrics(trial, search), number == run.best_trial)
        for number in numbers
        if (trial := rows.get(number))
    ]


def _metrics(trial: Trial, search: Search) -> dict[str, float | None]:
    metrics = {key: getattr(trial, key) for key in HEADLINES}
    key = search.spec.objective
    if key not in metrics:
        metrics[key] = (metrics_of(trial) or {}).get(key)
    return metrics


class _Named(Mapping[str, NDArray[Any]]):
    """The columns by the names that people use; each is made when it is asked for."""

    def __init__(self, columns: TrialColumns, search: Search) -> None:
        self.columns, self.search = columns, search
        self._axes = {axis.name: axis for axis in search.space.axes}

    def __getitem__(self, name: str) -> NDArray[Any]:
        columns = self.columns
        match name:
            case "number":
                return columns.number + 1  # as people are told it
            case "objective":
                return columns.objective
            case "status":
                return np.where(columns.is_failed, "failed", "completed")
        if name in METRICS or name == "duration_ms" or name not in self._axes:
            return columns.value(name)  # a metric goes before a parameter of the same name
        values = np.array(self._axes[name].values)
        return values[self.search.digits(name, columns.combination)]

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys((*OWN_NAMES, *self._axes, *METRICS)))

    def __len__(self) -> int:
        return len(list(iter(self)))

    def check(self, name: str) -> None:
        """Refuse a name that nothing has.

        Raises:
            ValueError: its message names what is near.
        """
        if name in self or name in PLACES:
            return
        near = get_close_matches(name, list(self), n=3)
        told = (
            f"Did you mean {' or '.join(near)}?"
            if near
            else f"There are {', '.join(list(self)[:MOST_NAMES_TOLD])}, ..."
        )
        raise ValueError(f"Nothing is called {name[:60]!r}. {told}")

    def __contains__(self, name: object) -> bool:
        return name in OWN_NAMES or name in self._axes or name in METRICS


def _rule(query: str) -> Rule | None:
    """Return the parsed filter; None when it is empty.

    Raises:
        ValueError: it is no expression.
    """
    if not query:
        return None
    try:
        return Rule.parse(query)
    except ValueError as error:
        raise ValueError(str(error).replace("rule ", "filter ", 1).replace("fast < slow", EXAMPLE)) from None


def _passes(named: _Named, rule: Rule | None) -> NDArray[np.bool_]:
    """Return which trials pass a filter, bool[n]; what is undefined compares as false.

    Raises:
        ValueError: it names what is not there, or compares what cannot be compared.
    """
    n = named.columns.n
    if rule is None:
        return np.ones(n, dtype=np.bool_)
    for name in sorted(rule.names):
        named.check(name)
    try:
        mask = rule.mask({name: named[name] for name in rule.names}, is_lenient=True)
    except ValueError as error:
        raise ValueError(str(error).replace("rule ", "filter ", 1).replace("every combination", "all trials")) from None
    return np.broadcast_to(mask, n)


def _order(named: _Named, sort: str) -> NDArray[np.int64]:
    """Return the trials' places in order, int64[n].

    Raises:
        ValueError: nothing has the name.
    """
    columns = named.columns
    if not sort:
        sign = -1.0 if named.search.spec.direction == "maximize" else 1.0
        group = np.where(columns.is_failed, 2, np.where(columns.is_eligible, 0, 1))
        return np.lexsort((columns.number, sign * columns.objective, group))
    name = sort.removeprefix("-")
    named.check(name)
    values = named[name]
    if values.dtype.kind == "U":
        values = np.unique(values, return_inverse=True)[1]
    ranks = values.astype(np.float64)
    return np.lexsort((columns.number, -ranks if sort.startswith("-") else ranks))
