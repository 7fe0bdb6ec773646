"""Builders of the trials of an optimization of three parameters, without running any."""

from algotrade.optimize.samplers import sampler_of
from algotrade.spec import OptimizationSpec
from runs.models import Run, RunState, Trial
from runs.models.optimization import HEADLINES
from tests import optimizations

AXES = [["fast", [5, 10, 15, 20]], ["slow", [10, 20, 30]], ["side", ["long", "both"]]]
ACCOUNT = optimizations.ACCOUNT | {"slippage_ticks": 1.0}
FAILURE = {
    "error_type": "ZeroDivisionError",
    "error_message": "division by zero",
    "error_place": "sma_cross.py:31",
    "error_stack_trace": "Traceback ...\nZeroDivisionError: division by zero",
    "error_detail": {"bar": 41, "parameters": {"fast": 5}, "frames": []},
}


def make_optimization(state=RunState.RUNNING, *, spec=None, **fields):
    """Return a saved optimization of three parameters; `spec` changes some of its spec's fields."""
    return optimizations.make_optimization(state, spec={"axes": AXES, "account": ACCOUNT} | (spec or {}), **fields)


def make_trial(run, number, metrics=None, *, rev=1, **fields):
    """Return an unsaved trial that completed with `metrics`, or failed when there are none."""
    values = {"run": run, "number": number, "rev": rev, "is_failed": metrics is None}
    values["combination"] = int(sampler_of(OptimizationSpec.from_dict(run.spec)).combinations(number, 1)[0])
    if metrics is None:
        return Trial(**(values | FAILURE | fields))
    objective = metrics.get(run.spec["objective"])
    values |= {key: metrics.get(key) for key in HEADLINES}
    values |= {
        "objective": objective,
        "is_eligible": objective is not None,
        "metrics": optimizations.vector(**metrics).tobytes(),
    }
    return Trial(**(values | fields))


def add_trials(run, trials):
    """Store trials and count them, as the commit of a chunk does; return the run as it is then."""
    Trial.objects.bulk_create(trials)
    sign = -1 if run.spec["direction"] == "maximize" else 1
    mine = run.trials.all()
    ranked = sorted((sign * t.objective, t.number) for t in mine if t.is_eligible and t.objective is not None)
    best = mine.get(number=ranked[0][1]) if ranked else None
    Run.objects.filter(pk=run.pk).update(
        processed=mine.count(),
        failed=mine.filter(is_failed=True).count(),
        rev=max([run.rev, *(trial.rev for trial in trials)]),
        best_trial=best and best.number,
        best_value=best and best.objective,
    )
    run.refresh_from_db()
    return run


def sharpes(run, values, *, first=0, rev=1):
    """Add trials with these Sharpe ratios from number `first` on; None stands for a failed one."""
    trials = [
        make_trial(
            run, first + n, None if value is None else {"sharpe_ratio": value, "trades": 10 * (first + n)}, rev=rev
        )
        for n, value in enumerate(values)
    ]
    return add_trials(run, trials)
