"""Defaults of the strategy beside the best trial: how much the optimization gained."""

from threading import Lock

import numpy as np
from cachetools import LRUCache, cached

from algotrade.optimize.samplers import sampler_of
from algotrade.spec import DATASET_AXES, OptimizationInputs, ParamValue, run_key
from runs import artifacts
from runs.models import Run, Trial
from runs.optimizations.plan import Plan, key_of

MOST_KNOWN = 64
"""Answers kept in memory: which trial of an optimization has the defaults."""


def default_objective(run: Run, plan: Plan, best: Trial) -> float | None:
    """Return the objective of a backtest like `best`, of the same asset and timeframe, with the strategy's defaults.

    It is that of a trial of this optimization, or of a completed backtest of the same source and candles. None when
    neither is there, when it is undefined, and when the best trial is that one itself.
    """
    parameters = plan.parameters(best.combination)
    wanted = _defaults(run, parameters)
    if wanted is None or wanted == parameters:
        return None
    number = _number_of(run, plan, wanted)
    if number is not None:
        trial = run.trials.filter(number=number, is_failed=False).first()
        if trial is not None:
            return trial.objective
    return _of_backtest(run, plan, wanted)


def _defaults(run: Run, like: dict[str, ParamValue]) -> dict[str, ParamValue] | None:
    """Return the parameters with the defaults of the newest source; asset and timeframe stay. None: it is not known."""
    info = artifacts.catalog().described(run.strategy_name, run.sources[-1]) if run.sources else None
    if info is None or info.error is not None:
        return None
    defaults: dict[str, ParamValue] = {param.name: param.default for param in info.params}
    return {name: value if name in DATASET_AXES else defaults.get(name, value) for name, value in like.items()}


def _question_of(run: Run, _plan: Plan, wanted: dict[str, ParamValue]) -> tuple[int, str, str]:
    return *key_of(run), repr(sorted(wanted.items()))


@cached(LRUCache[tuple[int, str, str], int | None](MOST_KNOWN), key=_question_of, lock=Lock())
def _number_of(run: Run, plan: Plan, wanted: dict[str, ParamValue]) -> int | None:
    """Return the number of the trial with these parameters; looked for once, for a page asks at each step."""
    combination = plan.space.index(wanted)
    everyone = sampler_of(plan.spec).combinations(0, run.total if combination is not None else 0)
    found = np.flatnonzero(everyone == combination)
    return int(found[0]) if len(found) else None


def _of_backtest(run: Run, plan: Plan, wanted: dict[str, ParamValue]) -> float | None:
    spec, dataset = plan.spec.backtest(wanted)
    inputs = OptimizationInputs.from_dict({**run.inputs, "source_hash": run.sources[-1]}).of_dataset(dataset)
    found = Run.objects.identical_completed(run_key(spec, inputs))
    value = ((found.result or {}).get("metrics") or {}).get(plan.spec.objective) if found else None
    return None if value is None else float(value)
