"""Start and talk to a Django-free child (`algotrade.runner` by default), JSON lines over pipes.

Everything that a child says comes in here, and loses the secrets in it before anybody keeps or logs it.

The child gets a clean environment (no secret, no database address) and its own session, and dies with its parent. A
runner lives under a keeper (`algotrade.lifeline`): whatever it forks is ended with it, and between two jobs. Its own
output is not the protocol's: what a strategy prints is kept, up to 64 KB.
"""

import contextlib
import json
import os
import select
import selectors
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from algotrade.errors import AlgotradeError
from algotrade.lifeline import end_descendants, oldest_child
from algotrade.nursery import Forked, Nursery, clean_environment
from algotrade.scrubbing import scrub, scrub_all

LARGEST_MESSAGE = 16 << 20
LOG_BYTES = 64 * 1024
"""How much of what a child prints is kept: its first half and its last half."""


class ChildEnded(AlgotradeError):
    """The child ended without an answer; `returncode` is negative for a signal."""

    def __init__(self, returncode: int, log: str) -> None:
        self.returncode = returncode
        self.log = log
        super().__init__(f"The process that ran the strategy was ended by {describe_exit(returncode)}.")

    @property
    def signal_name(self) -> str:
        """SIGSEGV and the like, or exit status N."""
        return describe_exit(self.returncode)


def describe_exit(returncode: int) -> str:
    """Return SIGKILL and the like for a negative return code, "exit status 3" otherwise."""
    if returncode < 0:
        try:
            return signal.Signals(-returncode).name
        except ValueError:
            return f"signal {-returncode}"
    return f"exit status {returncode}"


class Child:
    """One runner process. Not thread-safe but for `stop` and `kill`."""

    def __init__(
        self,
        *,
        module: str = "algotrade.runner",
        kernels: Path | None = None,
        nursery: Nursery | None = None,
        memory_bytes: int = 0,
        cpu_seconds: int = 0,
    ) -> None:
        """Start the process; it answers once its imports are done.

        Args:
            module: what runs in it.
            kernels: folder of compiled strategies.
            nursery: forks it, with the kernels of its own; none: it is started for itself.
            memory_bytes: its address space; 0 does not limit it.
            cpu_seconds: processor time that one job of it may take; 0 does not limit it.
        """
        self._process: subprocess.Popen[bytes] | Forked = (
            nursery.fork(memory_bytes, cpu_seconds)
            if nursery is not None
            else subprocess.Popen(
                [sys.executable, "-m", module, str(os.getpid()), str(memory_bytes), str(cpu_seconds)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=clean_environment(kernels),
                cwd="/",
                start_new_session=True,
            )
        )
        self._selector = selectors.DefaultSelector()
        assert self._process.stdout is not None
        self._selector.register(self._process.stdout, selectors.EVENT_READ)
        self._pending = b""
        self._log, self._taking = _Log(), threading.Lock()
        threading.Thread(target=self._read_log, name="child-log", daemon=True).start()

    @property
    def pid(self) -> int:
        """The child's process id: its keeper's, where it has one."""
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        """Whether the process still runs."""
        return self._process.poll() is None

    @property
    def log(self) -> str:
        """What the child printed since the last `send`, shortened in the middle."""
        self._take_log()
        return self._log.text()

    def send(self, message: dict[str, Any]) -> None:
        """Send a job.

        Raises:
            ChildEnded: the process is gone.
        """
        self._take_log()
        self._log.clear()
        try:
            self._write(message)
        except (BrokenPipeError, ValueError):
            raise ChildEnded(self._process.wait(), self.log) from None

    def receive(self, timeout: float) -> dict[str, Any] | None:
        """Return the child's next message, or None when none came within `timeout` seconds.

        Raises:
            ChildEnded: the process ended.
        """
        deadline = time.monotonic() + timeout
        while b"\n" not in self._pending:
            if not self._selector.select(max(0.0, deadline - time.monotonic())):
                if not self.is_alive:  # what it forked holds its output open
                    raise ChildEnded(self._wait(), self.log)
                return None
            assert self._process.stdout is not None
            chunk = os.read(self._process.stdout.fileno(), 1 << 16)
            if not chunk:
                raise ChildEnded(self._wait(), self.log)
            self._pending += chunk
            if len(self._pending) > LARGEST_MESSAGE:
                break
        line, _, self._pending = self._pending.partition(b"\n")
        try:
            message = json.loads(line)
        except (ValueError, RecursionError):
            message = None
        if not isinstance(message, dict):  # a strategy wrote to every descriptor it found
            self.kill()
            raise ChildEnded(self._wait(), scrub(f"{self.log}\nNot a message of the runner: {line[:200]!r}"))
        return {name: scrub_all(value) for name, value in message.items()}

    def stop(self) -> None:
        """Ask the child to leave its job at the end of the stride; safe from another thread."""
        with contextlib.suppress(BrokenPipeError, ValueError):
            self._write({"stop": True})

    def end_forks(self) -> bool:
        """End what jobs have forked, and let the child live; False when that cannot be done."""
        runner = oldest_child(self._process.pid)
        return runner is not None and end_descendants(self._process.pid, spare=(runner,))

    def kill(self) -> None:
        """End the child and whatever it forked, now; safe from another thread and when it is gone already."""
        if self.is_alive:  # the keeper goes last: what is orphaned meanwhile comes to it
            end_descendants(self._process.pid)
        self._kill_group()
        self._wait()

    def close(self) -> None:
        """Let go of the child: an idle one ends by itself when its input closes."""
        self.kill()
        self._selector.close()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()

    def _write(self, message: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(message).encode() + b"\n")
        self._process.stdin.flush()

    def _wait(self) -> int:
        """Return the exit code; what the child left in its process group ends with it."""
        try:
            code = self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:  # it closed its output and lives on
            self._kill_group()
            code = self._process.wait()
        self._kill_group()
        return code

    def _kill_group(self) -> None:
        if pid := self._process.pid:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(pid, signal.SIGKILL)

    def _read_log(self) -> None:
        assert self._process.stderr is not None
        news = select.poll()
        news.register(self._process.stderr, select.POLLIN)
        while news.poll() and self._take_log():
            pass
        with self._taking:
            self._process.stderr.close()

    def _take_log(self) -> bool:
        """Take what the child printed up to now (a pipe holds no more than one read gives); False at the end."""
        stream = self._process.stderr
        assert stream is not None
        with self._taking:
            if stream.closed:
                return False
            news = select.poll()
            news.register(stream, select.POLLIN)
            if not news.poll(0):
                return True
            chunk = os.read(stream.fileno(), 1 << 16)
            self._log.add(chunk)
            return bool(chunk)


class _Log:
    """The first and the last 32 KB of a stream, whatever its length."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._head, self._tail, self._left_out = b"", b"", 0

    def add(self, chunk: bytes) -> None:
        half = LOG_BYTES // 2
        with self._lock:
            room = half - len(self._head)
            if room > 0:
                self._head, chunk = self._head + chunk[:room], chunk[room:]
            tail = self._tail + chunk
            self._left_out += max(0, len(tail) - half)
            self._tail = tail[-half:]

    def clear(self) -> None:
        with self._lock:
            self._head, self._tail, self._left_out = b"", b"", 0

    def text(self) -> str:
        with self._lock:
            gap = f"\n… {self._left_out:,} bytes left out …\n".encode() if self._left_out else b""
            text = (self._head + gap + self._tail).decode("utf-8", "replace").replace("\0", "\ufffd")
        return scrub(text)
