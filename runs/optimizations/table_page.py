"""The table of trials as the page shows it: columns, cells, links to sort and to turn pages."""

from dataclasses import dataclass
from urllib.parse import urlencode

from algotrade.metrics import METRICS
from algotrade.spec import ParamValue
from runs.backtests.report import account_rows
from runs.display.figures import Figure, currency_of, value_text
from runs.models import Run, Trial
from runs.optimizations.live import METHOD_LABELS
from runs.optimizations.plan import Plan, plan_of
from runs.optimizations.trials import TrialRow, TrialsPage

SHOWN = ("sharpe_ratio", "total_return", "max_drawdown", "profit_factor", "win_rate", "trades", "expectancy")
"""Metrics of the table, after the objective."""
SIGNED = ("total_return", "cagr", "expectancy", "calmar_ratio")
SHORT_LABELS = {"trades": "Trades"}
MOST_PARAMETERS = 8
"""Varied parameters with a column of their own."""
UNDERLINE_UNITS = 100.0


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the table.

    Attributes:
        key: what is sorted by.
        label: its heading.
        help: formula, for the tooltip.
        is_parameter, is_objective: what it holds.
        order: ``ascending``, ``descending`` or nothing, as it is sorted now.
        query: of the address that sorts by it, or turns the order around.
    """

    key: str
    label: str
    help: str
    is_parameter: bool
    is_objective: bool
    order: str
    query: str


@dataclass(frozen=True, slots=True)
class Row:
    """One trial, ready to be shown.

    Attributes:
        trial: the row of the database.
        parameters: texts of the varied parameters, in the order of the columns.
        figures: metrics in the order of the columns; empty when the trial failed.
        underline: length of the objective's bar, 0 to UNDERLINE_UNITS.
        is_best: whether it is the best one so far.
    """

    trial: Trial
    parameters: list[str]
    figures: list[Figure]
    underline: float
    is_best: bool


@dataclass(frozen=True, slots=True)
class Table:
    """A page of the table with its links.

    Attributes:
        page: what was asked for.
        columns, rows: what is shown.
        previous_query, next_query: of the addresses of the pages beside it; empty at the ends.
        fresh_query: of the address with the newest trials.
        export_query: of the address of the export.
        n_known: trials that were there at the page's revision, whatever the filter.
    """

    page: TrialsPage
    columns: list[Column]
    rows: list[Row]
    previous_query: str
    next_query: str
    fresh_query: str
    export_query: str
    n_known: int

    @property
    def n_metrics(self) -> int:
        """Columns that a failed trial has no values for."""
        return sum(not column.is_parameter for column in self.columns)


def table_of(run: Run, page: TrialsPage) -> Table:
    """Return a page of an optimization's trials, ready to be shown."""
    plan, at = plan_of(run), page.at
    columns = _columns(plan, page)
    low, high = _span(run, page.rows, plan.spec.objective)
    return Table(
        page=page,
        columns=columns,
        rows=[_row(row, columns, plan.spec.objective, low, high) for row in page.rows],
        previous_query=_query(page, page=at.number - 1, as_of=page.as_of) if at.has_previous() else "",
        next_query=_query(page, page=at.number + 1, as_of=page.as_of) if at.has_next() else "",
        fresh_query=_query(page),
        export_query=_query(page),
        n_known=run.trials.filter(rev__lte=page.as_of).count() if page.query else at.paginator.count,
    )


def page_query(page: TrialsPage) -> str:
    """Return the query of the address under which a page is found again: without what nobody chose."""
    return _query(page, page=page.at.number if page.at.has_previous() else 0)


def _query(shown: TrialsPage, *, sort: str | None = None, page: int = 0, as_of: int = 0) -> str:
    chosen = {"sort": shown.sort if sort is None else sort, "q": shown.query, "page": page, "asof": as_of}
    return urlencode({name: value for name, value in chosen.items() if value})


def _columns(plan: Plan, page: TrialsPage) -> list[Column]:
    objective = plan.spec.objective
    names = plan.varied[:MOST_PARAMETERS]
    metrics = [objective, *(key for key in SHOWN if key != objective)]
    columns = [_column("number", "Trial", "In the order in which trials are asked for.", page, plan)]
    columns += [_column(name, name, "", page, plan) for name in names]
    columns += [
        _column(key, SHORT_LABELS.get(key, METRICS[key].label), METRICS[key].help, page, plan) for key in metrics
    ]
    return [*columns, _column("duration_ms", "Duration", "How long the trial took.", page, plan)]


def _column(key: str, label: str, text: str, page: TrialsPage, plan: Plan) -> Column:
    is_objective = key == plan.spec.objective
    is_ascending_first = key not in METRICS or (is_objective and plan.spec.direction == "minimize")
    first, second = (key, f"-{key}") if is_ascending_first else (f"-{key}", key)
    now = page.sort or (first if is_objective else "")
    order = {key: "ascending", f"-{key}": "descending"}.get(now, "")
    return Column(
        key=key,
        label=label,
        help=text,
        is_parameter=key in plan.varied,
        is_objective=is_objective,
        order=order,
        query=_query(page, sort=second if now == first else first),
    )


def _row(row: TrialRow, columns: list[Column], objective: str, low: float, high: float) -> Row:
    value = row.metrics.get(objective)
    underline = 0.0 if value is None or high == low else (value - low) / (high - low) * UNDERLINE_UNITS
    return Row(
        trial=row.trial,
        parameters=[value_text(row.parameters.get(column.key)) for column in columns if column.is_parameter],
        figures=[]
        if row.trial.is_failed
        else [_figure(row, column.key) for column in columns if column.key in METRICS],
        underline=round(min(max(underline, 0.0), UNDERLINE_UNITS), 1),
        is_best=row.is_best,
    )


def _figure(row: TrialRow, key: str) -> Figure:
    metric = METRICS[key]
    return Figure(metric.label, row.metrics.get(key), metric.unit, is_signed=key in SIGNED)


def _span(run: Run, rows: list[TrialRow], objective: str) -> tuple[float, float]:
    """Return the objective at which a bar has no length, and the one at which it is full: the best one of the run."""
    values = [value for row in rows if (value := row.metrics.get(objective)) is not None]
    if not values:
        return 0.0, 0.0
    if run.spec["direction"] == "minimize":
        best = min(values) if run.best_value is None else min(run.best_value, *values)
        return max(0.0, *values), best
    best = max(values) if run.best_value is None else max(run.best_value, *values)
    return min(0.0, *values), best


VALUES_SHOWN = 8
"""Values of an axis that are named; of more, the first and the last ones."""


@dataclass(frozen=True, slots=True)
class OptimizationSettings:
    """The settings.

    Attributes:
        axes: name, number of values and their text, of each axis.
        rules: expressions that a combination must keep.
        filters: bounds that a trial must keep to be ranked, in words.
        method, account: labelled values.
    """

    axes: list[tuple[str, int, str]]
    rules: tuple[str, ...]
    filters: list[str]
    method: list[Figure]
    account: list[Figure]


def settings_of(run: Run, plan: Plan) -> OptimizationSettings:
    """Return what was asked of an optimization."""
    spec = plan.spec
    first = spec.backtest({name: values[0] for name, values in spec.axes.items()})[0]
    method = [
        Figure("Method", METHOD_LABELS.get(spec.method, spec.method), "text"),
        Figure("Trials", run.total, "count"),
        Figure("Combinations before the rules", plan.space.n_combinations, "count"),
    ]
    if spec.max_trials is not None:
        method.append(Figure("At most", spec.max_trials, "count", "trials"))
    if spec.method != "grid":
        method.append(Figure("Seed", spec.seed, "plain"))
    method += [
        Figure("Strategy", ", ".join(source[:7] for source in run.sources), "code"),
        Figure("Engine", run.inputs["engine"], "code"),
    ]
    return OptimizationSettings(
        axes=[(name, len(values), _values_text(values)) for name, values in spec.axes.items()],
        rules=spec.rules,
        filters=[_filter_text(name, value) for name, value in spec.filters.items()],
        method=method,
        account=account_rows(first, currency_of(run)),
    )


def _filter_text(name: str, bound: float) -> str:
    """Return a filter as people say it: trades >= 30."""
    if name == "max_drawdown":
        return f"max_drawdown >= {value_text(-abs(bound))}"
    side, _, key = name.partition("_")
    return f"{key} {'>=' if side == 'min' else '<='} {value_text(bound)}"


def _values_text(values: tuple[ParamValue, ...]) -> str:
    shown = [value_text(value) for value in values]
    if len(shown) > VALUES_SHOWN:
        shown = [*shown[: VALUES_SHOWN - 2], "…", shown[-1]]
    return ", ".join(shown).replace(", …, ", " … ")
