"""A strategy that failed: the error as Python would have told it, and the facts of the bar."""

import math
import traceback
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any

import numpy as np

from algotrade.engine.paths import is_within, short_path, shorten_paths
from algotrade.errors import EngineError
from algotrade.ports import Json
from algotrade.records import OrderKind, SizeKind, Verb

TRACE_CHARACTERS = 64 * 1024


class StrategyFailure(EngineError):
    """A strategy raised an error.

    Attributes:
        error_type: name of the exception's class.
        message: its text.
        trace: the traceback as Python prints it; the last frame in the strategy's files is its own line.
        detail: JSON object with bar, bar_time (UTC ns), parameters, position, cash, equity, pending_orders, indicators
            and frames (file, line, function, code, is_strategy); without a bar, only parameters and frames.
        concerns_all: whether the strategy would fail with any parameters, because it cannot be compiled.
    """

    concerns_all = False

    def __init__(self, error: BaseException, *, folder: str, detail: Mapping[str, Any]) -> None:
        """Keep `error`, telling files of `folder` as strategies/...; `detail` is completed by the frames."""
        self.error_type = type(error).__name__
        self.message = str(error) or self.error_type
        self.trace = _trace(error, folder)
        self.detail: Json = {**detail, "frames": _frames(error.__traceback__, folder)}
        super().__init__(f"{self.error_type}: {self.message}")


def facts_of_bar(
    account: Any,
    orders: Any,
    bar_time: int,
    parameters: Mapping[str, Any],
    indicators: Mapping[str, float],
) -> Json:
    """Return what was the case at the failing bar, as JSON types.

    Args:
        account: ACCOUNT, as it was when the strategy was called.
        orders: the recorder of orders.
        bar_time: UTC ns, the bar's open.
        parameters: values by name.
        indicators: each one's value at the bar.
    """
    return {
        "bar": int(account.bar),
        "bar_time": int(bar_time),
        "parameters": dict(parameters),
        "position": float(account.position),
        "cash": float(account.cash),
        "equity": float(account.equity),
        "pending_orders": [_order(orders[n]) for n in range(int(account.first_pending), int(account.n_orders))],
        "indicators": {name: float(value) if math.isfinite(value) else None for name, value in indicators.items()},
    }


def _order(order: Any) -> Json:
    return {
        "verb": Verb(int(order.verb)).name.lower(),
        "kind": OrderKind(int(order.kind)).name.lower(),
        "size_kind": SizeKind(int(order.size_kind)).name.lower(),
        "size": float(order["size"]) if np.isfinite(order["size"]) else None,
        "bar": int(order.bar),
    }


def _frames(trace: TracebackType | None, folder: str) -> list[Json]:
    return [
        {
            "file": short_path(frame.filename, folder),
            "line": frame.lineno or 0,
            "function": frame.name,
            "code": frame.line or "",
            "is_strategy": is_within(frame.filename, folder),
        }
        for frame in _without_caller(traceback.extract_tb(trace))
    ]


def _trace(error: BaseException, folder: str) -> str:
    """Return the printed traceback, cut in the middle when it is very long, without the engine's own caller."""
    printed = traceback.TracebackException.from_exception(error, capture_locals=False)
    printed.stack = traceback.StackSummary.from_list(list(_without_caller(printed.stack)))
    text = shorten_paths("".join(printed.format()), folder)
    if len(text) > TRACE_CHARACTERS:
        half = TRACE_CHARACTERS // 2
        text = f"{text[:half]}\n…\n{text[-half:]}"
    return text


def _without_caller(frames: Sequence[traceback.FrameSummary]) -> Sequence[traceback.FrameSummary]:
    """Leave out the frame that caught the error; it is the same for all."""
    return frames[1:] if len(frames) > 1 else frames
