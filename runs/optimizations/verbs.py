"""Verbs that only an optimization has: retry its failed trials, repeat a trial as a backtest of its own."""

from django.contrib.auth.models import AbstractBaseUser

from algotrade.errors import SpecError, StrategyError
from algotrade.spec import DATASET_AXES, OptimizationInputs, run_key
from runs import artifacts
from runs.actions.verbs import begin_again
from runs.models import IllegalTransition, Run, RunState, Trial
from runs.optimizations.plan import pinned_backtest, plan_of


def retry_failed(run: Run) -> None:
    """Run the failed trials of an ended optimization again, with the strategy as it is now.

    Raises:
        IllegalTransition: nothing failed, it is in another state, the strategy no longer takes its parameters, or an
            identical run is active.
    """
    if run.state not in (RunState.COMPLETED, RunState.FAILED):
        raise IllegalTransition(f"{run} is {run.state}; only the failed trials of a completed or failed one run again.")
    if not run.failed:
        raise IllegalTransition(f"No trial of {run} failed.")
    source_hash = _source_now(run)
    inputs = OptimizationInputs.from_dict({**run.inputs, "source_hash": source_hash})
    spec = plan_of(run).spec
    is_new = source_hash != run.sources[-1]
    sources = [*run.sources, source_hash] if is_new else run.sources
    how = f"the strategy as it is now ({source_hash[:7]})" if is_new else "the strategy unchanged"
    trials = "trial runs" if run.failed == 1 else "trials run"
    began = begin_again(
        run,
        lambda: run.mark_retrying(
            inputs=inputs.to_dict(),
            run_key=run_key(spec, inputs),
            sources=sources,
            notice=f"{run.failed:,} failed {trials} again, with {how}.",
        ),
    )
    if not began:
        run.refresh_from_db()
        raise IllegalTransition(f"{run} is {run.state} now.")
    if is_new:
        run.remember_families(spec, inputs)


def repeat(trial: Trial, user: AbstractBaseUser) -> tuple[Run, bool]:
    """Run a trial again as a backtest of its own, with the very source and candles that it had.

    Returns:
        The backtest, and whether it was there already (active, or completed or failed before as a repetition).

    Raises:
        IllegalTransition: the candles are not there any more.
    """
    pinned = pinned_backtest(trial)
    before = Run.objects.filter(run_key=pinned.run_key, state__in=(RunState.COMPLETED, RunState.FAILED))
    known = before.order_by("-number").first()
    if known is not None:
        return known, True
    try:
        return Run.objects.submit(pinned, user, repeats=trial)
    except SpecError as error:
        raise IllegalTransition(str(error)) from error


def _source_now(run: Run) -> str:
    """Return the hash of the strategy as it is now.

    Raises:
        IllegalTransition: it is gone or broken, or its parameters are others now.
    """
    try:
        info = artifacts.catalog().get(run.strategy_name)
    except StrategyError as error:
        raise IllegalTransition(str(error)) from None
    spec = plan_of(run).spec
    known = {param.name: param for param in info.params}
    try:
        for name, values in spec.axes.items():
            for value in values if name in known or name not in DATASET_AXES else ():
                known[name].parse(value)
    except (KeyError, ValueError) as error:
        raise IllegalTransition(f"The strategy no longer takes these parameters: {error}.") from None
    if set(known) - set(spec.axes):
        missing = ", ".join(sorted(set(known) - set(spec.axes)))
        raise IllegalTransition(f"The strategy has new parameters: {missing}.")
    return str(info.source_hash)
