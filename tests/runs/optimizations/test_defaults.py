"""The best trial beside the strategy's defaults: fast 10, slow 30, side both."""

import pytest

from algotrade.spec import BacktestSpec, OptimizationInputs, OptimizationSpec, run_key
from runs.models import RunState
from runs.optimizations.defaults import default_objective
from runs.optimizations.plan import plan_of
from tests.builders import RESULT, make_run
from tests.runs.trials import add_trials, make_optimization, make_trial

DEFAULTS = {"fast": 10, "slow": 30, "side": "both"}
pytestmark = pytest.mark.usefixtures("site")


def trial_with(run, parameters, sharpe):
    """Return the unsaved trial that has these parameters."""
    optimization = plan_of(run)
    wanted = optimization.space.index(parameters)
    number = next(n for n in range(run.total) if make_trial(run, n).combination == wanted)
    return make_trial(run, number, None if sharpe is None else {"sharpe_ratio": sharpe, "trades": 40.0})


def optimized(user, default, **fields):
    """Return an optimization whose best trial has 2.0, its plan and that trial; the defaults have another value."""
    run = make_optimization(user=user, **fields)
    best = trial_with(run, {"fast": 5, "slow": 10, "side": "long"}, 2.0)
    run = add_trials(run, [best, *([trial_with(run, DEFAULTS, default)] if default else [])])
    return run, plan_of(run), run.find_best_trial()


def test_default_is_a_trial_of_the_optimization(user):
    assert default_objective(*optimized(user, 1.5)) == 1.5


def test_default_that_was_not_evaluated_yet_is_not_known(user):
    assert default_objective(*optimized(user, None)) is None


def test_best_trial_with_the_defaults_has_gained_nothing_to_tell(user):
    run = make_optimization(user=user)
    run = add_trials(run, [trial_with(run, DEFAULTS, 1.0)])
    assert default_objective(run, plan_of(run), run.find_best_trial()) is None


def test_default_outside_of_the_optimization_is_a_completed_backtest(user):
    axes = [["fast", [5, 6]], ["slow", [10, 20]], ["side", ["long", "both"]]]
    run, plan, best = optimized(user, None, spec={"axes": axes})
    spec, _ = OptimizationSpec.from_dict(run.spec).backtest(DEFAULTS)
    inputs = OptimizationInputs.from_dict(run.inputs).of_dataset(0)
    assert default_objective(run, plan, best) is None
    make_run(RunState.COMPLETED, run_key=run_key(BacktestSpec.from_dict(spec.to_dict()), inputs), result=RESULT)
    assert default_objective(run, plan, best) == RESULT["metrics"]["sharpe_ratio"]


def test_page_tells_the_gain_over_the_defaults(site, user):
    run, *_ = optimized(user, 1.37)
    assert "+0.63 vs defaults" in site.get(f"/optimizations/{run.id}").content.decode().replace("\n", "")
