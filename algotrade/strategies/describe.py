"""Ask child processes what strategies say of themselves: importing a user's file could end or hang this process."""

import os
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from algotrade.child import Child, ChildEnded
from algotrade.nursery import NurseryOnDemand

TIMEOUT_SECONDS = 20.0
"""How long a strategy's file may take to import."""
MEMORY_BYTES = 4 << 30
"""Address space of a child that imports strategies; it runs none."""
CPU_SECONDS = 60
"""Processor time that an import may take, with all threads that it starts."""
AT_ONCE = 4
"""Files that are imported at the same time: three that hang leave room for the others."""
_nursery = NurseryOnDemand()


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a question.

    Attributes:
        description: title, doc, params, rules and compiled of the strategy; or only "error", message and traceback.
        seconds: how long it took.
        is_over_time: whether the file was given up because it took too long.
        has_ended: whether the file ended its process.
    """

    description: dict[str, Any]
    seconds: float
    is_over_time: bool = False
    has_ended: bool = False


class Describer:
    """Describes strategies in a few children, which are kept for the next question for a while."""

    def __init__(self, idle_seconds: float = 30.0) -> None:
        self._idle_seconds = idle_seconds
        self._lock = threading.Lock()
        self._threads: ThreadPoolExecutor | None = None
        self._pid = 0
        self._idle: list[tuple[Child, float]] = []

    def ask(self, folder: Path, module: str) -> "Future[Answer]":
        """Ask what the strategy `module` in `folder` says of itself; the answer comes when it is its turn."""
        with self._lock:
            if self._threads is None or self._pid != os.getpid():  # a fork takes no threads along, and no children
                self._threads, self._pid = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="describer"), os.getpid()
                self._idle = []
            threads = self._threads
        return threads.submit(self._answer, {"job": "describe", "source": str(folder), "module": module})

    def _answer(self, job: dict[str, Any]) -> Answer:
        began = time.monotonic()
        child = self._take()
        if child is not None:
            with suppress(ChildEnded):  # a kept child may have ended for a reason of its own: a fresh one tells
                return self._asked(child, job, began)
        try:
            child = Child(nursery=_nursery.get(), memory_bytes=MEMORY_BYTES, cpu_seconds=CPU_SECONDS)
            return self._asked(child, job, began)
        except ChildEnded as error:
            words = f"Importing {job['module']}.py ended its process: {error.signal_name}.\n{error.log}"
            return Answer({"error": words}, time.monotonic() - began, has_ended=True)
        except OSError as error:
            words = f"No process can be started to import {job['module']}.py: {error}"
            return Answer({"error": words}, time.monotonic() - began)

    def _asked(self, child: Child, job: dict[str, Any], began: float) -> Answer:
        try:
            child.send(job)
            description = child.receive(TIMEOUT_SECONDS)
        except ChildEnded:
            child.close()
            raise
        seconds = time.monotonic() - began
        if description is None:
            child.close()
            words = f"Importing {job['module']}.py took more than {TIMEOUT_SECONDS:.0f} s."
            return Answer({"error": words}, seconds, is_over_time=True)
        self._keep(child)
        return Answer(description, seconds)

    def _take(self) -> Child | None:
        with self._lock:
            return self._idle.pop()[0] if self._idle else None

    def _keep(self, child: Child) -> None:
        """Keep a child for the next question, without what the file that it imported has forked."""
        if not child.end_forks():
            child.close()
            return
        with self._lock:
            self._idle.append((child, time.monotonic()))
        timer = threading.Timer(self._idle_seconds, self._let_go)
        timer.daemon = True
        timer.start()

    def _let_go(self) -> None:
        """End the children that nobody has asked anything for long."""
        latest = time.monotonic() - self._idle_seconds
        with self._lock:
            tired = [child for child, since in self._idle if since <= latest]
            self._idle = [(child, since) for child, since in self._idle if since > latest]
        for child in tired:
            child.close()
