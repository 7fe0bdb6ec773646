"""What the Settings of an optimization show: what was searched, how, and the account of every trial."""

from dataclasses import dataclass

from algotrade.spec import ParamValue
from runs.figures import Figure, value_text
from runs.models import Run
from runs.report import account_rows
from runs.search_fragments import METHOD_WORDS, currency_of
from runs.searches import Search

VALUES_SHOWN = 8
"""Values of an axis that are named; of more, the first and the last ones."""


@dataclass(frozen=True, slots=True)
class SearchSettings:
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


def settings_of(run: Run, search: Search) -> SearchSettings:
    """Return what was asked of an optimization."""
    spec = search.spec
    first = spec.backtest({name: values[0] for name, values in spec.axes.items()})[0]
    method = [
        Figure("Method", METHOD_WORDS.get(spec.method, spec.method), "text"),
        Figure("Trials", run.total, "count"),
        Figure("Combinations before the rules", search.space.n_combinations, "count"),
    ]
    if spec.max_trials is not None:
        method.append(Figure("At most", spec.max_trials, "count", "trials"))
    if spec.method != "grid":
        method.append(Figure("Seed", spec.seed, "plain"))
    method += [
        Figure("Strategy", ", ".join(source[:7] for source in run.sources), "code"),
        Figure("Engine", run.inputs["engine"], "code"),
    ]
    return SearchSettings(
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
