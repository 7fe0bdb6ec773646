"""Ask a child process what a strategy says of itself; importing a user's file in this process could end or hang it."""

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

from algotrade.child import Child, ChildEnded

TIMEOUT_SECONDS = 20.0
"""How long a strategy's file may take to import."""


class Describer:
    """Describes strategies in one child, which is kept for the next question for a while.

    One thread that lives as long as the process does all of it: a child ends with the *thread* that started it, and
    threads of a web server come and go.
    """

    def __init__(self, idle_seconds: float = 30.0) -> None:
        """Keep the child for `idle_seconds` after the last question."""
        self._idle_seconds = idle_seconds
        self._lock = threading.Lock()
        self._thread: ThreadPoolExecutor | None = None
        self._pid = 0
        self._child: Child | None = None
        self._timer: threading.Timer | None = None

    def describe(self, folder: Path, module: str) -> dict[str, Any]:
        """Return title, doc, params, rules and compiled of the strategy `module` in `folder`, or an error.

        The answer has the one key "error" (message and traceback) when the file does not import, takes too long, or
        ends the process.
        """
        with self._lock:
            if self._thread is None or self._pid != os.getpid():  # a fork takes no threads along
                self._thread, self._pid = ThreadPoolExecutor(1, thread_name_prefix="describer"), os.getpid()
                self._child = self._timer = None
            thread = self._thread
        return thread.submit(self._describe, {"job": "describe", "source": str(folder), "module": module}).result()

    def _describe(self, job: dict[str, Any]) -> dict[str, Any]:
        if self._timer is not None:
            self._timer.cancel()
        kept, self._child = self._child, None
        with suppress(ChildEnded):  # a kept child may have ended for a reason of its own: a fresh one tells
            if kept is not None:
                return self._ask(kept, job)
        try:
            return self._ask(Child(), job)
        except ChildEnded as error:
            return {"error": f"Importing {job['module']}.py ended its process: {error.signal_name}.\n{error.log}"}

    def _ask(self, child: Child, job: dict[str, Any]) -> dict[str, Any]:
        try:
            child.send(job)
            answer = child.receive(TIMEOUT_SECONDS)
        except ChildEnded:
            child.close()
            raise
        if answer is None:
            child.close()
            return {"error": f"Importing {job['module']}.py took more than {TIMEOUT_SECONDS:.0f} s."}
        self._keep(child)
        return answer

    def _keep(self, child: Child) -> None:
        self._child = child
        self._timer = threading.Timer(self._idle_seconds, self._retire, (self._thread,))
        self._timer.daemon = True
        self._timer.start()

    def _retire(self, thread: ThreadPoolExecutor) -> None:
        with suppress(RuntimeError):  # the interpreter is ending, and the child with it
            thread.submit(self._let_go)

    def _let_go(self) -> None:
        if self._child is not None:
            self._child.close()
            self._child = None
