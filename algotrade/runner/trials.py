"""The jobs of an optimization: prepare it once, then evaluate trials.

Results leave in batches, a few a second: numbers and combinations as lists, the metrics of all completed trials as one
block of float64 in base64, errors one by one. A trial that fails ends nothing.
"""

import base64
import importlib
import time
from pathlib import Path
from typing import Any

from algotrade.errors import RunCancelled
from algotrade.ports import Json, StrideView
from algotrade.runner.pipe import Pipe
from algotrade.runner.sources import failure, forget, load_strategy

SECONDS_BETWEEN_BATCHES = 0.2


class Trials:
    """Evaluates trials of one optimization after the other; what trials share is kept between two jobs."""

    def __init__(self, pipe: Pipe) -> None:
        self._pipe = pipe
        self._key = ""
        self._evaluator: Any = None

    def prepare(self, job: Json) -> Json:
        """Compile the strategy and check it, so that no trial has to; answer what makes every trial impossible."""
        try:
            # The compiled metrics, too: on a new machine they would be compiled by every worker at once.
            importlib.import_module("algotrade.metrics.stats_nb")
            self._evaluator_of(job).prepare(_Phases(self._pipe))
            return {"done": {}}
        except RunCancelled:
            return {"stopped": True}
        except BaseException as error:  # noqa: BLE001 - whatever a strategy's file raises is told
            self._drop(job)
            return {"failed": failure(error, job, {})}

    def evaluate(self, job: Json) -> Json:
        """Evaluate the trials of the job, in its order; tell that the first one begins, and answer the last batch."""
        batch = _Batch(job)
        try:
            evaluator = self._evaluator_of(job)
            evaluator.load()
            for place, number in enumerate(job["numbers"]):
                if place == 0 or job["is_careful"]:
                    self._pipe.send({"begins": number})
                batch.add(evaluator.evaluate(number, self._pipe.is_told_to_stop))
                if batch.is_due():
                    self._pipe.send({"trials": batch.take()})
            return {"done": {}, "trials": batch.take()}
        except RunCancelled:
            return {"stopped": True, "trials": batch.take()}
        except BaseException as error:  # noqa: BLE001 - what no trial survives is told, and ends the optimization
            self._drop(job)
            return {"failed": failure(error, job, {}), "trials": batch.take()}

    def _evaluator_of(self, job: Json) -> Any:
        if self._key != job["run_key"]:
            from algotrade.market.store import CandleStore
            from algotrade.optimize.evaluator import TrialEvaluator
            from algotrade.spec import OptimizationInputs, OptimizationSpec

            self._evaluator, self._key = None, ""  # frees the other one's indicators first
            self._evaluator = TrialEvaluator(
                lambda: _fresh(job),
                OptimizationSpec.from_dict(job["spec"]),
                OptimizationInputs.from_dict(job["inputs"]),
                CandleStore(Path(job["store"])),
                Path(job["kernels"]),
            )
            self._key = job["run_key"]
        return self._evaluator

    def _drop(self, job: Json) -> None:
        self._evaluator, self._key = None, ""
        forget(job["source"])


def _fresh(job: Json) -> Any:
    """Import the strategy anew: what an interpreted one counted or kept in one trial must not reach the next."""
    forget(job["source"])
    return load_strategy(job)


class _Phases:
    """A Sink that tells phases, and stops when told to."""

    def __init__(self, pipe: Pipe) -> None:
        self._pipe = pipe

    def phase(self, name: str) -> None:
        """Tell that the strategy is being compiled; the other phases are a backtest's."""
        if name == "compiling_strategy":
            self._pipe.send({"phase": name})
        if self._pipe.is_told_to_stop():
            raise RunCancelled

    def advance(self, view: StrideView) -> None:
        """Nothing runs while an optimization is prepared."""


class _Batch:
    """Outcomes that were not told yet."""

    def __init__(self, job: Json) -> None:
        self._job = job
        self._is_careful = bool(job["is_careful"])
        self._told = time.monotonic()
        self._clear()

    def _clear(self) -> None:
        self._numbers: list[int] = []
        self._combinations: list[int] = []
        self._milliseconds: list[float] = []
        self._vectors: list[bytes] = []
        self._errors: dict[str, Json] = {}

    def add(self, outcome: Any) -> None:
        self._numbers.append(outcome.number)
        self._combinations.append(outcome.combination)
        self._milliseconds.append(round(outcome.seconds * 1e3, 3))
        if outcome.vector is None:
            self._errors[str(outcome.number)] = failure(outcome.error, self._job, outcome.parameters)
        else:
            self._vectors.append(outcome.vector.tobytes())

    def is_due(self) -> bool:
        """Whether it is time to tell them: at once, where a trial is under suspicion of ending this process."""
        return self._is_careful or time.monotonic() - self._told >= SECONDS_BETWEEN_BATCHES

    def take(self) -> Json:
        """Return them as a message, and begin the next batch."""
        message = {
            "numbers": self._numbers,
            "combinations": self._combinations,
            "milliseconds": self._milliseconds,
            "vectors": base64.b64encode(b"".join(self._vectors)).decode(),
            "errors": self._errors,
        }
        self._told = time.monotonic()
        self._clear()
        return message
