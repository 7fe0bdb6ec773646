"""Scoring of trials: what a child tells of them becomes rows: metrics, objective, filters, errors."""

import base64
from collections.abc import Sequence
from typing import Any

import numpy as np
import structlog
from numpy.typing import NDArray

from algotrade.metrics.vector import METRIC_KEYS, PLACES, as_long_as_now
from algotrade.optimize.ranking import is_eligible, objective_of
from algotrade.ports import Json
from runs.display.traces import own_line
from runs.models import Run, Trial
from runs.models.optimization import HEADLINES
from runs.optimizations.plan import plan_of

log = structlog.get_logger(__name__)

TRACE_CHARACTERS = 16 * 1024
"""How much of a failed trial's traceback is kept: its end. Thousands of trials may fail."""


class TrialScorer:
    """Makes the rows of one optimization's trials."""

    def __init__(self, run: Run) -> None:
        """TrialScorer by the spec of `run`; what is judged was evaluated by its newest source."""
        self._run = run
        self._spec = plan_of(run).spec
        self._source = len(run.sources) - 1

    def rows(self, batch: Json) -> list[Trial]:
        """Return the rows of a batch, as algotrade.runner.trials tells it; each failed trial is a line in the log."""
        data = np.frombuffer(base64.b64decode(batch["vectors"]), dtype=np.float64)
        vectors = iter(data.reshape(-1, len(METRIC_KEYS)))
        errors = batch["errors"]
        evaluated = zip(batch["numbers"], batch["combinations"], batch["milliseconds"], strict=True)
        trials, completed = [], []
        for number, combination, milliseconds in evaluated:
            trial = self._new(number, combination, milliseconds)
            error = errors.get(str(number))
            if error is None:
                trial.metrics = next(vectors).tobytes()
                completed.append(trial)
            else:
                self._blame(trial, error)
            trials.append(trial)
        self._score(completed)
        return trials

    def failed(self, number: int, combination: int, error: Json) -> Trial:
        """Return the row of a trial that failed without a word of its own."""
        trial = self._new(number, combination, 0.0)
        self._blame(trial, error)
        return trial

    def copy_of(self, earlier: Trial, number: int, combination: int) -> Trial:
        """Return the row of a trial that an earlier run evaluated."""
        trial = self._new(number, combination, earlier.duration_ms)
        trial.metrics, trial.is_reused = as_long_as_now(bytes(earlier.metrics or b"")), True
        self._score([trial])
        return trial

    def _new(self, number: int, combination: int, milliseconds: float) -> Trial:
        return Trial(
            run=self._run,
            number=number,
            combination=combination,
            source=self._source,
            duration_ms=milliseconds,
        )

    def _score(self, trials: Sequence[Trial]) -> None:
        """Set objective, filters and headline metrics from the vectors."""
        if not trials:
            return
        vectors = np.frombuffer(b"".join(trial.metrics or b"" for trial in trials), dtype=np.float64)
        vectors = vectors.reshape(len(trials), len(METRIC_KEYS))
        objectives = objective_of(self._spec, vectors)
        keeps = is_eligible(self._spec.filters, vectors) & ~np.isnan(objectives)
        columns = {key: _nullable(vectors[:, PLACES[key]]) for key in HEADLINES}
        for row, (trial, objective, kept) in enumerate(zip(trials, _nullable(objectives), keeps.tolist(), strict=True)):
            trial.objective, trial.is_eligible = objective, kept
            for key, values in columns.items():
                setattr(trial, key, values[row])

    def _blame(self, trial: Trial, error: Json) -> None:
        trial.is_failed = True
        trial.error_type, trial.error_message = error["type"][:200], error["message"]
        trial.error_stack_trace = error["trace"][-TRACE_CHARACTERS:]
        trial.error_detail = error["detail"]
        trial.error_place = own_line(trial)[:200]
        log.warning(
            "trial failed",
            trial=trial.number + 1,
            error_type=trial.error_type,
            error_message=trial.error_message,
            place=trial.error_place,
        )


def _nullable(values: NDArray[np.float64]) -> list[Any]:
    return [None if value != value else value for value in values.tolist()]
