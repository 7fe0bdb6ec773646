"""The table of an optimization's trials: filtered by an expression, sorted by any column, one page at a time."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import numpy as np
from django.core.paginator import Page, Paginator
from django.db.models import Count, Min, QuerySet
from numpy.typing import NDArray

from algotrade.metrics import METRICS
from algotrade.metrics.vector import PLACES
from algotrade.spec import ParamValue
from algotrade.strategies.rules import Rule
from runs.backtests.tables import ROWS_PER_PAGE
from runs.display.figures import Figure, value_text
from runs.models import Run, Trial
from runs.models.optimization import HEADLINES
from runs.optimizations.columns import TrialColumns, columns_of
from runs.optimizations.plan import Plan, metrics_of, plan_of

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
        parameters: values by name, in the order of the axes; asset and timeframe first where they are varied.
        metrics: HEADLINES and the objective's metric by key; None where undefined.
        is_best: whether it is the run's best trial.
    """

    trial: Trial
    parameters: dict[str, ParamValue]
    metrics: dict[str, float | None]
    is_best: bool


@dataclass(frozen=True, slots=True)
class TrialsPage:
    """A page of the table, whose rows are the trials that pass the filter.

    Attributes:
        rows: what is shown.
        at: the numbers of these trials, from 0, and where the page lies.
        n_new: trials that pass the filter and came after `as_of`.
        as_of: revision at which the table stands; asked for again it shows the same trials.
        sort: order that is shown, as it was asked; empty: best first.
        query: filter as it was asked.
        error: what is wrong with the filter or the order, which then is not applied; empty when nothing is.
    """

    rows: list[TrialRow]
    at: Page[int]
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
            the best first, those that keep no filter after them, failed ones last. Whatever the order,
            trials without the value come last, and equals in the order of their numbers.
        query: an expression over the same names, such as `sharpe_ratio > 1.5 and trades > 50`; empty: all.
        page: from 1; beyond either end it is the end.
        as_of: trials of a later revision are left out and counted; None: none is.
        size: rows of a page.
    """
    found = select_trials(run, sort=sort, query=query, as_of=as_of)
    at = Paginator(found.numbers, size).get_page(max(1, page))
    return TrialsPage(
        rows=trial_rows(run, [int(number) for number in at]),
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
    named = _Named(columns_of(run, keys), plan_of(run))
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
    plan = plan_of(run)
    rows = {row.number: row for row in run.trials.defer(*HEAVY_FIELDS).filter(number__in=numbers)}
    return [
        TrialRow(trial, plan.parameters(trial.combination), _metrics(trial, plan), number == run.best_trial)
        for number in numbers
        if (trial := rows.get(number))
    ]


def _metrics(trial: Trial, plan: Plan) -> dict[str, float | None]:
    metrics = {key: getattr(trial, key) for key in HEADLINES}
    key = plan.spec.objective
    if key not in metrics:
        metrics[key] = (metrics_of(trial) or {}).get(key)
    return metrics


class _Named(Mapping[str, NDArray[Any]]):
    """The columns by the names that people use; each is made when it is asked for."""

    def __init__(self, columns: TrialColumns, plan: Plan) -> None:
        self.columns, self.plan = columns, plan
        self._axes = {axis.name: axis for axis in plan.space.axes}

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
        return values[self.plan.digits(name, columns.combination)]

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
        hint = (
            f"Did you mean {' or '.join(near)}?"
            if near
            else f"There are {', '.join(list(self)[:MOST_NAMES_TOLD])}, ..."
        )
        raise ValueError(f"There is no column {name[:60]!r}. {hint}")

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
        sign = -1.0 if named.plan.spec.direction == "maximize" else 1.0
        group = np.where(columns.is_failed, 2, np.where(columns.is_eligible, 0, 1))
        return np.lexsort((columns.number, sign * columns.objective, group))
    name = sort.removeprefix("-")
    named.check(name)
    values = named[name]
    if values.dtype.kind == "U":
        values = np.unique(values, return_inverse=True)[1]
    ranks = values.astype(np.float64)
    return np.lexsort((columns.number, -ranks if sort.startswith("-") else ranks))


MOST_GROUPS = 100
"""Groups that are told; an error in more places than these is told by its most frequent ones."""


@dataclass(frozen=True, slots=True)
class FailureGroup:
    """Trials that failed alike.

    Attributes:
        error_type: name of the exception's class.
        message: what the first of them said; others may name other values.
        place: file and line of the strategy ("file.py:31"); empty when the error has none.
        count: trials.
        trial: the first of them, whole.
    """

    error_type: str
    message: str
    place: str
    count: int
    trial: Trial


def failure_groups(run: Run) -> list[FailureGroup]:
    """Return the groups of a run's failed trials, the largest first; of equals the one that failed first."""
    alike = run.trials.filter(is_failed=True).order_by().values_list("error_type", "error_place")
    counted = alike.annotate(n=Count("pk"), first=Min("number")).order_by("-n", "first")[:MOST_GROUPS]
    groups = list(counted)
    trials = {trial.number: trial for trial in run.trials.filter(number__in=[first for *_, first in groups])}
    return [
        FailureGroup(error_type, trials[first].error_message, place, n, trials[first])
        for error_type, place, n, first in groups
        if first in trials  # a retry may delete it between the two queries
    ]


def trials_of_group(run: Run, error_type: str, place: str) -> "QuerySet[Trial]":
    """Return the failed trials of one group, in their order."""
    return run.trials.filter(is_failed=True, error_type=error_type, error_place=place).order_by("number")


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A trial whose parameters differ in one axis, by one value: a peak that stands alone is told by these.

    Attributes:
        axis, value: what differs.
        number: of the trial, from 0.
        figure: its objective, undefined when it failed.
    """

    axis: str
    value: str
    number: int
    figure: Figure


@dataclass(frozen=True, slots=True)
class TrialRank:
    """A trial's place among the ranked ones, from 1; None when it is not ranked."""

    rank: int | None
    n_ranked: int


def rank_of(trial: Trial) -> TrialRank:
    """Return the trial's place; of equals the first trial goes before."""
    columns = columns_of(trial.run)
    is_ranked = columns.is_eligible & ~np.isnan(columns.objective)
    n_ranked = int(np.count_nonzero(is_ranked))
    if not trial.is_eligible or trial.objective is None:
        return TrialRank(None, n_ranked)
    sign = 1.0 if trial.run.spec["direction"] == "maximize" else -1.0
    values, own = sign * columns.objective[is_ranked], sign * trial.objective
    n_better = np.count_nonzero(values > own)
    n_before = np.count_nonzero((values == own) & (columns.number[is_ranked] < trial.number))
    return TrialRank(int(n_better + n_before) + 1, n_ranked)


def neighbours_of(trial: Trial) -> list[Neighbour]:
    """Return the trials that lie one value away, in the order of the axes."""
    plan, columns = plan_of(trial.run), columns_of(trial.run)
    space, metric = plan.space, METRICS[plan.spec.objective]
    found = []
    stride = 1
    for axis in reversed(space.axes):
        n_values = len(axis.values)
        digit = trial.combination // stride % n_values
        for step in (1, -1):
            if 0 <= digit + step < n_values:
                there = np.flatnonzero(columns.combination == trial.combination + step * stride)
                for place in there[:1]:
                    value = float(columns.objective[place])
                    figure = Figure(metric.label, None if np.isnan(value) else value, metric.unit)
                    text = value_text(axis.values[digit + step])
                    found.append(Neighbour(axis.name, text, int(columns.number[place]), figure))
        stride *= n_values
    return found[::-1]
