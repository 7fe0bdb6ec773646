"""What a search has gained: its best trial beside a backtest with the strategy's own defaults, where one is known."""

from collections import OrderedDict

import numpy as np

from algotrade.spec import DATASET_AXES, OptimizationInputs, ParamValue, run_key
from runs import artifacts
from runs.models import Run, Trial
from runs.searches import Search, sampler, search_of

MOST_KNOWN = 64
"""Searches for which it is kept which of their trials has the defaults."""

_numbers: OrderedDict[tuple[int, str, str], int | None] = OrderedDict()


def default_objective(run: Run, best: Trial) -> float | None:
    """Return the objective of a backtest like `best`, of the same asset and timeframe, with the strategy's defaults.

    It is that of a trial of this search, or of a completed backtest of the same source and candles. None when neither
    is there, when it is undefined, and when the best trial is that one itself.
    """
    search = search_of(run)
    parameters = search.parameters(best.combination)
    wanted = _defaults(run, parameters)
    if wanted is None or wanted == parameters:
        return None
    number = _number_of(run, search, wanted)
    if number is not None:
        trial = run.trials.filter(number=number, is_failed=False).first()
        if trial is not None:
            return trial.objective
    return _of_backtest(run, search, wanted)


def _defaults(run: Run, like: dict[str, ParamValue]) -> dict[str, ParamValue] | None:
    """Return the parameters with the defaults of the newest source; asset and timeframe stay. None: it is not known."""
    info = artifacts.catalog().described(run.strategy_name, run.sources[-1]) if run.sources else None
    if info is None or info.error is not None:
        return None
    defaults: dict[str, ParamValue] = {param.name: param.default for param in info.params}
    return {name: value if name in DATASET_AXES else defaults.get(name, value) for name, value in like.items()}


def _number_of(run: Run, search: Search, wanted: dict[str, ParamValue]) -> int | None:
    """Return the number of the trial with these parameters; looked for once, for a page asks at each step."""
    key = (run.pk, str(run.id), repr(sorted(wanted.items())))
    if key not in _numbers:
        combination = search.space.index(wanted)
        everyone = sampler(run).combinations(0, run.total if combination is not None else 0)
        found = np.flatnonzero(everyone == combination)
        _numbers[key] = int(found[0]) if len(found) else None
        while len(_numbers) > MOST_KNOWN:
            _numbers.popitem(last=False)
    return _numbers[key]


def _of_backtest(run: Run, search: Search, wanted: dict[str, ParamValue]) -> float | None:
    spec, dataset = search.spec.backtest(wanted)
    inputs = OptimizationInputs.from_dict({**run.inputs, "source_hash": run.sources[-1]}).of_dataset(dataset)
    found = Run.objects.identical_completed(run_key(spec, inputs))
    value = ((found.result or {}).get("metrics") or {}).get(search.spec.objective) if found else None
    return None if value is None else float(value)
