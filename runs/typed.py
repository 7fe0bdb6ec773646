"""What a person types, and the values that it stands for: percentages for fractions, days for moments."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation

from algotrade.market.store import CandleStore
from algotrade.resolve import to_ns
from algotrade.spec import BacktestSpec
from runs.figures import moment


def typed_spec(spec: BacktestSpec, store: CandleStore) -> dict[str, str]:
    """Return a spec as a browser would send it."""
    data = {
        "strategy_name": spec.strategy_name,
        "dataset": f"{spec.asset}|{spec.exchange}|{spec.timeframe}",
        "fill": spec.fill,
        "sizing.kind": spec.sizing.kind,
        "sizing.value": as_text(spec.sizing.value),
        "close_at_end": as_text(spec.close_at_end),
        **{f"parameters.{name}": as_text(value) for name, value in spec.parameters.items()},
        **_typed_range(spec, store),
    }
    for name in ("initial_cash", "fixed_fee", "slippage_ticks"):
        data[name] = as_text(getattr(spec, name))
    for name in ("commission", "slippage_frac", "margin_ratio", "risk_free_rate"):
        data[name] = to_percent(getattr(spec, name))
    if spec.sizing.kind == "equity_fraction":
        data["sizing.value"] = to_percent(spec.sizing.value)
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


def plain(number: Decimal) -> str:
    """Return a number without exponent and without zeros at its end."""
    return f"{number.normalize():f}"


def to_percent(fraction: float) -> str:
    """Return a fraction as percent without a float's noise: 0.001 is "0.1"."""
    return plain(Decimal(repr(fraction)) * 100)


def from_percent(typed: str) -> str:
    """Return percent as a fraction, exactly; what is no number goes on as it is, for the validator to refuse."""
    try:
        return str(Decimal(typed.replace(",", "").strip()) / 100)
    except (InvalidOperation, ValueError):
        return typed
