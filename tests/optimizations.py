"""Builders of optimizations for tests: rows in any state, trials with known metrics, batches as a child tells them."""

import base64

import numpy as np

from algotrade.metrics.vector import METRIC_KEYS, PLACES
from algotrade.optimize.samplers import sampler_of
from algotrade.spec import OptimizationSpec
from runs.models import TRIALS_PHASE, Run, RunState, Trial
from runs.optimizations.scoring import TrialScorer
from tests.builders import INPUTS as BACKTEST_INPUTS
from tests.builders import SPEC as BACKTEST
from tests.builders import make_run

DATASET = {name: BACKTEST[name] for name in ("asset", "exchange", "timeframe", "start_ns", "end_ns")} | {
    "total_bars": 1_000
}
ACCOUNT = {name: value for name, value in BACKTEST.items() if name not in (*DATASET, "strategy_name", "parameters")} | {
    "slippage_ticks": 0.0
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
    "source_hash": BACKTEST_INPUTS["source_hash"],
    "engine": "1",
    "datasets": [{name: BACKTEST_INPUTS[name] for name in ("dataset_hash", "instrument")}],
}
TOTAL = 20
"""Combinations of SPEC; no pair breaks its rule."""
ERROR = {
    "type": "ZeroDivisionError",
    "message": "float division by zero",
    "trace": "Traceback ...",
    "detail": {"bar": 7, "parameters": {}, "frames": [{"file": "strategies/mine.py", "line": 9, "is_strategy": True}]},
}


def make_optimization(state=RunState.RUNNING, *, spec=None, **fields):
    """Return a saved optimization of 4 x 5 combinations; `spec` changes some of its spec's fields.

    A running one evaluates trials and has no owner.
    """
    asked = SPEC | (spec or {})
    values = {
        "kind": "optimization",
        "spec": asked,
        "inputs": INPUTS,
        "total": sampler_of(OptimizationSpec.from_dict(asked)).n_trials,
        "sources": [INPUTS["source_hash"]],
    }
    if state == RunState.RUNNING:
        values |= {"phase": TRIALS_PHASE, "owner": "", "attempt": 1}
    return make_run(state, **(values | fields))


def vector(**metrics):
    """Return a metric vector in which these metrics have values; all others, and those that are None, are undefined."""
    values = np.full(len(METRIC_KEYS), np.nan)
    for key, value in metrics.items():
        values[PLACES[key]] = np.nan if value is None else value
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
    return TrialScorer(run).rows(batch(told))


def table(run):
    """Return what a run's trials say, without what depends on who was quicker."""
    return list(
        Trial.objects.filter(run=run).order_by("number").values_list("number", "combination", "is_failed", "metrics")
    )


def fresh(run):
    """Return the row as it is now."""
    return Run.objects.get(pk=run.pk)
