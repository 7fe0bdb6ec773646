"""Evaluation of an optimization before it starts: how much work, how long, how large, and what looks odd."""

from collections.abc import Mapping
from typing import Any, Self

from pydantic import BaseModel, Field

from algotrade.resolve import ResolvedOptimization
from runs.optimizations.estimate import evaluate

SECONDS_TO_MEASURE = 10.0
"""How long a program waits for a strategy's speed to be measured; the page shows it when it is there."""


class Evaluation(BaseModel):
    """What a submission would be."""

    total: int = Field(description="Combinations of all axes.")
    excluded: int = Field(description="Combinations that a rule or max_trials leaves out.")
    trials: int = Field(description="Trials that would be evaluated.")
    known: int = Field(description="Trials whose result an earlier optimization has.")
    bars_per_trial: int
    estimated_seconds: float | None = Field(description="Null while the speed is unknown.")
    estimated_memory_bytes: int
    warnings: list[str]

    @classmethod
    def of(cls, resolved: ResolvedOptimization, request: Mapping[str, Any]) -> Self:
        """Return the figures of a submission that passed the validator.

        Args:
            resolved: the submission.
            request: as it was sent.
        """
        found = evaluate(resolved, wait_seconds=SECONDS_TO_MEASURE)
        return cls(
            total=found.total,
            excluded=found.excluded,
            trials=found.trials,
            known=found.known,
            bars_per_trial=found.bars_per_trial,
            estimated_seconds=found.seconds,
            estimated_memory_bytes=found.memory_bytes,
            warnings=[*_about_axes(resolved, request), *found.warnings],
        )


def _about_axes(resolved: ResolvedOptimization, request: Mapping[str, Any]) -> list[str]:
    """Return what is allowed in the axes as they were sent, and may still not be meant."""
    given = request.get("axes") or {}
    found = []
    for name, values in resolved.spec.axes.items():
        asked = given.get(name)
        if asked is None:
            found.append(f"{name} has no axis and takes its default, {values[0]}.")
        elif asked.get("max") is not None and float(asked["max"]) != float(values[-1]):
            found.append(f"{name} ends at {values[-1]}: its steps do not reach {asked['max']}.")
    return found
