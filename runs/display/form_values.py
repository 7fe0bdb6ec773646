"""Form values: what a person types and what it stands for: percentages for fractions, days for moments."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from algotrade.account import ACCOUNT_FIELDS, Account
from algotrade.market.store import CandleStore
from algotrade.resolve import to_ns
from algotrade.spec import BacktestSpec
from algotrade.text_values import point_number
from runs.display.figures import moment


def typed_spec(spec: BacktestSpec, store: CandleStore) -> dict[str, Any]:
    """Return a spec as forms begin with it: text as people type it, and truth values."""
    return {
        "strategy_name": spec.strategy_name,
        "dataset": f"{spec.asset}|{spec.exchange}|{spec.timeframe}",
        **typed_account(spec),
        **{f"parameters.{name}": as_typed(value) for name, value in spec.parameters.items()},
        **_typed_range(spec, store),
    }


def typed_account(account: Account) -> dict[str, Any]:
    """Return an account as forms begin with it."""
    data: dict[str, Any] = {}
    for declared in ACCOUNT_FIELDS:
        name, value = declared.name, getattr(account, declared.name)
        if declared.kind == "sizing":
            is_share = value.kind == "equity_fraction"
            data[f"{name}.kind"] = value.kind
            data[f"{name}.value"] = to_percent(value.value) if is_share else as_text(value.value)
        else:
            data[name] = to_percent(value) if declared.is_percent else as_typed(value)
    return data


def _typed_range(spec: BacktestSpec, store: CandleStore) -> dict[str, str]:
    """Return the range as days where whole days mean the same bars, else with the time of day."""
    start, end = moment(spec.start_ns), moment(spec.end_ns)
    known = [item for item in store.datasets() if (item.asset, item.exchange, item.timeframe) == _names(spec)]
    if known:
        times = store.load(known[0])
        midnight = datetime(start.year, start.month, start.day, tzinfo=UTC)
        next_midnight = datetime(end.year, end.month, end.day, tzinfo=UTC) + timedelta(days=1)
        first, last = times.between(spec.start_ns, spec.end_ns)
        if times.between(to_ns(midnight), to_ns(next_midnight) - 1) == (first, last):
            return {"start": start.date().isoformat(), "end": end.date().isoformat()}
    return {"start": start.strftime("%Y-%m-%dT%H:%M:%S"), "end": end.strftime("%Y-%m-%dT%H:%M:%S")}


def _names(spec: BacktestSpec) -> tuple[str, str, str]:
    return spec.asset, spec.exchange, spec.timeframe


def as_text(value: object) -> str:
    """Return a value as a browser sends it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:.15g}" if isinstance(value, float) else str(value)


def as_typed(value: object) -> str | bool:
    """Return a value as forms begin with it: a box has a truth value, everything else a text."""
    return value if isinstance(value, bool) else as_text(value)


def plain(number: Decimal) -> str:
    """Return a number without exponent and without zeros at its end."""
    return f"{number.normalize():f}"


def to_percent(fraction: float) -> str:
    """Return a fraction as percent without a float's noise: 0.001 is "0.1"."""
    return plain(Decimal(repr(fraction)) * 100)


def from_percent(typed: str) -> str:
    """Return percent as a fraction, exactly; what is no number goes on as it is, for the validator to refuse."""
    plain = point_number(typed)
    return typed if plain is None else str(Decimal(plain) / 100)
