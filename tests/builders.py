"""Builders of rows for tests: complete, valid, and changed by keyword."""

import itertools

from django.contrib.auth import get_user_model

from runs.models import Run, RunState

_numbers = itertools.count(1)
SPEC = {
    "strategy_name": "sma_cross",
    "asset": "SPY",
    "exchange": "NYSE",
    "timeframe": "1h",
    "start_ns": 1_262_304_000_000_000_000,
    "end_ns": 1_293_836_400_000_000_000,
    "parameters": {"fast": 10, "slow": 30, "side": "long"},
    "initial_cash": 10_000.0,
    "commission": 0.001,
    "fixed_fee": 0.0,
    "slippage_ticks": 1.0,
    "slippage_frac": 0.0,
    "fill": "next_open",
    "sizing": {"kind": "equity_fraction", "value": 1.0},
    "margin_ratio": 1.0,
    "close_at_end": False,
    "risk_free_rate": 0.0,
}
INPUTS = {
    "source_hash": "5" * 64,
    "dataset_hash": "d" * 64,
    "instrument": {"tick_size": 0.01, "lot_size": 1.0, "currency": "USD"},
    "engine": "1",
}
RESULT = {
    "metrics": {"total_return": 0.482, "sharpe_ratio": 2.41, "max_drawdown": -0.0891, "trades": 139},
    "reasons": {},
    "findings": [],
}
ERROR = {"type": "ValueError", "message": "no", "trace": "Traceback ...\nValueError: no", "detail": {"bar": 7}}


DOWNLOAD_SPEC = {
    "vendor": "ccxt",
    "exchange": "bitstamp",
    "asset": "BTC-USD",
    "timeframe": "1h",
    "start_ns": 1_577_836_800_000_000_000,
    "end_ns": 1_581_433_200_000_000_000,
}


def make_user(name=None, **fields):
    """Return a saved user."""
    return get_user_model().objects.create_user(username=name or f"user{next(_numbers)}", **fields)


def make_run(state=RunState.PENDING, **fields):
    """Return a saved run in `state`, with what such a run has; a running one is owned by 'owner'."""
    values = {
        "state": state,
        "run_key": f"{next(_numbers):064x}",
        "strategy_name": SPEC["strategy_name"],
        "asset": SPEC["asset"],
        "exchange": SPEC["exchange"],
        "timeframe": SPEC["timeframe"],
        "spec": SPEC,
        "inputs": INPUTS,
        "total": 1000,
    }
    if state == RunState.RUNNING:
        values |= {"owner": "owner", "attempt": 1, "phase": "running_backtest"}
    if "user" not in fields:
        values["user"] = make_user()
    return Run.objects.create(**(values | fields))


def make_download(state=RunState.PENDING, **fields):
    """Return a saved download of 1,000 hours in `state`."""
    spec = DOWNLOAD_SPEC | fields.pop("spec", {})
    names = {name: spec[name] for name in ("asset", "exchange", "timeframe")}
    inputs = {"library": "ccxt 1", "title": "Bitstamp", "base": None}
    values = {"kind": "download", "strategy_name": "", "spec": spec, "inputs": inputs, **names}
    return make_run(state, **values, **fields)
