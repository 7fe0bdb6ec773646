"""The whole product as processes: `manage.py up` on a home folder of its own, and what tests ask of it from outside."""

import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import closing
from pathlib import Path

import psycopg

from algotrade.market.imports import import_candles
from algotrade.market.sample import install_samples
from algotrade.market.store import CandleStore
from tests.environment import KERNELS, ROOT

START_SECONDS = 60.0
STOP_SECONDS = 15.0
PAUSE_SECONDS = 0.05
SAYS_WHERE = re.compile(r"AlgoTrade runs at (http://\S+?)/\s")


def wait_for(find, seconds=20.0, what="the condition"):
    """Return the first truthy value that `find` returns, asking again and again."""
    deadline = time.monotonic() + seconds
    while not (found := find()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} did not come true within {seconds:g} s.")
        time.sleep(PAUSE_SECONDS)
    return found


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


class Product:
    """One `manage.py up` with a fresh home, stopped when the block ends."""

    def __init__(self, home, *, sample=False, first=False, workers=2, database="", redis="", lease=3):
        """Prepare a product in `home`.

        Args:
            home: its folder.
            sample: whether the sample candles are there.
            first: whether `up` does what it does at the first start: sample candles and sample runs.
            workers: of its node.
            database: address; none for the embedded one.
            redis: address; none for what comes embedded.
            lease: seconds.
        """
        self.home = Path(home)
        self.log = self.home / "up.log"
        self.base_url = self.token = ""
        self.process = None
        self._options = [] if first else ["--no-sample"]
        self._has_samples = sample
        self._workers = workers
        self._numbers = {}
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            "ALGOTRADE_HOME": str(self.home),
            "ALGOTRADE_LEASE_SECONDS": str(lease),
            **({"DATABASE_URL": database} if database else {}),
            **({"REDIS_URL": redis} if redis else {}),
        }

    def __enter__(self):
        """Start."""
        self.home.mkdir(parents=True, exist_ok=True)
        cache = self.home / "cache"
        if not cache.exists():  # what one test compiled, the next one need not
            cache.mkdir()
            KERNELS.mkdir(parents=True, exist_ok=True)
            (cache / "kernels").symlink_to(KERNELS)
        if self._has_samples:
            install_samples(CandleStore(self.home / "candles"))
        try:
            self.start()
            self.token = self.manage("api_token").split()[-1]
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_exception):
        """Stop everything."""
        self.stop()

    def start(self):
        """Run `up` until it says where the product is."""
        arguments = ["up", "--no-open", "--port", "0", "--workers", str(self._workers), *self._options]
        offset = self.log.stat().st_size if self.log.exists() else 0
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", *arguments],
                cwd=ROOT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self.base_url = wait_for(lambda: self._said_where(offset), START_SECONDS, f"start of up ({self.log})")

    def _said_where(self, offset):
        if self.process.poll() is not None:
            raise RuntimeError(f"up ended with status {self.process.returncode}:\n{self.printed()}")
        found = SAYS_WHERE.search(self.printed()[offset:])
        return found and found[1]

    def printed(self):
        """Return what `up` printed so far."""
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def stop(self):
        """Press Ctrl-C; return the exit status."""
        if self.process is None:
            return None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        try:
            return self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise

    def manage(self, *arguments):
        """Run a command of manage.py and return what it printed."""
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
        )
        if done.returncode:
            raise RuntimeError(f"manage.py {' '.join(arguments)} failed:\n{done.stdout}{done.stderr}")
        return done.stdout

    def login_url(self):
        """Return a fresh one-time URL."""
        return self.manage("login_url", "--base", self.base_url).strip()

    def write_strategy(self, name, source):
        """Save a file into the user's folder, as an editor does."""
        folder = self.home / "strategies"
        folder.mkdir(exist_ok=True)
        (folder / f"{name}.py").write_text(source)

    def import_csv(self, path, **names):
        """Store the candles of a CSV file."""
        return import_candles(Path(path), CandleStore(self.home / "candles"), **names)

    def call(self, method, path, body=None):
        """Return status and JSON body of a call of the API."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        request = urllib.request.Request(self.base_url + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read())

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
        query = f"SELECT {column} FROM runs_run WHERE number = {self._numbers[run_id]}"
        if address := self.environment.get("DATABASE_URL"):
            with psycopg.connect(address) as connection:
                return connection.execute(query).fetchone()[0]
        with closing(sqlite3.connect(self.home / "algotrade.sqlite3")) as connection:
            return connection.execute(query).fetchone()[0]

    def worker_of(self, run_id):
        """Return the process id of the worker that executes a run."""
        self.status(run_id)
        return int(self.stored(run_id, "owner").split(":")[1])

    def children(self, of=None):
        """Return the process ids of the children, idle ones too, that strategies run in; those `of` one worker."""
        below = descendants(of or self.process.pid)
        return {pid for pid, command in below.items() if "algotrade.runner" in command}
