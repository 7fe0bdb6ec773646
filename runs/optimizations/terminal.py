"""An optimization's outcome for a terminal: the best trials as a table, failures in groups, and all of it as JSON."""

from typing import Any

from django.db.models import F

from algotrade.metrics import METRICS
from algotrade.optimize.ranking import ranking_condition
from runs.backtests.terminal import costs
from runs.display.form_values import as_text
from runs.models import Run, RunState, Trial
from runs.optimizations.plan import metrics_of, plan_of
from runs.optimizations.trials import failure_groups
from runs.templatetags import numbers

SHOWN = 10
COLUMNS = ("total_return", "sharpe_ratio", "max_drawdown", "profit_factor", "win_rate", "trades")
FORMATS = {"fraction": numbers.percent, "ratio": numbers.ratio, "money": numbers.money, "count": numbers.count}


def standing(run: Run) -> str:
    """Return the best objective so far and how many trials failed, in few words."""
    best = "" if run.best_value is None else f"best {run.best_value:.4g}"
    failed = f"{run.failed:,} failed" if run.failed else ""
    return ", ".join(part for part in (best, failed) if part)


def best_trials(run: Run) -> list[Trial]:
    """Return the best trials, the best one first; of equals the earlier one."""
    order = F("objective").desc() if plan_of(run).spec.direction == "maximize" else F("objective").asc()
    return list(run.trials.filter(is_eligible=True).order_by(order, "number")[:SHOWN])


def failures(run: Run) -> list[dict[str, Any]]:
    """Return the failed trials, those alike as one: type, place, message and number of the first, and how many."""
    return [
        {
            "error_type": group.error_type,
            "error_place": group.place,
            "count": group.count,
            "first": group.trial.number + 1,
            "message": group.message,
        }
        for group in failure_groups(run)[:SHOWN]
    ]


def facts(run: Run) -> dict[str, Any]:
    """Return the outcome as JSON types."""
    return {
        "id": str(run.id),
        "number": run.number,
        "status": run.state,
        "total_combinations": run.total,
        "completed_combinations": run.completed_trials,
        "failed_combinations": run.failed,
        "reused_combinations": run.reused,
        "is_partial": run.is_partial,
        "error_message": run.error_message,
        "result": run.result,
        "trials": [
            {
                "number": trial.number + 1,
                "parameters": plan_of(run).parameters(trial.combination),
                "objective": trial.objective,
                "metrics": metrics_of(trial),
            }
            for trial in best_trials(run)
        ],
        "failures": failures(run),
    }


def headline(run: Run) -> str:
    """Return one line about how it stands, with its best trial."""
    took = "" if run.elapsed_seconds is None else f" in {numbers.duration(run.elapsed_seconds)}"
    state = f"{run.get_state_display().lower()}, {run.processed:,} of {run.total:,} trials{took}"
    best = run.find_best_trial()
    if best is None:
        return f"{state}."
    plan = plan_of(run)
    parameters = plan.parameters(best.combination)
    where = ", ".join(f"{name} {as_text(parameters[name])}" for name in plan.varied)
    objective = METRICS[plan.spec.objective]
    return f"{state}: best {objective.label} {_shown(objective.key, best.objective)}{f' at {where}' if where else ''}."


def lines(run: Run) -> list[str]:
    """Return the outcome as people read it."""
    output = [f"{run}: {headline(run)}", costs(run.spec["account"])]
    if run.reused:
        output.append(f"{run.reused:,} trials were reused from earlier runs.")
    if run.state == RunState.FAILED:
        output.append(run.error_message or "")
    trials = best_trials(run)
    if trials:
        output += ["", *_table(run, trials)]
    elif run.completed_trials:
        spec = plan_of(run).spec
        output.append(f"No trial {ranking_condition(spec.objective, spec.filters)}.")
    if run.failed:
        output += ["", f"{run.failed:,} trial{'s' if run.failed > 1 else ''} failed:"]
        output += [_failure(one) for one in failures(run)]
    return output


def _failure(one: dict[str, Any]) -> str:
    place = f" at {one['error_place']}" if one["error_place"] else ""
    first = one["message"].splitlines()[0] if one["message"] else ""
    return f"  {one['count']:,} x {one['error_type']}{place}: {first} (first: trial {one['first']:,})"


def _table(run: Run, trials: list[Trial]) -> list[str]:
    plan = plan_of(run)
    objective = plan.spec.objective
    metrics = [objective, *(key for key in COLUMNS if key != objective)]
    head = ["Trial", *plan.varied, *(METRICS[key].label for key in metrics)]
    rows = [head]
    for trial in trials:
        parameters, values = plan.parameters(trial.combination), metrics_of(trial) or {}
        rows.append(
            [
                f"{trial.number + 1:,}",
                *(as_text(parameters[name]) for name in plan.varied),
                *(_shown(key, values.get(key)) for key in metrics),
            ]
        )
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    return ["  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]


def _shown(key: str, value: float | None) -> str:
    return FORMATS.get(METRICS[key].unit, numbers.quantity)(value)
