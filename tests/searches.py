"""Builders of optimizations for tests: rows in any state, trials with known metrics, batches as a child tells them."""

import base64
import itertools

import numpy as np

from algotrade.metrics.vector import METRIC_KEYS, PLACES
from runs.models import Run, RunKind, RunState, Trial
from runs.outcomes import Judge
from tests.builders import make_run

_numbers = itertools.count(1)
DATASET = {
    "asset": "SPY",
    "exchange": "NYSE",
    "timeframe": "1h",
    "start_ns": 1_262_304_000_000_000_000,
    "end_ns": 1_293_836_400_000_000_000,
    "total_bars": 1_000,
}
ACCOUNT = {
    "initial_cash": 10_000.0,
    "commission": 0.001,
    "fixed_fee": 0.0,
    "slippage_ticks": 0.0,
    "slippage_frac": 0.0,
    "fill": "next_open",
    "sizing": {"kind": "equity_fraction", "value": 1.0},
    "margin_ratio": 1.0,
    "close_at_end": False,
    "risk_free_rate": 0.0,
}
SPEC = {
    "strategy_name": "sma_cross",
    "datasets": [DATASET],
    "account": ACCOUNT,
    "axes": [["fast", [2, 4, 6, 8]], ["slow", [10, 20, 30, 40, 50]], ["side", ["long"]]],
    "rules": ["fast < slow"],
    "objective": "sharpe_ratio",
    "direction": "maximize",
    "method": "grid",
    "max_trials": None,
    "seed": 1,
    "filters": {},
}
INPUTS = {
    "source_hash": "5" * 64,
    "engine": "1",
    "datasets": [
        {"dataset_hash": "d" * 64, "instrument": {"tick_size": 0.01, "lot_size": 1.0, "currency": "USD"}},
    ],
}
TOTAL = 20
ERROR = {
    "type": "ZeroDivisionError",
    "message": "float division by zero",
    "trace": "Traceback ...",
    "detail": {"bar": 7, "parameters": {}, "frames": [{"file": "strategies/mine.py", "line": 9, "is_strategy": True}]},
}


def make_search(state=RunState.RUNNING, phase="running_trials", **fields):
    """Return a saved optimization of 4 x 5 combinations; a running one evaluates trials and has no owner."""
    spec = SPEC | fields.pop("spec", {})
    values = {
        "kind": RunKind.OPTIMIZATION,
        "spec": spec,
        "inputs": INPUTS,
        "total": TOTAL,
        "phase": phase,
        "owner": "",
        "attempt": int(state != RunState.PENDING),
        "sources": [INPUTS["source_hash"]],
    }
    return make_run(state, **(values | fields))


def vector(**metrics):
    """Return a metric vector in which these metrics have values and all others are undefined."""
    values = np.full(len(METRIC_KEYS), np.nan)
    for key, value in metrics.items():
        values[PLACES[key]] = value
    return values


def batch(trials):
    """Return a batch as the child tells it: by number a vector, or an error."""
    errors = {str(number): told for number, told in trials.items() if isinstance(told, dict)}
    vectors = [told.tobytes() for told in trials.values() if not isinstance(told, dict)]
    return {
        "numbers": list(trials),
        "combinations": list(trials),
        "milliseconds": [2.0] * len(trials),
        "vectors": base64.b64encode(b"".join(vectors)).decode(),
        "errors": errors,
    }


def rows(run, trials):
    """Return unsaved trials of `run`: by number a Sharpe ratio, or None for a failed one."""
    told = {
        n: ERROR if sharpe is None else vector(sharpe_ratio=sharpe, trades=10.0 + n) for n, sharpe in trials.items()
    }
    return Judge(run).rows(batch(told))


def table(run):
    """Return what a run's trials say, without what depends on who was quicker."""
    return list(
        Trial.objects.filter(run=run).order_by("number").values_list("number", "combination", "is_failed", "metrics")
    )


def fresh(run):
    """Return the row as it is now."""
    return Run.objects.get(pk=run.pk)
