"""The form of a new backtest: its fields from the strategy's Params, its verdict from `resolve_backtest`."""

from typing import Any

from django import forms

from algotrade.resolve import Resolved, resolve_backtest
from algotrade.strategies.base import Param
from runs.backtests.account_form import AccountForm
from runs.display.fields import PlainField, bounds_of, number_input
from runs.display.form_values import as_typed

PREFIX = "parameters."


class BacktestForm(AccountForm):
    """One value for each parameter."""

    fields_route = "backtest_fields"
    resolved: Resolved

    def check(self) -> None:
        """Ask the validator.

        Raises:
            SpecError: something is wrong.
        """
        self.resolved = resolve_backtest(self.request(), self.catalog, self.store)

    def request(self) -> dict[str, Any]:
        """Return what was typed as the request that the API takes; parameters that there are not are refused there."""
        sent = {name: self.cleaned_data.get(name, self.data.get(name)) for name in (*self.data, *self.parameter_names)}
        named = {name.removeprefix(PREFIX): value for name, value in sent.items() if name.startswith(PREFIX)}
        return super().request() | {"parameters": named}

    def _parameter_fields(self) -> dict[str, PlainField]:
        params = self.strategy.params if self.strategy else ()
        return {PREFIX + param.name: _parameter_field(param) for param in params}


def _parameter_field(param: Param) -> PlainField:
    return PlainField(
        param.name,
        _control(param),
        initial=as_typed(param.default),
        unit=param.unit or "",
        help=param.help or "",
        bounds=bounds_of(param),
        is_wide=param.kind == "bool",
    )


def _control(param: Param) -> forms.Widget:
    """Return the control of a parameter's kind."""
    if param.kind == "bool":
        return forms.CheckboxInput()
    if param.kind == "choice":
        return forms.Select(choices=[(choice, choice) for choice in param.choices])
    return number_input(is_whole=param.kind == "int")
