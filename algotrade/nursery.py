"""Nurseries: processes that have imported what jobs need, and fork a runner in some milliseconds.

Here is their owner's end: start one, ask it for a runner, learn how that runner ended. What runs in such a process is
`algotrade.runner.nursery`.
"""

import contextlib
import json
import math
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
IDLE_SECONDS = 600.0
"""How long a nursery is kept that nobody asks: it holds about 100 MB."""
LOOK_SECONDS = 0.1
"""Longest wait for a forked runner's standing, which another thread may read meanwhile."""


def clean_environment(kernels: Path | None) -> dict[str, str]:
    """Return the environment of children: no secret, no database address."""
    environment = {
        "PATH": os.environ.get("PATH", os.defpath),
        "LANG": "C.UTF-8",
        "PYTHONPATH": str(PROJECT),
        "PYTHONHASHSEED": "0",
        "PYTHONUNBUFFERED": "1",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "JE_ARROW_MALLOC_CONF": "background_thread:false",  # a nursery has one thread
    }
    if kernels is not None:
        kernels.mkdir(parents=True, exist_ok=True)
        environment["NUMBA_CACHE_DIR"] = str(kernels)
    return environment


class Nursery:
    """A process that forks runners whose imports are done. It dies with this process, and its runners with it."""

    def __init__(self, *, kernels: Path | None = None) -> None:
        """Start the process; what is asked of it meanwhile it does once its imports are done."""
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        started: Future[subprocess.Popen[bytes]] = Future()
        # The kernel ends it with the thread that started it: a thread of its own, which has nothing else to do.
        threading.Thread(
            target=_start_and_wait, args=(theirs, clean_environment(kernels), started), name="nursery", daemon=True
        ).start()
        self._process = started.result()

    @property
    def is_alive(self) -> bool:
        """Whether its end of the socket is open: a process that ends closes that first, before anybody sees its end."""
        if self._socket.fileno() < 0:
            return False
        hang_up = select.poll()
        hang_up.register(self._socket, 0)
        return not hang_up.poll(0)

    def fork(self, memory_bytes: int, cpu_seconds: int) -> "Forked":
        """Ask for a runner, which may take a second the first time; one that cannot be had has ended already."""
        return Forked(self._socket, {"memory_bytes": memory_bytes, "cpu_seconds": cpu_seconds})

    def close(self) -> None:
        """End the process, and with it the runners that it forked."""
        self._socket.close()
        self._process.kill()
        self._process.wait()


def _start_and_wait(
    theirs: socket.socket, environment: dict[str, str], started: "Future[subprocess.Popen[bytes]]"
) -> None:
    """Start a nursery's process at its end of the socket, and live as long as it does."""
    try:
        with theirs:
            process = subprocess.Popen(
                [sys.executable, "-m", "algotrade.runner.nursery", str(os.getpid())],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                env=environment,
                cwd="/",
                start_new_session=True,
            )
    except OSError as error:
        started.set_exception(error)
        return
    started.set_result(process)
    process.wait()


class NurseryOnDemand:
    """A nursery that is there when somebody asks, and until nobody has for a while. Several threads may ask at once."""

    def __init__(self, *, kernels: Callable[[], Path] | None = None, idle_seconds: float | None = IDLE_SECONDS) -> None:
        """Start nothing yet.

        Args:
            kernels: returns the folder of compiled strategies.
            idle_seconds: how long it is kept that nobody asks, and longest life of what it forks; None: for good.
        """
        self._kernels, self._idle_seconds = kernels, idle_seconds
        self._lock = threading.Lock()
        self._nursery: Nursery | None = None
        self._pid, self._asked_at = 0, 0.0

    def get(self) -> Nursery:
        """Return the nursery, started anew where it is gone.

        Raises:
            OSError: no process can be started.
        """
        with self._lock:
            if self._pid != os.getpid():  # after a fork it is the other process's
                self._nursery, self._pid = None, os.getpid()
            if self._nursery is not None and not self._nursery.is_alive:
                self._nursery.close()
                self._nursery = None
            if self._nursery is None:
                self._nursery = Nursery(kernels=self._kernels() if self._kernels else None)
                if self._idle_seconds is not None:
                    self._look_after(self._idle_seconds, self._idle_seconds)
            self._asked_at = time.monotonic()
            return self._nursery

    def _look_after(self, seconds: float, idle_seconds: float) -> None:
        timer = threading.Timer(seconds, self._end_if_idle, (idle_seconds,))
        timer.daemon = True
        timer.start()

    def _end_if_idle(self, idle_seconds: float) -> None:
        with self._lock:
            left = self._asked_at + idle_seconds - time.monotonic()
            if left > 0:
                self._look_after(left, idle_seconds)
            elif self._nursery is not None:
                self._nursery.close()
                self._nursery = None


class Forked:
    """A runner that a nursery forked, with the part of Popen's interface that a child needs."""

    def __init__(self, nursery: socket.socket, limits: dict[str, int]) -> None:
        their_in, to = os.pipe()
        (out, their_out), (log, their_log), (self._standing, their_standing) = (os.pipe() for _ in range(3))
        theirs = [their_in, their_out, their_log, their_standing]
        try:
            with contextlib.suppress(OSError):  # a nursery that is gone: then the standing ends at once
                socket.send_fds(nursery, [json.dumps(limits).encode()], theirs)
        finally:
            for descriptor in theirs:
                os.close(descriptor)
        self.stdin, self.stdout, self.stderr = os.fdopen(to, "wb"), os.fdopen(out, "rb"), os.fdopen(log, "rb")
        self._told, self._pid = b"", 0
        self.returncode: int | None = None
        self._reading = threading.Lock()

    @property
    def pid(self) -> int:
        """Its process id; 0 when there is none, since the nursery is gone."""
        while not self._pid and self.returncode is None:
            self._read(LOOK_SECONDS)
        return self._pid

    def poll(self) -> int | None:
        """Return the exit code, or None while it runs."""
        while self.returncode is None and self._read(0.0):
            pass
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Return the exit code.

        Raises:
            subprocess.TimeoutExpired: it runs for longer.
        """
        deadline = math.inf if timeout is None else time.monotonic() + timeout
        while self.returncode is None:
            left = deadline - time.monotonic()
            if not self._read(min(max(0.0, left), LOOK_SECONDS)) and left <= 0.0:
                raise subprocess.TimeoutExpired("a forked runner", timeout or 0.0)
        return self.returncode

    def _read(self, seconds: float) -> bool:
        """Read what the nursery says of it, within so many seconds; False when it says nothing."""
        if self.returncode is None and not self._has_news(seconds):
            return False
        with self._reading:  # by one thread; another one may have read it meanwhile
            if self.returncode is None and self._has_news(0.0):
                chunk = os.read(self._standing, 64)
                self._told += chunk
                said = self._told.split(b"\n")[:-1]
                if said:
                    self._pid = int(said[0])
                if len(said) > 1 or not chunk:  # a nursery that ended has its runners killed
                    self.returncode = int(said[1]) if len(said) > 1 else -signal.SIGKILL
                    os.close(self._standing)
        return True

    def _has_news(self, seconds: float) -> bool:
        news = select.poll()
        news.register(self._standing, select.POLLIN)
        return bool(news.poll(seconds * 1e3))
