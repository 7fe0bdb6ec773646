"""The form of a new backtest: its fields from the strategy's Params, its verdict from `resolve_backtest`.

The form validates nothing itself. It turns what was typed into the request that the API takes too, and puts each of the
validator's messages beside the field that it is about. What was typed is kept, right or wrong.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from algotrade.errors import SpecError
from algotrade.market.store import CandleStore, Dataset
from algotrade.resolve import Resolved, resolve_backtest
from algotrade.spec import BacktestSpec
from algotrade.strategies.base import Param
from algotrade.strategies.catalog import Catalog, StrategyInfo
from runs.figures import moment
from runs.typed import as_text, from_percent, typed_spec

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
"""What a fresh form proposes, as typed: percentages where a spec has fractions. Costs are proposed, not zero."""

PERCENT_FIELDS = {
    "commission": "Must be at least 0% and below 100%; it is {typed}.",
    "slippage_frac": "Must be at least 0% and below 100%; it is {typed}.",
    "margin_ratio": "Must be above 0% and at most 100%; it is {typed}.",
    "risk_free_rate": "Must be above -100% and at most 100%; it is {typed}.",
    "sizing.value": "Must be above 0% and at most 100%; it is {typed}.",
}
"""Fields that are typed in percent, with the validator's message said in percent."""


@dataclass(frozen=True, slots=True)
class FormField:
    """One input as the template draws it; `kind` names the control."""

    name: str
    label: str
    value: str
    kind: str = "number"
    error: str = ""
    unit: str = ""
    bounds: str = ""
    help: str = ""
    step: str = "any"
    low: str = ""
    high: str = ""
    choices: tuple[tuple[str, str], ...] = ()
    is_first_error: bool = False

    @property
    def id(self) -> str:
        """Return the control's element id: names of nested fields have dots, which selectors dislike."""
        return "field-" + self.name.replace(".", "-").replace("_", "-")


@dataclass
class BacktestForm:
    """What was typed, what it means, and what is wrong with it.

    Attributes:
        data: values by field name, as a browser sends them.
        catalog, store: what there is to choose from.
        errors: message by field name; empty until `resolve` was called.
    """

    data: Mapping[str, str]
    catalog: Catalog
    store: CandleStore
    errors: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Look up the choices once."""
        self.strategies: list[StrategyInfo] = self.catalog.all()
        self.datasets: list[Dataset] = self.store.datasets()
        self.strategy = self._strategy()
        self.dataset = self._dataset()

    @classmethod
    def from_spec(cls, spec: BacktestSpec, catalog: Catalog, store: CandleStore) -> "BacktestForm":
        """Return a form that asks for the same again."""
        return cls(typed_spec(spec, store), catalog, store)

    @property
    def has_other_parameters(self) -> bool:
        """Whether the strategy was changed without a script: then the sent parameters belong to another one."""
        return self.data.get("parameters_of", self._strategy_name) != self._strategy_name

    def resolve(self) -> Resolved | None:
        """Ask the validator; on a refusal the errors are set and None comes back."""
        self.errors = {}
        try:
            return resolve_backtest(self.request(), self.catalog, self.store)
        except SpecError as error:
            for name, message in error.fields.items():
                self.errors.setdefault(self._place(name), self._worded(name, message))
            return None

    def request(self) -> dict[str, Any]:
        """Return what was typed as the request that the API takes."""
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
        if not self.has_other_parameters:
            prefix = "parameters."
            request["parameters"] = {
                name.removeprefix(prefix): value for name, value in self.data.items() if name.startswith(prefix)
            }
        return request

    def parameter_fields(self) -> list[FormField]:
        """Return a field for each parameter of the strategy."""
        return [self._parameter_field(param) for param in (self.strategy.params if self.strategy else ())]

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
            self._field("close_at_end", "Close an open position at the end", kind="checkbox"),
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
            *self.parameter_fields(),
            *self.cost_fields(),
            *self.fill_fields(),
            *self.more_cost_fields(),
        ]

    def strategy_field(self) -> FormField:
        """Return the picker of strategies that can be run."""
        choices = tuple((info.name, info.title) for info in self.strategies if info.error is None)
        return self._field("strategy_name", "Strategy", self._strategy_name, kind="select", choices=choices)

    def dataset_field(self) -> FormField:
        """Return the picker of datasets."""
        choices = tuple((dataset_value(item), _dataset_words(item)) for item in self.datasets)
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
        return self.data.get(name, DEFAULTS.get(name, ""))

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

    def _parameter_field(self, param: Param) -> FormField:
        name = f"parameters.{param.name}"
        sent = None if self.has_other_parameters else self.data.get(name)
        kinds = {"int": "number", "float": "number", "choice": "select", "bool": "checkbox"}
        return self._field(
            name,
            param.name,
            as_text(param.default) if sent is None else sent,
            kind=kinds[param.kind],
            unit=param.unit or "",
            help=param.help or "",
            bounds=_bounds(param),
            step=as_text(param.step) if param.step and param.kind == "int" else "1" if param.kind == "int" else "any",
            low="" if param.low is None else as_text(param.low),
            high="" if param.high is None else as_text(param.high),
            choices=tuple((str(choice), str(choice)) for choice in param.choices or ()),
        )

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


def dataset_value(dataset: Dataset) -> str:
    """Return the value under which the picker sends a dataset."""
    return f"{dataset.asset}|{dataset.exchange}|{dataset.timeframe}"


def _dataset_words(dataset: Dataset) -> str:
    sample = ", sample (synthetic)" if dataset.synthetic else ""
    return f"{dataset.label} · {dataset.exchange}{sample}"


def _bounds(param: Param) -> str:
    """Return what a parameter accepts, in short: its kind, its least and its largest value."""
    if param.kind not in ("int", "float"):
        return ""
    if param.low is None and param.high is None:
        return param.kind
    low = "" if param.low is None else as_text(param.low)
    high = "" if param.high is None else as_text(param.high)
    return f"{param.kind} {low}\N{EN DASH}{high}"
