"""What people may do with a run that is there: which verbs its state allows, and doing them.

Pages, lists and API all come here. A verb that the state does not allow raises IllegalTransition, whose message says
why: a 409.
"""

from collections.abc import Callable

from django.contrib.auth.models import AbstractBaseUser
from django.db import IntegrityError

from algotrade.errors import SpecError, StrategyError
from algotrade.spec import DATASET_AXES, OptimizationInputs, run_key
from runs import artifacts
from runs.models import TRIALS_PHASE, IllegalTransition, Run, RunKind, RunState, Trial
from runs.searches import pinned_backtest, search_of


def is_hopeless(run: Run) -> bool:
    """Tell whether every trial has failed: there is nothing to resume, only to run again with a mended strategy."""
    return run.state == RunState.FAILED and 0 < run.failed == run.processed >= run.total


def _not_to_finish(run: Run) -> str:
    is_at_trials = run.is_optimization and run.state == RunState.RUNNING and run.phase == TRIALS_PHASE
    if not is_at_trials:
        return "runs no trials now"
    return "finishes already" if run.finish_requested else ""


def _not_to_resume(run: Run) -> str:
    if run.kind == RunKind.BACKTEST:
        return "a backtest starts again from its first bar; run it again"
    if run.state not in (RunState.CANCELLED, RunState.FAILED):
        return "neither cancelled nor failed"
    return "every trial of it failed; retry them" if is_hopeless(run) else ""


def _not_to_retry(run: Run) -> str:
    if not run.is_optimization or run.state not in (RunState.COMPLETED, RunState.FAILED):
        return "no optimization that has come to its end"
    return "" if run.failed else "no trial of it failed"


_REFUSALS: dict[str, Callable[[Run], str]] = {
    "cancel": lambda run: "" if run.is_active else "had ended already",
    "finish": _not_to_finish,
    "resume": _not_to_resume,
    "retry": _not_to_retry,
    "delete": lambda run: "" if run.is_terminal else "still active; cancel first",
    "again": lambda run: "" if run.is_terminal and not run.is_download else "has not ended",
}


def refusal(run: Run, verb: str) -> str:
    """Return why the run's state does not allow a verb; empty when it does.

    Args:
        run: the run.
        verb: cancel, finish, resume, retry, delete or again.
    """
    return _REFUSALS[verb](run)


def verbs_of(run: Run) -> list[str]:
    """Return what may be done with the run in its state, whoever asks."""
    return [verb for verb in _REFUSALS if not refusal(run, verb)]


def finish(run: Run) -> None:
    """Let a running optimization begin no further trial, and report what it has.

    Raises:
        IllegalTransition: it evaluates no trials now.
    """
    if not run.request_finish():
        run.refresh_from_db()
        raise IllegalTransition(f"{run} is {run.state}; only one that is running trials can be finished early.")


def resume(run: Run) -> None:
    """Go on with a cancelled or failed optimization or download: only what is missing is done.

    Raises:
        IllegalTransition: it is in another state, or an identical run is active.
    """
    if not _begin(run, run.mark_resumed):
        run.refresh_from_db()
        raise IllegalTransition(
            f"{run} is {run.state}; only a cancelled or failed {run.get_kind_display().lower()} can be resumed."
        )


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
    spec = search_of(run).spec
    is_new = source_hash != run.sources[-1]
    sources = [*run.sources, source_hash] if is_new else run.sources
    how = f"the strategy as it is now ({source_hash[:7]})" if is_new else "the strategy unchanged"
    trials = "trial runs" if run.failed == 1 else "trials run"
    began = _begin(
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
        raise IllegalTransition(f"{run} is {run.state} by now.")
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


def _begin(run: Run, transition: Callable[[], bool]) -> bool:
    try:
        return transition()
    except IntegrityError:
        twin = Run.objects.active().filter(run_key=run.run_key).exclude(pk=run.pk).first()
        raise IllegalTransition(f"{twin or 'Another run'} is active and asks for the same; wait for it.") from None


def _source_now(run: Run) -> str:
    """Return the hash of the strategy as it is now.

    Raises:
        IllegalTransition: it is gone or broken, or its parameters are others now.
    """
    try:
        info = artifacts.catalog().get(run.strategy_name)
    except StrategyError as error:
        raise IllegalTransition(str(error)) from None
    spec = search_of(run).spec
    known = {param.name: param for param in info.params}
    try:
        for name, values in spec.axes.items():
            for value in values if name in known or name not in DATASET_AXES else ():
                known[name].parse(value)
    except (KeyError, ValueError) as error:
        raise IllegalTransition(f"The strategy takes other parameters now: {error}.") from None
    if set(known) - set(spec.axes):
        missing = ", ".join(sorted(set(known) - set(spec.axes)))
        raise IllegalTransition(f"The strategy has further parameters now: {missing}.")
    return str(info.source_hash)
