"""What every submission is typed with: strategy, dataset, range, costs, orders."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from algotrade.errors import SpecError
from algotrade.market.store import CandleStore, Dataset
from algotrade.strategies.catalog import Catalog, StrategyInfo
from runs.figures import moment
from runs.forms.fields import FormField, dataset_value, dataset_words
from runs.typed import from_percent

DEFAULT_STRATEGY = "sma_cross"
DATASET_FIELDS = ("asset", "exchange", "timeframe")
FILLS = (("next_open", "Next bar open"), ("this_close", "This bar close"))
SIZINGS = (("equity_fraction", "Share of equity, %"), ("quantity", "Units of the asset"), ("quote", "Amount of money"))
DEFAULTS = {
    "initial_cash": "10000",
    "commission": "0.1",
    "fixed_fee": "0",
    "slippage_ticks": "1",
    "slippage_frac": "0",
    "fill": "next_open",
    "sizing.kind": "equity_fraction",
    "sizing.value": "100",
    "margin_ratio": "100",
    "risk_free_rate": "0",
    "close_at_end": "false",
}
"""What a fresh form proposes for the account, as typed: percentages where a spec has fractions. Costs are not zero."""

PERCENT_FIELDS = {
    "commission": "Must be at least 0% and below 100%; it is {typed}.",
    "slippage_frac": "Must be at least 0% and below 100%; it is {typed}.",
    "margin_ratio": "Must be above 0% and at most 100%; it is {typed}.",
    "risk_free_rate": "Must be above -100% and at most 100%; it is {typed}.",
    "sizing.value": "Must be above 0% and at most 100%; it is {typed}.",
    "filters.max_drawdown": "Must be from 0% to 100%; it is {typed}.",
}
"""Fields that are typed in percent, with the validator's message said in percent."""


@dataclass
class AccountForm:
    """What was typed, what it means, and what is wrong with it; what to run with which parameters is a child's to add.

    Attributes:
        data: values by field name, as a browser sends them.
        catalog, store: what there is to choose from.
        errors: message by field name; empty until `resolve` was called.
    """

    data: Mapping[str, str]
    catalog: Catalog
    store: CandleStore
    errors: dict[str, str] = field(default_factory=dict)
    defaults: ClassVar[Mapping[str, str]] = DEFAULTS

    def __post_init__(self) -> None:
        """Look up the choices once."""
        self.strategies: list[StrategyInfo] = self.catalog.all()
        self.datasets: list[Dataset] = self.store.datasets()
        self.strategy = self._strategy()
        self.dataset = self._dataset()

    @property
    def has_other_parameters(self) -> bool:
        """Whether the strategy was changed without a script: then the sent parameters belong to another one."""
        return self.data.get("parameters_of", self._strategy_name) != self._strategy_name

    @property
    def is_outdated(self) -> bool:
        """Whether strategy or dataset were changed and the page still shows what belongs to the former one."""
        return self.has_other_parameters or self.data.get("range_of", self.range_of) != self.range_of

    def note(self, refusal: SpecError) -> None:
        """Put each message of the validator beside the field that it is about."""
        for name, message in refusal.fields.items():
            self.errors.setdefault(self._place(name), self._worded(name, message))

    def account_request(self) -> dict[str, Any]:
        """Return what was typed of the account part, as the API takes it."""
        asset, exchange, timeframe = (*self.data.get("dataset", "").split("|"), "", "", "")[:3]
        if not self.data.get("dataset") and self.dataset is not None:
            asset, exchange, timeframe = self.dataset.asset, self.dataset.exchange, self.dataset.timeframe
        request: dict[str, Any] = {"asset": asset, "exchange": exchange, "timeframe": timeframe}
        request["strategy_name"] = self._strategy_name
        for name in ("start", "end", *DEFAULTS):
            if "." not in name:
                typed = self._typed(name)
                request[name] = from_percent(typed) if name in PERCENT_FIELDS else typed
        kind, size = self._typed("sizing.kind"), self._typed("sizing.value")
        request["sizing"] = {"kind": kind, "value": from_percent(size) if kind == "equity_fraction" else size}
        return request

    def range_fields(self) -> list[FormField]:
        """Return From and To."""
        values = self._range()
        names = (("start", "From"), ("end", "To"))
        return [
            self._field(name, label, values[name], kind="datetime-local" if "T" in values[name] else "date", step="1")
            for name, label in names
        ]

    def cost_fields(self) -> list[FormField]:
        """Return capital, fees and slippage."""
        currency = self.dataset.instrument.currency if self.dataset else ""
        return [
            self._field("initial_cash", "Initial capital", low="0", unit=currency),
            self._field("commission", "Commission per side", low="0", high="100", unit="%"),
            self._field("slippage_ticks", "Slippage", low="0", unit="ticks"),
        ]

    def more_cost_fields(self) -> list[FormField]:
        """Return what few people change."""
        currency = self.dataset.instrument.currency if self.dataset else ""
        return [
            self._field("fixed_fee", "Fixed fee per fill", low="0", unit=currency),
            self._field("slippage_frac", "Slippage of the price", low="0", high="100", unit="%"),
            self._field("margin_ratio", "Reserved for a short", low="0", high="100", unit="%"),
            self._field("risk_free_rate", "Risk-free rate, a year", low="-100", high="100", unit="%"),
            self._field(
                "close_at_end",
                "Close an open position at the end",
                kind="checkbox",
                help="At the last close, with commission and without slippage.",
            ),
        ]

    def fill_fields(self) -> list[FormField]:
        """Return when and how large orders are filled."""
        return [
            self._field("fill", "Orders fill at", kind="select", choices=FILLS),
            self._field("sizing.kind", "Order size in", kind="select", choices=SIZINGS),
            self._field("sizing.value", "Order size", low="0"),
        ]

    def all_fields(self) -> list[FormField]:
        """Return every field, in the order of the page."""
        return [
            self.strategy_field(),
            self.dataset_field(),
            *self.range_fields(),
            *self.own_fields(),
            *self.cost_fields(),
            *self.fill_fields(),
            *self.more_cost_fields(),
        ]

    def own_fields(self) -> list[FormField]:
        """Return the fields that only this kind of submission has."""
        return []

    def strategy_field(self) -> FormField:
        """Return the picker of strategies that can be run."""
        choices = tuple((info.name, info.title) for info in self.strategies if info.error is None)
        return self._field("strategy_name", "Strategy", self._strategy_name, kind="select", choices=choices)

    def dataset_field(self) -> FormField:
        """Return the picker of datasets."""
        choices = tuple((dataset_value(item), dataset_words(item)) for item in self.datasets)
        value = self.data.get("dataset") or (dataset_value(self.dataset) if self.dataset else "")
        return self._field("dataset", "Dataset", value, kind="select", choices=choices)

    @property
    def problems(self) -> list[tuple[str, str]]:
        """Return label and message of everything that is wrong; no label where the message names the field itself."""
        labels = {item.name: item.label for item in self.all_fields()}
        named = ((labels.get(name, ""), message) for name, message in self.errors.items())
        return [("" if label.lower() in message.lower() else label, message) for label, message in named]

    @property
    def broken_strategies(self) -> list[StrategyInfo]:
        """Return the strategies whose files cannot be used, with their errors."""
        return [info for info in self.strategies if info.error is not None]

    @property
    def range_of(self) -> str:
        """Return which dataset the proposed range belongs to."""
        return dataset_value(self.dataset) if self.dataset else ""

    @property
    def _strategy_name(self) -> str:
        asked = self.data.get("strategy_name", "")
        return asked or (self.strategy.name if self.strategy else "")

    def _strategy(self) -> StrategyInfo | None:
        usable = {info.name: info for info in self.strategies if info.error is None}
        asked = self.data.get("strategy_name")
        if asked:
            return usable.get(asked)
        return usable.get(DEFAULT_STRATEGY) or next(iter(usable.values()), None)

    def _dataset(self) -> Dataset | None:
        asked = self.data.get("dataset")
        if asked:
            return next((item for item in self.datasets if dataset_value(item) == asked), None)
        return next(iter(self.datasets), None)

    def _typed(self, name: str) -> str:
        return self.data.get(name, self.defaults.get(name, ""))

    def _range(self) -> dict[str, str]:
        """Return From and To: as typed, or the whole dataset when they were proposed for another one."""
        is_proposed_for_another = self.data.get("range_of", self.range_of) != self.range_of
        if ("start" in self.data or "end" in self.data) and not is_proposed_for_another:
            return {name: self.data.get(name, "") for name in ("start", "end")}
        if self.dataset is None:
            return {"start": "", "end": ""}
        return {
            "start": moment(self.dataset.first_ns).date().isoformat(),
            "end": moment(self.dataset.last_ns).date().isoformat(),
        }

    def _field(self, name: str, label: str, value: str | None = None, **options: Any) -> FormField:
        return FormField(
            name,
            label,
            self._typed(name) if value is None else value,
            error=self.errors.get(name, ""),
            is_first_error=next(iter(self.errors), None) == name,
            **options,
        )

    def _place(self, name: str) -> str:
        """Return the field of the form beside which a message of the validator belongs."""
        if name in DATASET_FIELDS:
            return "dataset"
        return {"sizing": "sizing.value"}.get(name, name)

    def _worded(self, name: str, message: str) -> str:
        """Return the validator's message, in percent where the field is typed in percent."""
        if name not in PERCENT_FIELDS or (name == "sizing.value" and self._typed("sizing.kind") != "equity_fraction"):
            return message
        return PERCENT_FIELDS[name].format(typed=self._typed(name) + "%")
