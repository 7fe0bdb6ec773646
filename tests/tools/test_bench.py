"""`manage.py bench runtime` and `pages`, on a small scale: every figure is taken from a product that runs."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests import environment
from tests.bench import pages, runtime
from tests.bench.chromium import CHROMIUMS, BrowserError, chromium
from tests.bench.paint import paint_of
from tests.stack import Product, processes, wait_for

pytestmark = pytest.mark.timeout(240)


@pytest.mark.tools
def test_runtime_is_measured_to_the_end():
    extent = runtime.Extent(submissions=6, parallel=3, starts=2, cancels=1, sockets=20, seconds=1.0)
    goals = {goal.name: goal for goal in runtime.measure(lambda _text: None, extent, Product)}
    assert len(goals) == 7
    assert all(goal.figure is not None for goal in goals.values())
    assert goals["pages that were cut off"].figure == 0


def need_chromium():
    if not any(map(shutil.which, CHROMIUMS)):
        environment.lacks("There is no chromium to drive.")


@pytest.mark.tools
@pytest.mark.browser
def test_pages_are_measured_to_the_end():
    need_chromium()
    extent = pages.Extent(n_runs=120, n_bars=4_000, rounds=1)
    with ThreadPoolExecutor(1) as thread:  # the driver's event loop must not reach the other tests
        goals = thread.submit(lambda: list(pages.measure(lambda _text: None, extent, Product))).result()
    assert [goal.name for goal in goals if goal.figure is None or goal.figure <= 0.0] == []
    found = {goal.name: goal for goal in goals}
    assert len(found) == len(goals) == 20
    assert found["run over 4,000 bars: equity and drawdown, JSON"].verdict == "met"
    assert 20.0 < found["runs list, largest answer"].figure < 200.0


PAGE = """<!doctype html><title>Late</title><p>Words, at once.</p><canvas width="300" height="150"></canvas><script>
const brush = document.querySelector("canvas").getContext("2d");
brush.fillStyle = "#dddddd";
brush.fillRect(0, 0, 300, 1); // a grid is no curve
fetch("/curve.json").then(() => setTimeout(() => {
  brush.fillStyle = "#2255dd";
  brush.fillRect(0, 20, 300, 2);
  document.body.append(document.createElement("hr"));
}, 700));
</script>"""
CURVE = "[1, 2, 3]"


class LateCurve(BaseHTTPRequestHandler):
    """A page that draws nothing but a grid at first, and a curve 0.7 s after it has fetched one."""

    def do_GET(self):
        body = CURVE if self.path == "/curve.json" else PAGE
        self.send_response(200 if self.path != "/gone" else 410)
        self.send_header("Content-Type", "application/json" if body is CURVE else "text/html")
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_):
        """Be silent."""


@pytest.fixture
def paint():
    """Return a function that opens a page of LateCurve and returns how it came up."""
    need_chromium()
    with ThreadingHTTPServer(("127.0.0.1", 0), LateCurve) as server, ThreadPoolExecutor(2) as threads:
        threads.submit(server.serve_forever)
        base = f"http://127.0.0.1:{server.server_port}"

        def paint_(path, **wanted):
            with chromium() as browser:
                return paint_of(browser, None, base + path, wanted)

        yield lambda *args, **wanted: threads.submit(paint_, *args, **wanted).result()
        server.shutdown()


@pytest.mark.browser
def test_paint_of_a_curve_is_not_that_of_the_grid_before_it(paint):
    found = paint("/", curve="canvas", line="hr", words="p")
    assert found.seconds["curve"] > 0.7
    assert found.seconds["words"] < found.seconds["curve"]
    assert found.seconds["line"] == pytest.approx(found.seconds["curve"], abs=0.5)
    assert 0.0 < found.first < found.seconds["curve"]
    assert (found.n_bytes, found.fetched) == (len(PAGE), {"curve.json": (len(CURVE), len(CURVE))})


@pytest.mark.browser
def test_paint_that_does_not_come_is_told_by_name(paint, monkeypatch):
    monkeypatch.setattr("tests.bench.paint.PATIENCE_SECONDS", 3.0)
    with pytest.raises(BrowserError, match=r"Not painted within 3000 ms: moon$"):
        paint("/", words="p", moon="#moon")


@pytest.mark.browser
def test_paint_of_a_page_that_is_gone_is_refused(paint):
    with pytest.raises(RuntimeError, match="/gone answers 410, and not 200"):
        paint("/gone", words="p")


@pytest.fixture
def folder():
    """Return an empty folder with a short path, because Chromium has a socket below."""
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


@pytest.mark.tools
@pytest.mark.browser
@pytest.mark.parametrize("prelude", ["", "trap '' INT;"], ids=["by a person", "in the background of a script"])
def test_pages_leave_nothing_behind_when_they_are_interrupted(tmp_path, folder, prelude):
    need_chromium()
    with subprocess.Popen(
        ["sh", "-c", f"{prelude} exec {sys.executable} manage.py bench pages"],
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
    assert (started.returncode, out) == (130, ""), err
    assert err.endswith("Interrupted. What was started for it is stopped.\n")
    assert list(folder.iterdir()) == []
    assert [command for _, command in processes().values() if str(folder) in command] == []
