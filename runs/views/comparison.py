"""Runs and trials side by side: a column each, a row for whatever was asked and came out."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from algotrade.errors import AlgotradeError
from algotrade.metrics import METRICS
from algotrade.spec import BacktestSpec
from algotrade.strategies.catalog import title_of
from runs.backtests.kind import BACKTEST
from runs.backtests.report import HEADLINE, account_rows
from runs.display.figures import Figure, currency_of, moment
from runs.models import Run, RunQuerySet, RunState, Trial
from runs.optimizations.kind import OPTIMIZATION
from runs.optimizations.plan import metrics_of, pinned_backtest, plan_of

LEAST, MOST = 2, 6
"""Columns of a comparison: fewer compare nothing, more cannot be told apart."""
REFERENCE = re.compile(r"b(?P<backtest>\d{1,9})|o(?P<optimization>\d{1,9})(?:\.(?P<trial>\d{1,9}))?")
JUDGED = frozenset(
    {
        "net_profit", "total_return", "final_equity", "cagr", "excess_return", "volatility", "sharpe_ratio",
        "sortino_ratio", "calmar_ratio", "probabilistic_sharpe_ratio", "max_drawdown", "max_drawdown_duration_days",
        "win_rate", "profit_factor", "expectancy",
    }
)  # fmt: skip
"""Metrics of which one value is better than another, whatever the strategy is."""


class UnknownReferenceError(AlgotradeError):
    """A reference names nothing that could be compared; the message says which, and what was expected."""


@dataclass(frozen=True, slots=True)
class Subject:
    """One column.

    Attributes:
        reference: how the address names it: b1207 or o482.2918.
        name, of: Backtest 1207 and nothing, or Trial 2,918 and Optimization 482.
        url, of_url: their pages.
        run: the backtest, or the optimization of the trial.
        trial: the trial, of an optimization.
        spec: what was asked, as a backtest.
        facts: what was executed: source and engine, labelled.
        money: account currency.
        metrics: by key; empty while there are none.
        backtest: the run whose equity is drawn: the backtest itself, or one that is the same as the trial, if any.
    """

    reference: str
    name: str
    of: str
    url: str
    of_url: str
    run: Run
    trial: Trial | None
    spec: BacktestSpec
    facts: tuple[Figure, ...]
    money: str
    metrics: dict[str, Any]
    backtest: Run | None

    @property
    def status(self) -> str:
        """Return the state of the backtest or of the trial."""
        if self.trial is None:
            return str(self.run.state)
        return RunState.FAILED.value if self.trial.is_failed else RunState.COMPLETED.value

    @property
    def has_curve(self) -> bool:
        """Whether its equity can be drawn."""
        return self.backtest is not None and self.backtest.state == RunState.COMPLETED

    @property
    def is_drawing(self) -> bool:
        """Whether its equity is being computed."""
        return self.backtest is not None and self.backtest.is_active

    @property
    def lacks_curve(self) -> bool:
        """Whether its equity is not kept, but can be computed: a trial keeps its figures alone."""
        return self.trial is not None and not self.trial.is_failed and self.backtest is None


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table: what it tells, and a cell for each column; the best ones of a judged metric are marked."""

    label: str
    help: str
    cells: tuple[tuple[Figure | None, bool], ...]

    @property
    def is_equal(self) -> bool:
        """Whether all columns say the same."""
        return len({repr(figure and (figure.value, figure.currency)) for figure, _ in self.cells}) == 1


@dataclass(frozen=True, slots=True)
class Group:
    """Rows under one heading."""

    name: str
    rows: tuple[Row, ...]


def subject_of(reference: str, runs: RunQuerySet) -> Subject:
    """Return what a reference names among `runs`: a backtest, a trial, or with o482 the best trial of it.

    Raises:
        UnknownReferenceError: it is none, or there is nothing of that number.
    """
    found = REFERENCE.fullmatch(reference)
    if found is None:
        shown = reference[:40]
        raise UnknownReferenceError(f"{shown!r} is not a run: write b1207 for a backtest, o482.2918 for a trial.")
    is_optimization = found["backtest"] is None
    kind = OPTIMIZATION if is_optimization else BACKTEST
    run = runs.filter(kind=kind.name, number=int(found["optimization"] or found["backtest"])).first()
    if run is None:
        raise UnknownReferenceError(f"There is no {kind.label} {int(found['optimization'] or found['backtest'])}.")
    return _of_trial(run, found["trial"]) if is_optimization else _of_backtest(run)


def groups_of(subjects: Sequence[Subject], *, is_whole: bool) -> list[Group]:
    """Return the rows of a comparison; of the metrics the headline ones, or all."""
    asked = [
        _row("Strategy", "", [Figure("", title_of(one.spec.strategy_name), "text") for one in subjects]),
        _row("Dataset", "", [Figure("", f"{one.spec.asset} {one.spec.timeframe}", "text") for one in subjects]),
        _row("Exchange", "", [Figure("", one.spec.exchange, "text") for one in subjects]),
        _row("From", "", [Figure("", moment(one.spec.start_ns), "day") for one in subjects]),
        _row("To", "", [Figure("", moment(one.spec.end_ns), "day") for one in subjects]),
    ]
    names = dict.fromkeys(name for one in subjects for name in one.spec.parameters)
    parameters = [_row(name, "", [_parameter(one, name) for one in subjects]) for name in names]
    account = _by_label([[*account_rows(one.spec, one.money), *one.facts] for one in subjects])
    return [
        Group("Data", tuple(asked)),
        *([Group("Parameters", tuple(parameters))] if parameters else []),
        Group("Account and engine", account),
        *_metric_groups(subjects, is_whole=is_whole),
    ]


def differing(groups: Sequence[Group]) -> list[Group]:
    """Return the rows in which the columns differ, without headings that head nothing."""
    kept = [Group(group.name, tuple(row for row in group.rows if not row.is_equal)) for group in groups]
    return [group for group in kept if group.rows]


def _of_backtest(run: Run) -> Subject:
    return Subject(
        reference=f"b{run.number}",
        name=str(run),
        of="",
        url=run.get_absolute_url(),
        of_url="",
        run=run,
        trial=None,
        spec=BacktestSpec.from_dict(run.spec),
        facts=_facts(run.inputs),
        money=currency_of(run),
        metrics=(run.result or {}).get("metrics") or {},
        backtest=run,
    )


def _of_trial(run: Run, number: str | None) -> Subject:
    trial = run.find_best_trial() if number is None else run.trials.filter(number=int(number) - 1).first()
    if trial is None:
        what = f"trial {int(number):,}" if number else "best trial"
        raise UnknownReferenceError(f"{run} has no {what} yet.")
    trial.run = run
    spec, dataset = plan_of(run).spec.backtest(plan_of(run).parameters(trial.combination))
    pinned = pinned_backtest(trial)
    same = Run.objects.filter(run_key=pinned.run_key).exclude(state=RunState.CANCELLED).order_by("-number")
    return Subject(
        reference=f"o{run.number}.{trial.number + 1}",
        name=str(trial),
        of=str(run),
        url=f"{run.get_absolute_url()}/trials/{trial.number + 1}",
        of_url=run.get_absolute_url(),
        run=run,
        trial=trial,
        spec=spec,
        facts=_facts(pinned.inputs.to_dict()),
        money=str(run.inputs["datasets"][dataset]["instrument"].get("currency", "")),
        metrics=metrics_of(trial) or {},
        backtest=same.filter(state=RunState.COMPLETED).first() or same.first(),
    )


def _facts(inputs: dict[str, Any]) -> tuple[Figure, ...]:
    return (
        Figure("Source", inputs["source_hash"][:7], "code"),
        Figure("Candles", inputs["dataset_hash"][:7], "code"),
        Figure("Engine", inputs["engine"], "code"),
    )


def _row(label: str, text: str, figures: Sequence[Figure | None], best: Any = None) -> Row:
    cells = ((figure, best is not None and figure is not None and figure.value == best) for figure in figures)
    return Row(label, text, tuple(cells))


def _parameter(subject: Subject, name: str) -> Figure | None:
    value = subject.spec.parameters.get(name)
    return None if value is None else Figure(name, value, "value")


def _by_label(columns: Sequence[Sequence[Figure]]) -> tuple[Row, ...]:
    """Return a row for each label that some column has."""
    labels = dict.fromkeys(figure.label for column in columns for figure in column)
    by_label = [{figure.label: figure for figure in column} for column in columns]
    return tuple(_row(label, "", [column.get(label) for column in by_label]) for label in labels)


def _metric_groups(subjects: Sequence[Subject], *, is_whole: bool) -> list[Group]:
    chosen = [metric for metric in METRICS.values() if is_whole or metric.key in HEADLINE]
    groups = []
    for name, members in groupby(chosen, key=lambda metric: metric.group):
        rows = []
        for metric in members:
            values = [one.metrics.get(metric.key) for one in subjects]
            figures = [
                Figure(metric.label, value, metric.unit, is_signed=metric.is_signed, is_coloured=False)
                for value in values
            ]
            is_one_unit = metric.unit != "money" or len({one.money for one in subjects}) == 1
            best = _best(metric.key, values) if is_one_unit else None
            rows.append(_row(metric.label, metric.help, figures, best))
        groups.append(Group(name, tuple(rows)))
    return groups


def _best(key: str, values: Sequence[float | None]) -> float | None:
    """Return the best of several values of a judged metric; None when all are the same."""
    known = [value for value in values if value is not None]
    if key not in JUDGED or len(set(values)) < LEAST or not known:
        return None
    return min(known) if METRICS[key].less_is_better else max(known)
