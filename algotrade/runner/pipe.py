"""The conversation with the parent: lines of JSON, jobs in, messages out; and a sink that tells a run's progress."""

import json
import os
import select
import time
from collections.abc import Iterator
from typing import Any

from algotrade.errors import RunCancelled
from algotrade.ports import Json, StrideView

SECONDS_BETWEEN_MESSAGES = 0.1
CURVE_POINTS = 250
"""Points of the growing curve; three columns of them stay below 16 kB of JSON."""


class Pipe:
    """The two ends of the conversation with the parent."""

    def __init__(self) -> None:
        """Take over standard input and output: a strategy's own prints go to standard error, its reads find nothing."""
        self._in, self._out = os.dup(0), os.dup(1)
        with open(os.devnull, "rb") as nothing:
            os.dup2(nothing.fileno(), 0)
        os.dup2(2, 1)
        self._pending = b""

    def send(self, message: Json) -> None:
        """Send one message, whole."""
        data = json.dumps(message, allow_nan=False).encode() + b"\n"
        while data:
            data = data[os.write(self._out, data) :]

    def jobs(self) -> Iterator[Json]:
        """Yield jobs until the parent closes its end."""
        while (line := self._line()) is not None:
            message = json.loads(line)
            if not message.get("stop"):  # a stop that came after the end of its job
                yield message

    def is_told_to_stop(self) -> bool:
        """Tell, without waiting, whether the parent said stop."""
        if b"\n" not in self._pending and not select.select([self._in], [], [], 0)[0]:
            return False
        line = self._line()
        return line is None or bool(json.loads(line).get("stop"))

    def waits_for_stop(self, seconds: float) -> bool:
        """Let time pass, but no more once the parent says stop; whether it did."""
        if b"\n" not in self._pending:
            select.select([self._in], [], [], seconds)
        return self.is_told_to_stop()

    def _line(self) -> bytes | None:
        while b"\n" not in self._pending:
            chunk = os.read(self._in, 1 << 16)
            if not chunk:
                return None
            self._pending += chunk
        line, self._pending = self._pending.split(b"\n", 1)
        return line


class PipeSink:
    """Tells the parent what the engine tells, at most ten times a second, and stops the engine when told to."""

    def __init__(self, pipe: Pipe) -> None:
        self._pipe = pipe
        self._next = 0.0
        self._withheld: StrideView | None = None
        self._began: float | None = None
        self._time: list[int] = []
        self._hold: list[float] = []
        self._step = 1

    def watch(self, time_ns: Any, close: Any, initial_cash: float) -> None:
        """Prepare what is known before the first bar: bar times, and what holding would have made."""
        self._step = max(1, -(-len(close) // CURVE_POINTS))
        self._times_ns = time_ns
        self._growth = close / close[:1] * initial_cash  # a range without bars is the engine's to refuse

    def phase(self, name: str) -> None:
        """Send the phase at once."""
        if name == "running_backtest":
            self._began = time.monotonic()
        self._pipe.send({"phase": name})
        self._stop_if_told()

    def advance(self, view: StrideView) -> None:
        """Send the progress when the last message is old enough, or all is done."""
        self._stop_if_told()
        now = time.monotonic()
        self._withheld = view
        if now >= self._next or view.processed == view.total:
            self._next = now + SECONDS_BETWEEN_MESSAGES
            self.tell_withheld()

    def tell_withheld(self) -> None:
        """Send the progress that no message told yet."""
        view, self._withheld = self._withheld, None
        if view is None:
            return
        now = time.monotonic()
        elapsed = now - (self._began or now)
        self._pipe.send(
            {
                "processed": view.processed,
                "live": {
                    "rate": round(view.processed / elapsed, 1) if elapsed > 0 else None,
                    "sim_time": int(self._times_ns[view.processed - 1]),
                    "equity": round(float(view.equity[-1]), 2),
                    "trades": view.n_trades,
                    "curve": self._curve(view),
                },
            }
        )

    def _curve(self, view: StrideView) -> Json:
        """Return every n-th point and the newest, as columns."""
        rows = list(range(0, view.processed, self._step))
        if rows[-1] != view.processed - 1:
            rows.append(view.processed - 1)
        return {
            "time": [int(self._times_ns[row]) // 1_000_000_000 for row in rows],
            "equity": [round(float(view.equity[row]), 2) for row in rows],
            "hold": [round(float(self._growth[row]), 2) for row in rows],
        }

    def _stop_if_told(self) -> None:
        if self._pipe.is_told_to_stop():
            raise RunCancelled
