"""`manage.py bench runtime` and `pages`, on a small scale: every figure is taken from a product that runs."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from runs.bench import pages, runtime
from runs.bench.chromium import CHROMIUMS
from tests import environment
from tests.stack import Product, processes, wait_for

pytestmark = pytest.mark.timeout(240)


def test_runtime_is_measured_to_the_end():
    extent = runtime.Extent(submissions=6, parallel=3, starts=2, cancels=1, sockets=20, seconds=1.0)
    goals = {goal.name: goal for goal in runtime.measure(lambda _text: None, extent, Product)}
    assert len(goals) == 7
    assert all(goal.figure is not None for goal in goals.values())
    assert goals["pages that were cut off"].figure == 0


def need_chromium():
    if not any(map(shutil.which, CHROMIUMS)):
        environment.lacks("There is no chromium to drive.")


@pytest.mark.browser
def test_pages_are_measured_to_the_end():
    need_chromium()
    extent = pages.Extent(n_runs=120, n_bars=4_000, rounds=1)
    with ThreadPoolExecutor(1) as thread:  # the driver's event loop must not reach the other tests
        goals = thread.submit(lambda: list(pages.measure(lambda _text: None, extent, Product))).result()
    assert [goal.name for goal in goals if goal.figure is None or goal.figure <= 0.0] == []
    found = {goal.name: goal for goal in goals}
    assert len(found) == len(goals) == 20
    assert found["run over 4,000 bars: equity and drawdown"].verdict == "met"
    assert 20.0 < found["runs list, largest answer"].figure < 200.0


@pytest.fixture
def folder():
    """Return an empty folder with a short path, because Chromium has a socket below."""
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


@pytest.mark.browser
def test_pages_leave_nothing_behind_when_they_are_interrupted(tmp_path, folder):
    need_chromium()
    with subprocess.Popen(
        [sys.executable, "manage.py", "bench", "pages"],
        cwd=environment.ROOT,
        env={**os.environ, "ALGOTRADE_HOME": str(tmp_path), "TMPDIR": str(folder)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as started:
        try:
            wait_for(lambda: any(folder.glob("algotrade-bench-*/up.log")), 90, "the start of a product")
        finally:
            os.killpg(started.pid, signal.SIGINT)  # as a terminal does
        out, err = started.communicate(timeout=60)
    assert (started.returncode, out) == (130, "")
    assert err.endswith("Interrupted. What was started for it is stopped.\n")
    assert list(folder.iterdir()) == []
    assert [command for _, command in processes().values() if str(folder) in command] == []
