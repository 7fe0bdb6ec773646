"""The form of a new optimization: axes from the strategy's Params, its verdict from `resolve_optimization`."""

from functools import cached_property
from itertools import groupby
from typing import Any

from django import forms
from django.conf import settings

from algotrade.metrics import METRICS
from algotrade.resolve import ResolvedOptimization, resolve_optimization
from algotrade.spec import DATASET_AXES
from runs.backtests.account_form import PERCENT_FIELDS, AccountForm
from runs.display.fields import PlainField, Ticks, number_input
from runs.display.form_values import from_percent
from runs.optimizations.axes_form import AxisRow, axis_fields

AXES_AT_FIRST = 2
"""How many parameters a fresh form varies: more of them would make the first optimization a long one."""
LEAST_TRADES = "30"
"""What a fresh form proposes: an objective without a least number of trades ranks luck."""
DIRECTIONS = (("maximize", "Highest"), ("minimize", "Lowest"))
METHODS = (("grid", "Grid"), ("random", "Random"))
METHOD_HELP = {
    "grid": "Every combination, in order.",
    "random": "A fixed number of combinations, drawn with a seed, none twice.",
}
USUAL_FILTERS = ("filters.min_trades", "filters.max_drawdown")


class Methods(forms.RadioSelect):
    """Choice of a method; each one is explained."""

    def id_for_label(self, id_: str, index: str | None = None) -> str:
        """Return the element id of one method, which has its name."""
        return f"{id_}-{METHODS[int(index or 0)][0]}"

    def create_option(self, name: str, value: Any, *more: Any, **options: Any) -> dict[str, Any]:
        """Return one method."""
        option = super().create_option(name, value, *more, **options)
        option["attrs"]["aria-describedby"] = f"{option['attrs']['id']}-help field-method-error"
        return option | {"help": METHOD_HELP[value]}


class OptimizationForm(AccountForm):
    """Several values for parameters, and what is looked for among them."""

    fields_route = "optimization_fields"
    resolved: ResolvedOptimization

    def check(self) -> None:
        """Ask the validator.

        Raises:
            SpecError: something is wrong.
        """
        limit = settings.ALGOTRADE_MAX_COMBINATIONS
        self.resolved = resolve_optimization(self.request(), self.catalog, self.store, max_combinations=limit)

    def request(self) -> dict[str, Any]:
        """Return what was typed as the request that the API takes."""
        typed = self.cleaned_data
        axes: dict[str, Any] = {name: row.given for name, row in self._rows.items()}
        for name in DATASET_AXES:
            # With what is not offered any more, so that it is refused.
            also = Ticks().value_from_datadict(self.data, self.files, f"also.{name}")
            if also and self.dataset is not None and name not in axes:
                axes[name] = {"values": [getattr(self.dataset, name), *also]}
        limit = typed["max_trials"] if typed["method"] == "random" else typed.get("grid_trials", "")
        filters = {name: typed[name] for name in self._filter_names() if typed[name].strip()}
        return {
            **super().request(),
            **{name: typed[name] for name in ("rules", "objective", "direction", "method", "seed")},
            "axes": axes,
            "max_trials": limit,
            "filters": {
                name.removeprefix("filters."): from_percent(bound) if name in PERCENT_FIELDS else bound
                for name, bound in filters.items()
            },
        }

    @cached_property
    def _rows(self) -> dict[str, AxisRow]:
        return {param.name: AxisRow(self, param) for param in (self.strategy.params if self.strategy else ())}

    def axis_rows(self) -> list[AxisRow]:
        """Return a row for each parameter of the strategy."""
        return list(self._rows.values())

    def all_fields(self) -> list[forms.BoundField]:
        """Return every field that has a message of its own: rows of axes have one each, and so have all axes."""
        in_rows = {field.name for row in self.axis_rows() for field in row.fields.values()}
        return [field for field in self if field.name not in in_rows and field.name != "axes"]

    def also_fields(self) -> list[forms.BoundField]:
        """Return which further assets and timeframes may be varied."""
        return [field for field in self if field.name.startswith("also.")]

    def goal_fields(self) -> list[forms.BoundField]:
        """Return objective, direction and filters."""
        return [self[name] for name in ("objective", "direction", *self._filter_names())]

    def method_fields(self) -> list[forms.BoundField]:
        """Return what random sampling needs."""
        return [self["max_trials"], self["seed"]]

    def placed(self, name: str, message: str) -> tuple[str, str]:
        """Return the field of a message of the validator, and the message as this form says it."""
        axis = name.removeprefix("axes.")
        if axis != name:
            return self._rows[axis].placed(message) if axis in self._rows else (f"also.{axis}", message)
        if name == "max_trials" and self.data.get("method") != "random":
            name = "grid_trials"
        return super().placed(name, message.replace("or set max_trials.", "or limit the number of trials."))

    def _parameter_fields(self) -> dict[str, PlainField]:
        params = self.strategy.params if self.strategy else ()
        numbers = [param.name for param in params if param.kind in ("int", "float")]
        proposed = numbers[:AXES_AT_FIRST] or [param.name for param in params][:AXES_AT_FIRST]
        fields: dict[str, PlainField] = {}
        for param in params:
            fields |= axis_fields(param, self.given, is_proposed=param.name in proposed)
        fields["axes"] = PlainField("", forms.HiddenInput())  # has the messages about the axes together
        rules = forms.Textarea({"rows": "2", "cols": False, "autocomplete": "off", "spellcheck": "false"})
        return fields | {"rules": PlainField("Your rules, one per line", rules, help="Such as slow - fast >= 10")}

    def _own_fields(self) -> dict[str, PlainField]:
        objectives = [
            (group, [(metric.key, metric.label) for metric in metrics])
            for group, metrics in groupby(METRICS.values(), key=lambda metric: metric.group)
        ]
        grid = {"grid_trials": PlainField("First trials only", number_input(is_whole=True))}
        return {
            **self._also_fields(),
            "objective": PlainField("Objective", forms.Select(choices=objectives), initial="sharpe_ratio"),
            "direction": PlainField("Best is the", forms.Select(choices=DIRECTIONS), initial="maximize"),
            **{name: _filter_field(name) for name in self._filter_names()},
            "method": PlainField("Method", Methods(choices=METHODS), initial="grid"),
            "max_trials": PlainField("Trials", number_input(is_whole=True), initial="500"),
            "seed": PlainField("Seed", number_input(is_whole=True), initial="1"),
            **(grid if self.given.get("grid_trials") else {}),  # a program may have set it; nobody is asked for one
        }

    def _also_fields(self) -> dict[str, PlainField]:
        """Make the choices of further assets and timeframes: those with candles on the same exchange."""
        dataset = self.dataset
        if dataset is None:
            return {}
        near = [one for one in self.datasets if one.exchange == dataset.exchange and one != dataset]
        offered = {
            "asset": ("Assets", [one.asset for one in near if one.timeframe == dataset.timeframe]),
            "timeframe": ("Timeframes", [one.timeframe for one in near if one.asset == dataset.asset]),
        }
        return {
            f"also.{name}": PlainField(label, Ticks(choices=[(value, value) for value in values]), initial=[])
            for name, (label, values) in offered.items()
            if values and name not in self._rows
        }

    def _filter_names(self) -> list[str]:
        """Return the filters: the usual two, then those that a program had set."""
        others = (name for name in self.given if name.startswith("filters.") and name not in USUAL_FILTERS)
        return [*USUAL_FILTERS, *others]


def _filter_field(name: str) -> PlainField:
    if name == "filters.max_drawdown":
        return PlainField("Max drawdown", number_input(), unit="%")
    if name == "filters.min_trades":
        return PlainField("Min trades", number_input(is_whole=True), initial=LEAST_TRADES)
    side, _, key = name.removeprefix("filters.").partition("_")
    label = METRICS[key].label if key in METRICS else key
    return PlainField(f"{side.capitalize()} {label[:1].lower()}{label[1:]}", number_input())
