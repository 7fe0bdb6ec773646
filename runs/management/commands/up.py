"""`manage.py up`: the whole product on one machine."""

import fcntl
import os
import signal
import socket
import threading
import time
import webbrowser
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.management.base import CommandError
from django.db import connections

from runs.management import first_start
from runs.management.command import ProductCommand
from runs.management.commands.reap import reap_until
from runs.models import kind_of
from runs.node.supervisor import Part, Supervisor
from runs.server import address, serve
from runs.views.login import login_url

SAMPLE_SECONDS = 180.0
"""How long the first start watches a sample run; a cold compile takes some seconds of it."""


class Command(ProductCommand):
    """Start everything; Ctrl-C stops everything and loses nothing."""

    help = "Start web server and workers, and print a one-time login URL."
    requires_migrations_checks = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default=address.DEFAULT_HOST, help="address to listen on [127.0.0.1]")
        parser.add_argument("--port", type=int, default=address.DEFAULT_PORT, help="port; 0: a free one [8000]")
        parser.add_argument("--workers", type=int, default=settings.ALGOTRADE_WORKERS, help="worker processes [cores]")
        parser.add_argument("--no-open", action="store_true", help="do not open a browser")
        parser.add_argument("--no-sample", action="store_true", help="no sample candles, no sample runs")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Prepare, start, supervise, stop."""
        if options["workers"] < 1:
            raise CommandError(f"--workers must be at least 1; it is {options['workers']}.")
        stop = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda *_: stop.set())
        with _only_one():
            first_start.migrate()
            problem = serve.why_not_to_listen(options["host"])
            if problem:
                raise CommandError(problem)
            host, port = options["host"], _free_port(options["host"], options["port"])
            supervisor = Supervisor(
                [
                    Part("web", ["web", "--host", host, "--port", str(port)]),
                    Part("worker", ["worker", "--workers", str(options["workers"])]),
                ]
            )
            supervisor.start()
            try:
                self._welcome(host, port, stop, options)
                self._supervise(supervisor, stop)
            finally:
                self.stdout.write("Stopping. Runs that are not finished continue at the next start.")
                supervisor.stop()
        self.stdout.write("Stopped.")

    def _welcome(self, host: str, port: int, stop: threading.Event, options: dict[str, Any]) -> None:
        """Make what a first start needs, wait for the web server, and say where to go."""
        base = address.base_url(host, port)
        folder = first_start.make_folders()
        user = first_start.first_user()
        if not options["no_sample"]:
            first_start.install_sample()
        if not _answers(host, port, stop):
            return
        url = login_url(user, base)
        self.stdout.write(f"\nAlgoTrade runs at {base}/")
        self.stdout.write(f"  Log in:      {url}  (works once, for 5 minutes; another: manage.py login_url)")
        self.stdout.write(f"  Strategies:  {folder}")
        self.stdout.write(f"  Data:        {settings.ALGOTRADE_HOME}")
        self.stdout.write("  Ctrl-C stops everything and loses nothing.\n")
        self.stdout.flush()
        if not options["no_open"]:
            webbrowser.open(url)
        if not options["no_sample"]:
            threading.Thread(target=self._show_samples, args=(user, base, stop), name="sample", daemon=True).start()

    def _show_samples(self, user: User, base: str, stop: threading.Event) -> None:
        """Submit the sample backtest, then the sample optimization; wait for the end of each and print what it made."""
        try:
            for submit in (first_start.submit_sample, first_start.submit_sample_optimization):
                run = None if stop.is_set() else submit(user)
                if run is None:
                    return
                name = f"Sample {run.get_kind_display().lower()}"
                self.stdout.write(f"{name}: {base}{run.get_absolute_url()}")
                self.stdout.flush()
                deadline = time.monotonic() + SAMPLE_SECONDS
                while run.is_active and time.monotonic() < deadline and not stop.wait(0.2):
                    run.refresh_from_db()
                self.stdout.write(f"{name}: {kind_of(run).terminal.headline(run)}")
                self.stdout.flush()
        finally:
            connections.close_all()

    def _supervise(self, supervisor: Supervisor, stop: threading.Event) -> None:
        reaper = threading.Thread(target=_reap, args=(stop,), name="reaper", daemon=True)
        reaper.start()
        while not stop.wait(0.2):
            supervisor.tick()
        reaper.join(2.0)


def _reap(stop: threading.Event) -> None:
    try:
        reap_until(stop)
    finally:
        connections.close_all()


@contextmanager
def _only_one() -> Iterator[None]:
    """Hold the home folder's lock: two supervisors on one home would start everything twice."""
    path = settings.ALGOTRADE_HOME / "up.lock"
    with path.open("a+") as file:
        _lock(file)
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def _lock(file: IO[str]) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.seek(0)
        raise CommandError(
            f"AlgoTrade runs already on {settings.ALGOTRADE_HOME} (process {file.read().strip() or 'unknown'}). "
            "Stop it first, or set ALGOTRADE_HOME to another folder."
        ) from None


def _free_port(host: str, port: int) -> int:
    """Return `port` when it is free, or any free one for 0."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except (OSError, OverflowError) as error:
            raise CommandError(f"Cannot listen on {host} port {port}: {error}. Choose another with --port.") from None
        return int(probe.getsockname()[1])


def _answers(host: str, port: int, stop: threading.Event) -> bool:
    """Wait until the web server accepts connections; False when it was stopped before."""
    while not stop.is_set():
        try:
            with socket.create_connection((address.reached_at(host), port), timeout=1.0):
                return True
        except OSError:
            stop.wait(0.05)
    return False
