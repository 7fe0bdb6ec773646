"""Form of what every submission of a strategy has: strategy, dataset, range, costs, orders."""

from collections.abc import Mapping
from typing import Any, ClassVar, Self

from django import forms
from django.urls import reverse

from algotrade.account import ACCOUNT_FIELDS, PROPOSED, AccountField, Group, fields_of
from algotrade.market.store import CandleStore, Dataset
from algotrade.resolve import Resolved, ResolvedOptimization
from algotrade.strategies.catalog import Catalog, StrategyInfo
from runs.display.fields import CheckedForm, PlainField, dataset_text, dataset_value, moment_field, number_input
from runs.display.figures import moment
from runs.display.form_values import from_percent, typed_account

DEFAULT_STRATEGY = "sma_cross"
RANGE = ("start", "end")
DATASET_FIELDS = ("asset", "exchange", "timeframe")
DEFAULTS = typed_account(PROPOSED)
"""What a fresh form proposes for the account, as typed: percentages where a spec has fractions. Costs are not zero."""
GROUPS: tuple[Group, ...] = ("costs", "orders", "more")

PERCENT_FIELDS = {
    **{
        declared.name: f"Must be {declared.allowed_in_percent}; it is {{typed}}."
        for declared in ACCOUNT_FIELDS
        if declared.is_percent
    },
    "sizing.value": "Must be above 0% and at most 100%; it is {typed}.",
    "filters.max_drawdown": "Must be from 0% to 100%; it is {typed}.",
}
"""Fields that are typed in percent, with the validator's message said in percent."""


class AccountForm(CheckedForm):
    """Strategy, dataset, range and account; what to run with which parameters is a child's to add.

    Attributes:
        catalog, store: what there is to choose from.
        strategy, dataset: what is chosen; None while there is no such.
        parameter_names: the fields that belong to the chosen strategy.
        resolved: what is asked for, once the form is valid.
    """

    fields_route: ClassVar[str]
    """The route that brings the fields of a strategy or dataset that was just picked."""
    resolved: Resolved | ResolvedOptimization

    def __init__(
        self,
        catalog: Catalog,
        store: CandleStore,
        data: Mapping[str, Any] | None = None,
        initial: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(data, {**DEFAULTS, **(initial or {})})
        self.catalog, self.store = catalog, store
        self.strategies: list[StrategyInfo] = catalog.all()
        self.datasets: list[Dataset] = store.datasets()
        self.strategy = self._strategy()
        self.dataset = self._dataset()
        parameters = self._parameter_fields()
        self.parameter_names = tuple(parameters)
        self.fields |= self._pickers() | self._range_fields() | parameters | self._own_fields() | self._account_fields()

    @property
    def has_other_parameters(self) -> bool:
        """Whether the strategy was changed without a script: then the sent parameters belong to another one."""
        chosen = self.given.get("strategy_name", "")
        return bool(self.given.get("parameters_of", chosen) != chosen)

    @property
    def has_other_range(self) -> bool:
        """Whether the dataset was changed and the page still shows the range of the former one."""
        return bool(self.given.get("range_of", self.range_of) != self.range_of)

    @property
    def is_outdated(self) -> bool:
        """Whether strategy or dataset were changed and the page still shows what belongs to the former one."""
        return self.has_other_parameters or self.has_other_range

    @property
    def range_of(self) -> str:
        """Return which dataset the proposed range belongs to."""
        return dataset_value(self.dataset) if self.dataset else ""

    def as_sent(self) -> Self:
        """Return the form as it is when it is sent without a change."""
        return type(self)(self.catalog, self.store, self.unchanged())

    def renewed(self) -> Self:
        """Return the form with proposals in place of what was sent for another strategy or another dataset."""
        stale = {*(self.parameter_names if self.has_other_parameters else ()), *(RANGE if self.has_other_range else ())}
        kept = {field.name: field.value() for field in self if field.name not in stale}
        return type(self)(self.catalog, self.store, initial=kept).as_sent()

    def request(self) -> dict[str, Any]:
        """Return what was typed as the request that the API takes."""
        typed = self.cleaned_data
        asset, exchange, timeframe = (*typed["dataset"].split("|"), "", "", "")[:3]
        kind, size = typed["sizing.kind"], typed["sizing.value"]
        return {
            "strategy_name": typed["strategy_name"],
            "asset": asset,
            "exchange": exchange,
            "timeframe": timeframe,
            **{
                name: from_percent(typed[name]) if name in PERCENT_FIELDS else typed[name]
                for name in (*RANGE, *DEFAULTS)
                if "." not in name
            },
            "sizing": {"kind": kind, "value": from_percent(size) if kind == "equity_fraction" else size},
        }

    def range_fields(self) -> list[forms.BoundField]:
        """Return From and To."""
        return [self[name] for name in RANGE]

    def parameter_fields(self) -> list[forms.BoundField]:
        """Return the fields that belong to the chosen strategy."""
        return [self[name] for name in self.parameter_names]

    def cost_fields(self) -> list[forms.BoundField]:
        """Return capital, fees and slippage."""
        return self._of_group("costs")

    def more_cost_fields(self) -> list[forms.BoundField]:
        """Return what few people change."""
        return self._of_group("more")

    def fill_fields(self) -> list[forms.BoundField]:
        """Return when and how large orders are filled."""
        return self._of_group("orders")

    def all_fields(self) -> list[forms.BoundField]:
        """Return every field that has a message of its own."""
        return list(self)

    @property
    def broken_strategies(self) -> list[StrategyInfo]:
        """Return the strategies whose files cannot be used, with their errors."""
        return [info for info in self.strategies if info.error is not None]

    def placed(self, name: str, message: str) -> tuple[str, str]:
        """Return the field of a message of the validator, and the message in percent where that is what is typed."""
        is_size = name == "sizing.value" and self.data.get("sizing.kind") != "equity_fraction"
        if name in PERCENT_FIELDS and not is_size:
            message = PERCENT_FIELDS[name].format(typed=f"{self.data.get(name)}%")
        return "dataset" if name in DATASET_FIELDS else "sizing.value" if name == "sizing" else name, message

    def _parameter_fields(self) -> dict[str, PlainField]:
        """Make the fields that belong to the chosen strategy; none where a child does not say."""
        return {}

    def _own_fields(self) -> dict[str, PlainField]:
        """Make the other fields that only this kind of submission has."""
        return {}

    def _strategy(self) -> StrategyInfo | None:
        usable = {info.name: info for info in self.strategies if info.error is None}
        asked = self.given.get("strategy_name", "")
        if asked or self.is_bound:
            return usable.get(asked)
        return usable.get(DEFAULT_STRATEGY) or next(iter(usable.values()), None)

    def _dataset(self) -> Dataset | None:
        asked = self.given.get("dataset")
        if asked or self.is_bound:
            return next((item for item in self.datasets if dataset_value(item) == asked), None)
        return next(iter(self.datasets), None)

    def _pickers(self) -> dict[str, PlainField]:
        """Make the pickers of strategies that can be run, and of datasets; a script asks for the fields of both."""
        strategies = [(info.name, info.title) for info in self.strategies if info.error is None]
        datasets = [(dataset_value(item), dataset_text(item)) for item in self.datasets]
        asking: dict[str, Any] = {
            "hx-post": reverse(self.fields_route),
            "hx-trigger": "change",
            "hx-target": "#summary-text",
            "hx-swap": "innerHTML",
            "hx-include": "#run-form",
            "hx-sync": "#summary-text:queue last",
        }
        chosen = self.strategy.name if self.strategy else ""
        return {
            "strategy_name": PlainField("Strategy", forms.Select(asking, strategies), initial=chosen),
            "dataset": PlainField("Dataset", forms.Select(asking, datasets), initial=self.range_of),
        }

    def _range_fields(self) -> dict[str, PlainField]:
        """Make From and To, which propose the whole dataset."""
        whole = (self.dataset.first_ns, self.dataset.last_ns) if self.dataset else ()
        first, last = (moment(at).date().isoformat() for at in whole) if whole else ("", "")
        return {"start": moment_field("From", initial=first), "end": moment_field("To", initial=last)}

    def _account_fields(self) -> dict[str, PlainField]:
        declared = (one for group in GROUPS for one in fields_of(group))
        return {name: field for one in declared for name, field in self._of_account(one).items()}

    def _of_account(self, declared: AccountField) -> dict[str, PlainField]:
        """Make the input of a field of the account; the size of orders has two."""
        name, label, help = declared.name, declared.input_label, declared.help
        match declared.kind:
            case "sizing":
                return {
                    f"{name}.kind": PlainField(f"{label} in", forms.Select(choices=declared.choices)),
                    f"{name}.value": PlainField(label, number_input()),
                }
            case "choice":
                return {name: PlainField(label, forms.Select(choices=declared.choices), help=help)}
            case "flag":
                return {name: PlainField(label, forms.CheckboxInput(), help=help, is_wide=True)}
        currency = self.dataset.instrument.currency if self.dataset else ""
        unit = "%" if declared.is_percent else {"money": currency, "ticks": "ticks"}[declared.unit]
        return {name: PlainField(label, number_input(), help=help, unit=unit)}

    def _of_group(self, group: Group) -> list[forms.BoundField]:
        names = {declared.name for declared in fields_of(group)}
        return [field for field in self if field.name.partition(".")[0] in names]
