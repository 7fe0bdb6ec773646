"""The form of a new backtest: its fields from the strategy's Params, its verdict from `resolve_backtest`."""

from typing import Any

from algotrade.errors import SpecError
from algotrade.market.store import CandleStore
from algotrade.resolve import Resolved, resolve_backtest
from algotrade.spec import BacktestSpec
from algotrade.strategies.base import Param
from algotrade.strategies.catalog import Catalog
from runs.forms.account import AccountForm
from runs.forms.fields import FormField, bounds_of
from runs.typed import as_text, typed_spec


class BacktestForm(AccountForm):
    """One value for each parameter."""

    @classmethod
    def from_spec(cls, spec: BacktestSpec, catalog: Catalog, store: CandleStore) -> "BacktestForm":
        """Return a form that asks for the same again."""
        return cls(typed_spec(spec, store), catalog, store)

    def resolve(self) -> Resolved | None:
        """Ask the validator; on a refusal the errors are set and None comes back."""
        self.errors = {}
        try:
            return resolve_backtest(self.request(), self.catalog, self.store)
        except SpecError as error:
            self.note(error)
            return None

    def request(self) -> dict[str, Any]:
        """Return what was typed as the request that the API takes."""
        request = self.account_request()
        if not self.has_other_parameters:
            prefix = "parameters."
            request["parameters"] = {
                name.removeprefix(prefix): value for name, value in self.data.items() if name.startswith(prefix)
            }
        return request

    def own_fields(self) -> list[FormField]:
        """Return the fields that only a backtest has."""
        return self.parameter_fields()

    def parameter_fields(self) -> list[FormField]:
        """Return a field for each parameter of the strategy."""
        return [self._parameter_field(param) for param in (self.strategy.params if self.strategy else ())]

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
            bounds=bounds_of(param),
            step=as_text(param.step) if param.step and param.kind == "int" else "1" if param.kind == "int" else "any",
            low="" if param.low is None else as_text(param.low),
            high="" if param.high is None else as_text(param.high),
            choices=tuple((str(choice), str(choice)) for choice in param.choices or ()),
        )
