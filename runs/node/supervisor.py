"""Supervisor of the processes of `manage.py up`: the web server and the node of workers.

A process that ends is started again, after a pause that grows while it keeps ending. A node whose workers give no sign
of life is ended and started again. On a stop each gets SIGTERM and a few seconds, then SIGKILL.
"""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import structlog
from django.conf import settings
from django.db import DatabaseError, close_old_connections
from django.db.models import Sum

from runs.models import Worker
from runs.owners import place

log = structlog.get_logger(__name__)

STOP_SECONDS = 7.0  # of the ten that Ctrl-C may take in all
LONGEST_PAUSE_SECONDS = 10.0
WATCHDOG_SECONDS = 5.0
SILENT_SECONDS = 20.0
"""How long no worker of this host may count a beat before the node is taken for dead."""
SECONDS_TO_START = 60.0
"""How long a node may take to its first beat; on a busy machine to end it sooner would be to end it for ever."""
SETTLED_SECONDS = 5.0
"""After so long a process has started well: when it ends then, it is for a new reason."""
PASSED_ON = re.compile(
    r"(ALGOTRADE|PYTHON|LC|PG|SSL_CERT|NUMBA|OMP|MALLOC|COVERAGE)(_|[A-Z])"
    r"|(DATABASE_URL|REDIS_URL|DJANGO_SETTINGS_MODULE|PATH|LD_LIBRARY_PATH|HOME|LANG|LANGUAGE|TZ|TMPDIR|TERM|USER"
    r"|LOGNAME|VIRTUAL_ENV|XDG_CACHE_HOME|NO_COLOR)$"
)
"""Environment variables that the parts get: what they read, and none of the other secrets of whoever started them."""


@dataclass
class Part:
    """One process that must run."""

    name: str
    arguments: Sequence[str]
    process: subprocess.Popen[bytes] | None = None
    pause: float = 0.0
    started: float = 0.0
    not_before: float = field(default=0.0)

    def start(self) -> None:
        """Start the process, bound to this one's life. Its own session: Ctrl-C is for the supervisor to hand on."""
        command = [sys.executable, str(settings.BASE_DIR / "manage.py"), *self.arguments, "--parent", str(os.getpid())]
        environment = {name: value for name, value in os.environ.items() if PASSED_ON.match(name)}
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True, env=environment)
        self.started = time.monotonic()

    def revive(self) -> None:
        """Start the process again when it has ended and its pause is over."""
        now = time.monotonic()
        if self.process is not None and self.process.poll() is not None:
            log.error("process ended", part=self.name, returncode=self.process.returncode)
            is_new = now - self.started > SETTLED_SECONDS  # one that ends at once, again and again, would spin
            self.pause = 0.2 if is_new else min(max(self.pause * 2, 0.2), LONGEST_PAUSE_SECONDS)
            self.process, self.not_before = None, now + self.pause
        if self.process is None and now >= self.not_before:
            self.start()


class Supervisor:
    """The parts of one `up`."""

    def __init__(self, parts: Sequence[Part]) -> None:
        self.parts = parts
        self._next_look = self._heard = time.monotonic()
        self._beats = 0

    def start(self) -> None:
        for part in self.parts:
            part.start()

    def tick(self) -> None:
        """Revive what has ended; end a node that lives but does not beat."""
        for part in self.parts:
            part.revive()
        if time.monotonic() >= self._next_look:
            self._next_look = time.monotonic() + WATCHDOG_SECONDS
            close_old_connections()
            try:
                self._watch_node()
            except DatabaseError as error:
                log.warning("node is not watched while the database is away", error=str(error))

    def stop(self) -> None:
        """End every part: kindly at first, all at once, then for good."""
        running = [part.process for part in self.parts if part.process is not None and part.process.poll() is None]
        for process in running:
            process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        for process in running:
            try:
                process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _watch_node(self) -> None:
        """End a node whose workers count no beats any more, by this process's clock: theirs may jump."""
        now = time.monotonic()
        beats = Worker.objects.filter(host=place()).aggregate(n=Sum("beat"))["n"] or 0
        if beats != self._beats:
            self._beats, self._heard = beats, now
        if now - self._heard < SILENT_SECONDS:
            return
        for part in self.parts:
            if part.name == "worker" and part.process is not None and now - part.started > SECONDS_TO_START:
                log.error("node does not respond, restarting it", pid=part.process.pid)
                part.process.kill()
