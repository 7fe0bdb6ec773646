"""Ask a child process what a strategy says of itself; importing a user's file in this process could end or hang it."""

import threading
from pathlib import Path
from typing import Any

from algotrade.child import Child, ChildEnded

TIMEOUT_SECONDS = 20.0
"""How long a strategy's file may take to import."""


class Describer:
    """Describes strategies in one child, which is kept for the next question for a while."""

    def __init__(self, idle_seconds: float = 30.0) -> None:
        """Keep the child for `idle_seconds` after the last question."""
        self._idle_seconds = idle_seconds
        self._lock = threading.Lock()
        self._child: Child | None = None
        self._timer: threading.Timer | None = None

    def describe(self, folder: Path, module: str) -> dict[str, Any]:
        """Return title, doc, params, rules and compiled of the strategy `module` in `folder`, or an error.

        The answer has the one key "error" (message and traceback) when the file does not import, takes too long, or
        ends the process.
        """
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()
            child = self._child if self._child is not None and self._child.is_alive else Child()
            self._child = None
            try:
                child.send({"job": "describe", "source": str(folder), "module": module})
                answer = child.receive(TIMEOUT_SECONDS)
            except ChildEnded as error:
                child.close()
                return {"error": f"Importing {module}.py ended its process: {error.signal_name}.\n{error.log}"}
            if answer is None:
                child.close()
                return {"error": f"Importing {module}.py took more than {TIMEOUT_SECONDS:.0f} s."}
            self._child = child
            self._timer = threading.Timer(self._idle_seconds, self._let_go)
            self._timer.daemon = True
            self._timer.start()
            return answer

    def _let_go(self) -> None:
        with self._lock:
            if self._child is not None:
                self._child.close()
                self._child = None
