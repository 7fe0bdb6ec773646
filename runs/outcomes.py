"""From what a child tells of trials to their rows: metrics, objective, filters, errors."""

import base64
from collections.abc import Sequence
from typing import Any

import numpy as np
import structlog
from numpy.typing import NDArray

from algotrade.metrics.vector import METRIC_KEYS, PLACES
from algotrade.optimize.ranking import is_eligible, objective_of
from algotrade.ports import Json
from runs.models import Run, Trial
from runs.models.search import HEADLINES
from runs.searches import search_of

log = structlog.get_logger(__name__)

TRACE_CHARACTERS = 16 * 1024
"""How much of a failed trial's traceback is kept: its end. Thousands of trials may fail."""


class Judge:
    """Makes the rows of one optimization's trials."""

    def __init__(self, run: Run) -> None:
        """Judge by the spec of `run`; what is judged was evaluated by its newest source."""
        self._run = run
        self._spec = search_of(run).spec
        self._source = len(run.sources) - 1

    def rows(self, batch: Json) -> list[Trial]:
        """Return the rows of a batch, as algotrade.runner.trials tells it; each failed trial is a line in the log."""
        data = np.frombuffer(base64.b64decode(batch["vectors"]), dtype=np.float64)
        vectors = iter(data.reshape(-1, len(METRIC_KEYS)))
        errors = batch["errors"]
        told = zip(batch["numbers"], batch["combinations"], batch["milliseconds"], strict=True)
        trials, completed = [], []
        for number, combination, milliseconds in told:
            trial = self._new(number, combination, milliseconds)
            error = errors.get(str(number))
            if error is None:
                trial.metrics = next(vectors).tobytes()
                completed.append(trial)
            else:
                self._blame(trial, error)
            trials.append(trial)
        self._judge(completed)
        return trials

    def failed(self, number: int, combination: int, error: Json) -> Trial:
        """Return the row of a trial that failed without a word of its own."""
        trial = self._new(number, combination, 0.0)
        self._blame(trial, error)
        return trial

    def copy_of(self, earlier: Trial, number: int, combination: int) -> Trial:
        """Return the row of a trial that an earlier run evaluated."""
        trial = self._new(number, combination, earlier.duration_ms)
        trial.metrics, trial.is_reused = bytes(earlier.metrics or b""), True
        self._judge([trial])
        return trial

    def _new(self, number: int, combination: int, milliseconds: float) -> Trial:
        return Trial(
            run=self._run,
            number=number,
            combination=combination,
            source=self._source,
            duration_ms=milliseconds,
        )

    def _judge(self, trials: Sequence[Trial]) -> None:
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
        trial.error_place = place_of(error["detail"])
        log.warning(
            "trial failed",
            trial=trial.number + 1,
            error_type=trial.error_type,
            error_message=trial.error_message,
            place=trial.error_place,
        )


def place_of(detail: Json) -> str:
    """Return file and line of the strategy's innermost frame, such as rsi_reversal.py:31; empty when there is none."""
    own = [frame for frame in detail.get("frames") or () if frame.get("is_strategy")]
    return f"{str(own[-1]['file']).rpartition('/')[2]}:{own[-1]['line']}"[:200] if own else ""


def _nullable(values: NDArray[np.float64]) -> list[Any]:
    return [None if value != value else value for value in values.tolist()]
