"""Downloads of a running product from a local exchange: cancelled, killed, resumed, and always the same candles."""

import json
import re
import signal
import subprocess
import sys

import numpy as np
import pytest

from algotrade.market.bar_files import content_hash
from algotrade.market.bars import Bars
from tests.downloads import Downloads, asked, beside
from tests.environment import ROOT
from tests.exchange import BEGIN, HOUR, N_BARS, LocalExchange, fails, holds, redirects, row
from tests.integration.conftest import fresh_services
from tests.stack import is_running, kill, wait_for

pytestmark = pytest.mark.stack


@pytest.fixture(scope="module")
def server():
    with LocalExchange(n_bars=10 * N_BARS) as running:
        yield running


@pytest.fixture(scope="module")
def downloads(server, tmp_path_factory):
    with beside(server, tmp_path_factory.mktemp("home")) as product:
        yield Downloads(product)


@pytest.fixture(scope="module")
def downloads_on_services(server, tmp_path_factory):
    # On rows of their own: workers of another product would claim a download and ask the real exchange.
    with fresh_services() as addresses, beside(server, tmp_path_factory.mktemp("home"), **addresses) as product:
        yield Downloads(product)


@pytest.fixture(params=["downloads", "downloads_on_services"])
def everywhere(request):
    """Return a product on SQLite, then one on PostgreSQL and Redis."""
    return request.getfixturevalue(request.param)


@pytest.fixture(autouse=True)
def calm(server):
    """Let the exchange answer at once; what a test left undone is gone."""
    server.troubles.clear()
    server.asked.clear()
    server.lacks.clear()
    server.gate.set()


def version(downloads):
    return downloads.store.get("BTC-USD", "bitstamp", "1h").version


def rows_of(downloads):
    dataset = downloads.store.get("BTC-USD", "bitstamp", "1h")
    bars = downloads.store.load(dataset)
    columns = (bars.time / 1e6, bars.open, bars.high, bars.low, bars.close, bars.volume)
    return [list(map(float, values)) for values in zip(*columns, strict=True)]


@pytest.fixture(scope="module")
def whole(server):
    """Return the version that the candles of the usual range have, by the exchange's own numbers."""
    rows = np.array([row(at) for at in server.times[:N_BARS]])
    return content_hash(Bars(rows[:, 0].astype(np.int64) * 1_000_000, *rows[:, 1:].T))


def forget(downloads):
    """Remove the dataset, so that a download starts from nothing."""
    for path in (downloads.product.home / "candles").rglob("*"):
        if path.is_file():
            path.unlink()


def test_download_brings_the_very_bars_and_tells_what_is_missing(downloads, server):
    forget(downloads)
    server.lacks = {BEGIN + n * HOUR for n in (100, 101, 2_000)}
    end = downloads.finished(downloads.submit(asked()))
    assert (end["status"], end["processed_bars"], end["total_bars"]) == ("completed", N_BARS - 3, N_BARS - 3)
    assert rows_of(downloads) == [row(at) for at in server.times[:N_BARS] if at not in server.lacks]
    result = end["result"]
    assert (result["added_bars"], result["missing_bars"]) == (N_BARS - 3, 3)
    assert [part["bars"] for part in result["missing"]] == [2, 1]
    assert list((downloads.product.home / "downloads").iterdir()) == []


def test_download_continues_a_dataset(downloads, server, whole):
    forget(downloads)
    downloads.finished(downloads.submit(asked(1_234)))
    end = downloads.finished(downloads.submit(asked(start=None)))
    assert (end["result"]["fetched_bars"], end["result"]["added_bars"]) == (N_BARS - 1_233, N_BARS - 1_234)
    assert version(downloads) == whole


def test_cancelled_download_keeps_what_it_has_and_resumes_to_the_same_candles(everywhere, server, whole):
    forget(everywhere)
    server.troubles.extend([None, holds])
    run_id = everywhere.submit(asked())
    everywhere.begun(run_id, 1_000)
    assert everywhere.verb(run_id, "cancel") == (200, {"id": run_id, "status": "cancelled"})
    assert everywhere.store.datasets() == []
    assert everywhere.verb(run_id, "cancel")[0] == 409
    n_asked = len(server.asked)
    server.gate.set()
    assert everywhere.verb(run_id, "resume")[0] == 202
    end = everywhere.finished(run_id)
    assert (end["status"], end["attempt"]) == ("completed", 2)
    assert version(everywhere) == whole
    assert len(server.asked) - n_asked < 4  # the first page was there


def test_cancel_ends_a_child_whose_socket_hangs(downloads, server):
    server.gate.clear()
    run_id = downloads.submit(asked())
    downloads.wait_until(run_id, lambda body: body["phase"] == "fetching_bars")
    wait_for(lambda: server.asked, 10)
    children = downloads.product.children(downloads.worker(run_id))
    assert downloads.verb(run_id, "cancel")[0] == 200
    assert downloads.status(run_id)["status"] == "cancelled"
    # Half a second of grace; the busy one of the worker's children is gone then, its spare stays.
    wait_for(lambda: any(not is_running(pid) for pid in children), 20, "the end of the child")


def test_identical_download_is_one_run(everywhere, server):
    server.gate.clear()
    first, second = everywhere.submit(asked(500)), everywhere.submit(asked(500, asset="btc/usd"))
    assert first == second
    other = everywhere.submit(asked(501))
    assert other != first
    everywhere.verb(other, "cancel")
    server.gate.set()
    assert everywhere.finished(first)["status"] == "completed"


def test_exchange_in_trouble_is_waited_for_and_told(downloads, server, whole):
    forget(downloads)
    server.troubles.extend([None, fails(500), fails(429, Retry_After="3")])
    run_id = downloads.submit(asked())
    waits = downloads.wait_until(run_id, lambda body: body["waiting"])["waiting"]
    # The wait after the 500 is short, and may be over before one sees it.
    assert re.match("Bitstamp (answered with status|asks for fewer requests)", waits["reason"])
    assert downloads.finished(run_id)["status"] == "completed"
    assert version(downloads) == whole


def test_refusal_fails_the_download_with_its_trace(downloads, server):
    run_id = downloads.submit(asked(asset="DOGE/USD"))
    end = downloads.finished(run_id)
    assert (end["status"], end["error_type"]) == ("failed", "MarketDataError")
    assert end["error_message"].startswith("Bitstamp has no DOGE-USD.")
    assert end["error_stack_trace"].startswith("Traceback")


def test_download_that_is_led_astray_fails_and_reaches_nothing(downloads, server):
    server.troubles.append(redirects("http://169.254.169.254/latest/meta-data/"))
    end = downloads.finished(downloads.submit(asked(77)))
    assert (end["status"], end["error_type"]) == ("failed", "AddressRefused")
    assert "169.254.169.254" in end["error_message"]


@pytest.mark.parametrize(
    ("product", "victim"),
    [("downloads", "worker"), ("downloads", "child"), ("downloads", "both"), ("downloads_on_services", "both")],
)
def test_killed_processes_lose_nothing(request, server, whole, product, victim):
    downloads = request.getfixturevalue(product)
    forget(downloads)
    server.troubles.extend([None, holds])
    run_id = downloads.submit(asked())
    downloads.begun(run_id, 1_000)
    worker = downloads.worker(run_id)
    children = downloads.product.children(worker)
    kill((children if victim != "worker" else set()) | ({worker} if victim != "child" else set()))
    server.gate.set()
    end = downloads.finished(run_id)
    assert (end["status"], end["attempt"]) == ("completed", 2)
    assert version(downloads) == whole


def test_killed_product_goes_on_at_the_next_start(downloads, server, whole):
    forget(downloads)
    server.troubles.extend([None, holds])
    run_id = downloads.submit(asked())
    downloads.begun(run_id, 1_000)
    downloads.product.process.kill()
    downloads.product.process.wait()
    server.gate.set()
    downloads.product.start()
    assert downloads.finished(run_id)["status"] == "completed"
    assert version(downloads) == whole


@pytest.fixture
def command(server, tmp_path):
    """Return a function that starts the command in a fresh home; nothing else runs there."""
    product = beside(server, tmp_path / "home")
    product.home.mkdir()
    started = []

    def start(*arguments):
        line = [sys.executable, "manage.py", "download_candles", "--json", *arguments]
        pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        started.append(subprocess.Popen(line, cwd=ROOT, env=product.environment, text=True, **pipes))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


WHERE = ("--exchange", "bitstamp", "--asset", "BTC/USD", "--timeframe", "1h", "--start", "2020-01-01")
UNTIL = ("--end", "2020-05-04T23:00:00Z")
"""The end of the usual range: hour 2,999."""


def test_command_is_interrupted_resumed_and_done(command, server, whole):
    server.troubles.extend([None, holds])
    process = command(*WHERE, *UNTIL)
    wait_for(lambda: len(server.asked) > 1, 60, "the second question")
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    stopped = json.loads(out)
    assert (process.returncode, stopped["status"]) == (130, "cancelled"), err
    server.gate.set()
    resumed = command("--resume", str(stopped["number"]))
    done = json.loads(resumed.communicate(timeout=60)[0])
    assert (resumed.returncode, done["status"]) == (0, "completed")
    assert done["result"]["dataset"]["version"] == whole


def test_command_names_what_is_wrong(command):
    process = command("--exchange", "bitstamp", "--asset", "BTC/USD", "--timeframe", "7h")
    _, err = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "Nothing was started.\ntimeframe: Bitstamp has 1m" in err
