"""Ports: the protocols that the core asks of its host (a child process, a test). The core knows these shapes only."""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

PHASES = ("queued", "loading_data", "compiling_strategy", "running_backtest", "computing_metrics")
"""Phases of a backtest, in order. ``compiling_strategy`` is left out when the compiled strategy is in the cache."""


@dataclass(frozen=True, slots=True)
class StrideView:
    """What can be seen of a backtest between two strides.

    Attributes:
        processed: bars done, of the run's range.
        total: bars of the run's range.
        equity: float64[processed], account currency, marked at each bar's close; a view, valid until the next stride.
        n_trades: closed trades so far.
    """

    processed: int
    total: int
    equity: NDArray[np.float64]
    n_trades: int


class Sink(Protocol):
    """Receives a backtest's progress.

    Either method may raise RunCancelled: the engine then stops at once and lets it through.
    """

    def phase(self, name: str) -> None:
        """Tell that the phase `name` (one of PHASES) begins."""

    def advance(self, view: StrideView) -> None:
        """Tell how far the backtest has come; called after every stride (a few ms to 250 ms)."""


class NullSink:
    """A Sink for callers that do not watch."""

    def phase(self, name: str) -> None:
        """Ignore the phase."""

    def advance(self, view: StrideView) -> None:
        """Ignore the progress."""


Json = dict[str, Any]
"""A JSON object on its way in or out; parsed into a typed value at once where it enters."""
