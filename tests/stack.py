"""The whole product as processes: `manage.py up` on a home folder of its own, and what tests ask of it from outside."""

import sqlite3
from contextlib import closing
from pathlib import Path

import psycopg

from algotrade.market.imports import import_candles
from algotrade.market.sample import install_samples
from algotrade.market.store import CandleStore
from runs.bench import product as bench
from runs.bench.product import wait_for
from tests.environment import KERNELS

__all__ = ["Product", "descendants", "is_running", "processes", "wait_for"]


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


class Product(bench.Product):
    """A product whose rows and processes tests may look into."""

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
        self._has_samples = sample
        self._numbers = {}

    def start(self):
        """Run `up`."""
        self.prepare()
        super().start()

    def prepare(self):
        """Make the home ready; what one test compiled, the next one need not."""
        cache = self.home / "cache"
        if not cache.exists():
            cache.mkdir()
            KERNELS.mkdir(parents=True, exist_ok=True)
            (cache / "kernels").symlink_to(KERNELS)
        if self._has_samples and not (self.home / "candles").exists():
            install_samples(CandleStore(self.home / "candles"))

    def write_strategy(self, name, source):
        """Save a file into the user's folder, as an editor does."""
        folder = self.home / "strategies"
        folder.mkdir(exist_ok=True)
        (folder / f"{name}.py").write_text(source)

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
        if address := self.environment.get("DATABASE_URL"):
            with psycopg.connect(address) as connection:
                return connection.execute(query).fetchall()
        with closing(sqlite3.connect(self.home / "algotrade.sqlite3")) as connection:
            return connection.execute(query).fetchall()

    def worker_of(self, run_id):
        """Return the process id of the worker that executes a run."""
        self.status(run_id)
        return int(self.stored(run_id, "owner").split(":")[1])

    def children(self, of=None):
        """Return the process ids of the children, idle ones too, that strategies run in; those `of` one worker."""
        below = descendants(of or self.process.pid)
        return {pid for pid, command in below.items() if "algotrade.runner" in command}
