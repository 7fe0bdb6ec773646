"""The form of a new optimization: axes from the strategy's Params, its verdict from `resolve_optimization`."""

from collections.abc import Mapping
from functools import cached_property
from itertools import groupby
from typing import Any, ClassVar

from django.conf import settings

from algotrade.errors import SpecError, StrategyError
from algotrade.market.store import CandleStore
from algotrade.metrics import METRICS
from algotrade.resolve import ResolvedOptimization, resolve_optimization
from algotrade.spec import DATASET_AXES, BacktestSpec, OptimizationSpec
from algotrade.strategies.base import Param
from algotrade.strategies.catalog import Catalog, StrategyInfo
from runs.forms.account import DEFAULTS, PERCENT_FIELDS, AccountForm
from runs.forms.again import typed_search
from runs.forms.axes import AxisInput, AxisRow
from runs.forms.fields import FormField
from runs.typed import from_percent, typed_spec

SEARCHED_AT_FIRST = 2
"""How many parameters a fresh form searches: more of them would make the first optimization a long one."""
DIRECTIONS = (("maximize", "Highest"), ("minimize", "Lowest"))
METHODS = (
    ("grid", "Grid", "Every combination, in order."),
    ("random", "Random", "So many of them, drawn with a seed, none twice."),
)
SEARCH_DEFAULTS = {
    "objective": "sharpe_ratio",
    "direction": "maximize",
    "filters.min_trades": "30",
    "method": "grid",
    "max_trials": "500",
    "seed": "1",
}
"""What a fresh form proposes for the search, as typed. An objective without a least number of trades ranks luck."""
PARTS = ("search.", "min.", "max.", "step.", "as_list.", "list.", "values.", "parameters.")
"""What names of fields begin with that belong to one strategy's parameters."""
MULTIPLE = ("values.", "also.")
"""What names of fields begin with that may have several values: they are kept as lines."""


class SearchForm(AccountForm):
    """Several values for parameters, and what is looked for among them."""

    defaults: ClassVar[Mapping[str, str]] = DEFAULTS | SEARCH_DEFAULTS

    @classmethod
    def from_spec(cls, spec: OptimizationSpec, catalog: Catalog, store: CandleStore) -> "SearchForm":
        """Return a form that asks for the same again."""
        try:
            strategy: StrategyInfo | None = catalog.get(spec.strategy_name)
        except StrategyError:  # the form says so when it is asked
            strategy = None
        return cls(typed_search(spec, strategy, store), catalog, store)

    @classmethod
    def from_backtest(cls, spec: BacktestSpec, catalog: Catalog, store: CandleStore) -> "SearchForm":
        """Return a form with a backtest's strategy, dataset and costs that proposes ranges around its parameters."""
        return cls(typed_spec(spec, store), catalog, store)

    @cached_property
    def is_fresh(self) -> bool:
        """Whether the parameters were not typed by somebody yet, so that values are proposed."""
        return "parameters_of" not in self.data or self.has_other_parameters

    def resolve(self) -> ResolvedOptimization | None:
        """Ask the validator; on a refusal the errors are set and None comes back."""
        self.errors = {}
        try:
            limit = settings.ALGOTRADE_MAX_COMBINATIONS
            return resolve_optimization(self.request(), self.catalog, self.store, max_combinations=limit)
        except SpecError as error:
            self.note(error)
            return None

    def request(self) -> dict[str, Any]:
        """Return what was typed as the request that the API takes."""
        axes: dict[str, Any] = {one.param.name: one.given() for one in self._inputs}
        for name in DATASET_AXES:
            if self._also(name) and self.dataset is not None and name not in axes:
                chosen = getattr(self.dataset, name)
                axes[name] = {"values": [chosen, *self._also(name)]}
        method = self._typed("method")
        return {
            **self.account_request(),
            "axes": axes,
            "rules": self.data.get("rules", ""),
            "objective": self._typed("objective"),
            "direction": self._typed("direction"),
            "method": method,
            "max_trials": self._typed("max_trials") if method == "random" else self.data.get("grid_trials", ""),
            "seed": self._typed("seed"),
            "filters": {
                name.removeprefix("filters."): from_percent(typed) if name in PERCENT_FIELDS else typed
                for name in self._filter_names()
                if (typed := self._typed(name)).strip()
            },
        }

    def axis_rows(self) -> list[AxisRow]:
        """Return a row for each parameter of the strategy."""
        first = next(iter(self.errors), None)
        return [
            one.row(self.errors.get(name, ""), is_first_error=name == first)
            for one in self._inputs
            if (name := f"axes.{one.param.name}")
        ]

    def also_fields(self) -> list[FormField]:
        """Return which further assets and timeframes may be searched: those with candles on the same exchange."""
        dataset = self.dataset
        if dataset is None:
            return []
        taken = {one.param.name for one in self._inputs}
        near = [one for one in self.datasets if one.exchange == dataset.exchange and one != dataset]
        assets = [one.asset for one in near if one.timeframe == dataset.timeframe]
        timeframes = [one.timeframe for one in near if one.asset == dataset.asset]
        offered = (("asset", "Assets", assets), ("timeframe", "Timeframes", timeframes))
        return [
            self._field(f"also.{name}", label, self.data.get(f"also.{name}", ""), choices=tuple((v, v) for v in values))
            for name, label, values in offered
            if values and name not in taken
        ]

    def goal_fields(self) -> list[FormField]:
        """Return objective, direction and filters."""
        groups = tuple(
            (group, tuple((metric.key, metric.label) for metric in metrics))
            for group, metrics in groupby(METRICS.values(), key=lambda metric: metric.group)
        )
        return [
            self._field("objective", "Objective", kind="select", groups=groups),
            self._field("direction", "Best is the", kind="select", choices=DIRECTIONS),
            *(self._filter_field(name) for name in self._filter_names()),
        ]

    def method_field(self) -> FormField:
        """Return the choice of the method."""
        return self._field(
            "method", "Method", kind="radio", choices=tuple((value, label) for value, label, _ in METHODS)
        )

    @property
    def methods(self) -> tuple[tuple[str, str, str], ...]:
        """Return value, label and explanation of each method."""
        return METHODS

    def method_fields(self) -> list[FormField]:
        """Return what a random search needs."""
        return [
            self._field("max_trials", "Trials", step="1", low="1"),
            self._field("seed", "Seed", step="1", low="0"),
        ]

    def grid_field(self) -> FormField | None:
        """Return the bound of a grid, which a program may have set; nobody is asked for one."""
        if not self.data.get("grid_trials"):
            return None
        return self._field("grid_trials", "First trials only", self.data["grid_trials"], step="1", low="1")

    def rules_field(self) -> FormField:
        """Return the user's own rules."""
        return self._field(
            "rules",
            "Your rules, one a line",
            self.data.get("rules", ""),
            kind="textarea",
            help="Such as slow - fast >= 10",
        )

    def own_fields(self) -> list[FormField]:
        """Return the fields that only an optimization has; the rows of the axes have messages of their own."""
        grid = self.grid_field()
        return [
            *self.also_fields(),
            self.rules_field(),
            *self.goal_fields(),
            self.method_field(),
            *self.method_fields(),
            *([grid] if grid else []),
        ]

    @property
    def axes_error(self) -> str:
        """Return what is wrong with the axes together."""
        return self.errors.get("axes", "")

    @property
    def is_axes_error_first(self) -> bool:
        """Whether the axes together are the first thing that is wrong."""
        return next(iter(self.errors), None) == "axes"

    @property
    def problems(self) -> list[tuple[str, str]]:
        """Return label and message of everything that is wrong."""
        rows = {f"axes.{one.name}": one for one in self.axis_rows()}
        told = []
        for (label, message), name in zip(super().problems, self.errors, strict=True):
            told.append((name.removeprefix("axes."), rows[name].error) if name in rows else (label, message))
        return told

    def without_parameters(self) -> "SearchForm":
        """Return the form with proposals for the strategy's own parameters, whatever was sent."""
        kept = {
            name: value for name, value in self.data.items() if not name.startswith((*PARTS, "parameters_of", "rules"))
        }
        return SearchForm(kept, self.catalog, self.store)

    @cached_property
    def _inputs(self) -> list[AxisInput]:
        params = self.strategy.params if self.strategy else ()
        numbers = [param.name for param in params if param.kind in ("int", "float")]
        proposed = numbers[:SEARCHED_AT_FIRST] or [param.name for param in params][:SEARCHED_AT_FIRST]
        data = {name: value for name, value in self.data.items() if not name.startswith(PARTS)}
        given = data if self.has_other_parameters else self.data
        return [self._input(param, given, is_proposed=param.name in proposed) for param in params]

    def _input(self, param: Param, data: Mapping[str, str], *, is_proposed: bool) -> AxisInput:
        return AxisInput(param, data, is_fresh=self.is_fresh, is_proposed=is_proposed)

    def _also(self, name: str) -> list[str]:
        return [value for value in self.data.get(f"also.{name}", "").split("\n") if value]

    def _filter_names(self) -> list[str]:
        """Return the filters: the usual two, then those that a program had set."""
        usual = ["filters.min_trades", "filters.max_drawdown"]
        return usual + [name for name in self.data if name.startswith("filters.") and name not in usual]

    def _filter_field(self, name: str) -> FormField:
        side, _, key = name.removeprefix("filters.").partition("_")
        if name == "filters.max_drawdown":
            return self._field(name, "Max drawdown", low="0", high="100", unit="%")
        label = {"filters.min_trades": "Trades"}.get(name) or (METRICS[key].label if key in METRICS else key)
        return self._field(name, f"{side.capitalize()} {label[:1].lower()}{label[1:]}")

    def _place(self, name: str) -> str:
        if name in ("axes.asset", "axes.timeframe") and name.removeprefix("axes.") not in {
            one.param.name for one in self._inputs
        }:
            return f"also.{name.removeprefix('axes.')}"
        if name == "max_trials" and self._typed("method") == "grid":
            return "grid_trials"
        return super()._place(name)

    def _worded(self, name: str, message: str) -> str:
        return super()._worded(name, message).replace("or set max_trials.", "or say how many trials.")
