"""The whole product as processes: `manage.py up` on a home folder of its own, and what tests ask of it from outside."""

import importlib
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg

from algotrade.market.importing.imports import import_candles
from algotrade.market.sample import install_samples
from algotrade.market.store import CandleStore
from algotrade.strategies.catalog import Catalog
from runs.models.access import API_PREFIX, digest, new_secret
from tests import gated
from tests.bench import product as bench
from tests.bench.product import wait_for
from tests.environment import KERNELS, ROOT, shared_folder

__all__ = ["Product", "descendants", "is_running", "kill", "parent_of", "processes", "wait_for"]


def processes():
    """Return parent and command line of every process, by process id; zombies have ended."""
    found = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            try:
                status = (folder / "stat").read_text().rpartition(")")[2].split()
                command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
            except OSError:
                continue
            if status[0] != "Z":
                found[int(folder.name)] = (int(status[1]), command)
    return found


def kill(pids):
    """Kill processes at once; one that ended with another of them is gone already."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def parent_of(pid):
    """Return the process id of a process's parent."""
    return processes()[pid][0]


def is_running(pid):
    """Tell whether a process has not ended."""
    return pid in processes()


def descendants(pid):
    """Return command lines by process id of all that descends from a process."""
    every, found, fresh = processes(), {}, {pid}
    while fresh:
        fresh = {child for child, (parent, _) in every.items() if parent in fresh}
        found |= {child: every[child][1] for child in fresh}
    return found


def samples():
    """Return a folder with the sample candles, to be copied: they are computed once in a session."""
    return shared_folder("samples", lambda folder: install_samples(CandleStore(folder)))


def descriptions():
    """Return a folder with what the built-in strategies say of themselves, to be copied: each is imported once."""
    return shared_folder("descriptions", lambda folder: Catalog(folder / "none", folder).all())


def tables():
    """Return a folder with a database that has every table and no row, to be copied: it is made once in a session."""

    def make(folder):
        environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "ALGOTRADE_HOME": str(folder)}
        subprocess.run(
            [sys.executable, "manage.py", "migrate"], cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, check=True
        )

    return shared_folder("tables", make)


class Product(bench.Product):
    """A product whose rows and processes tests may look into, and whose strategies wait at gates.

    Attributes:
        gates: where they wait.
    """

    def __init__(self, home, *, sample=False, first=False, lease=3, **options):
        """Prepare a product in `home`; a lost worker is noticed soon.

        Args:
            home: its folder.
            sample: whether the sample candles are there.
            first: whether `up` does what it does at the first start: sample candles and sample runs.
            lease: seconds; a lost worker is noticed soon.
            options: of the product.
        """
        super().__init__(home, sample=first, lease=lease, **options)
        if options.get("database"):
            self.environment["ALGOTRADE_QUEUE"] = options["database"]  # else products would take each other's tickets
        self._has_samples, self._is_first = sample, first
        self._numbers = {}
        self.gates = gated.Gates(self.home / "gates")

    def start(self):
        """Run `up`."""
        self.prepare()
        super().start()

    def prepare(self):
        """Make the home ready; what one test compiled, the next one need not.

        The metrics are compiled here, where no test waits for its first run against a clock.
        """
        importlib.import_module("algotrade.metrics.stats_nb")
        cache = self.home / "cache"
        if not cache.exists():
            cache.mkdir()
            KERNELS.mkdir(parents=True, exist_ok=True)
            (cache / "kernels").symlink_to(KERNELS)
        if not self._is_first and not (cache / "strategies").exists():
            shutil.copytree(descriptions(), cache / "strategies")
        database = self.home / "algotrade.sqlite3"
        if not self._is_first and "DATABASE_URL" not in self.environment and not database.exists():
            shutil.copy(tables() / database.name, database)
        if self._has_samples and not (self.home / "candles").exists():
            shutil.copytree(samples(), self.home / "candles")

    def write_strategy(self, name, source):
        """Save a file into the user's folder, as an editor does."""
        folder = self.home / "strategies"
        folder.mkdir(exist_ok=True)
        (folder / f"{name}.py").write_text(self.gates.strategy(source))

    def import_csv(self, path, **names):
        """Store the candles of a CSV file."""
        return import_candles(Path(path), CandleStore(self.home / "candles"), **names)

    def submit(self, body):
        """Submit a backtest that must be accepted; return the answer."""
        status, answer = self.call("POST", "/api/backtests/", body)
        if status != 202:
            raise AssertionError(f"{status}: {answer}")
        return answer

    def status(self, run_id):
        """Return the status body of a backtest."""
        body = self.call("GET", f"/api/backtests/{run_id}/status")[1]
        self._numbers[run_id] = body.get("number")
        return body

    def wait_until(self, run_id, is_so, seconds=30.0):
        """Return the first status body of which `is_so` holds."""

        def find():
            body = self.status(run_id)
            return body if is_so(body) else None

        return wait_for(find, seconds, f"what was awaited of {self.status(run_id)}")

    def finished(self, run_id, seconds=60.0):
        """Return the status body of a run that has ended."""
        return self.wait_until(run_id, lambda body: body["status"] not in ("pending", "running"), seconds)

    def stored(self, run_id, column):
        """Return one column of a run's row, from the database itself; the run's status was asked for before."""
        return self.rows(f"SELECT {column} FROM runs_run WHERE number = {self._numbers[run_id]}")[0][0]

    def chunk_owners(self):
        """Return the tokens of the workers that evaluate trials, from the database itself."""
        return [owner for (owner,) in self.rows("SELECT owner FROM runs_chunk WHERE owner <> ''")]

    def rows(self, query):
        """Return what the database itself answers."""
        with self._database() as connection:
            return connection.execute(query).fetchall()

    @contextmanager
    def _database(self):
        """Connect to the product's rows; what the block wrote is stored at its end."""
        if address := self.environment.get("DATABASE_URL"):
            opened = psycopg.connect(address)
        else:
            opened = sqlite3.connect(self.home / "algotrade.sqlite3", timeout=20)
        with closing(opened), opened:
            yield opened

    def new_token(self):
        """Return a fresh bearer token of the first user: its row is written here, the command would take seconds."""
        token = new_secret(API_PREFIX)
        self._let_in("runs_apitoken (user_id, digest, name, created_at)", token, ", '', CURRENT_TIMESTAMP")
        return token

    def login_url(self):
        """Return a fresh one-time URL of the first user; its row is written here, too."""
        secret = new_secret()
        until = datetime.now(UTC) + timedelta(minutes=5)
        self._let_in("runs_loginlink (user_id, digest, expires_at)", secret, f", '{until:%Y-%m-%d %H:%M:%S}+00:00'")
        return f"{self.base_url}/login/{secret}"

    def _let_in(self, columns, secret, more):
        with self._database() as connection:
            connection.execute(f"INSERT INTO {columns} SELECT MIN(id), '{digest(secret)}'{more} FROM auth_user")

    def worker_of(self, run_id):
        """Return the process id of the worker that executes a run."""
        self.status(run_id)
        return int(self.stored(run_id, "owner").split(":")[1])

    def children(self, of=None):
        """Return the process ids of the children, idle ones too, that strategies run in; those `of` one worker."""
        below = descendants(of or self.process.pid)
        return {pid for pid, command in below.items() if "algotrade.runner" in command}
