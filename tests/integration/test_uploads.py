"""An import survives the end of its processes: nothing half-written or left running, and it may be tried again."""

import contextlib
import http.client
import os
import signal
from concurrent.futures import ThreadPoolExecutor

import pytest

from algotrade.market.store import CandleStore
from tests.stack import descendants, is_running, wait_for

pytestmark = pytest.mark.stack

N_BARS = 400_000
NAMES = {"asset": "LARGE", "exchange": "TEST", "timeframe": "1m"}


@pytest.fixture(scope="module")
def large():
    rows = "\n".join(f"{1_500_000_000 + 60 * at},1.5,1.75,1.25,1.5,10" for at in range(N_BARS))
    return ("timestamp,open,high,low,close,volume\n" + rows).encode()


def ask_in_vain(product, path, body):
    """Ask for what nobody lives to answer."""
    with contextlib.suppress(OSError, http.client.HTTPException):
        product.call("POST", path, body)


def part(product, command):
    """Return the process ids below the product whose command line has these words."""
    return [pid for pid, words in descendants(product.process.pid).items() if command in words]


def test_import_whose_web_process_is_killed_is_told_and_tried_again(product, large):
    _, body = product.send_file("/api/datasets/imports/", "large.csv", large)
    address = f"/api/datasets/imports/{body['id']}"
    body = wait_for(lambda: stands(product, address, "checked"), 60.0, "what the file holds")
    assert (body["preview"]["bars"], body["error_count"]) == (N_BARS, 0)
    (web,) = part(product, " web ")
    with ThreadPoolExecutor(1) as pool:
        pool.submit(ask_in_vain, product, f"{address}/import", NAMES)
        (reader,) = wait_for(lambda: part(product, "algotrade.market.importing.reading"), 30.0, "a reader")
        os.kill(web, signal.SIGKILL)
    wait_for(lambda: not is_running(reader), 10.0, "the end of the reader")
    body = wait_for(lambda: stands(product, address, "checked"), 60.0, "that the import was given up")
    assert body["errors"][0].startswith("It was interrupted.")
    store = CandleStore(product.home / "candles")
    assert imported(store) == []
    product.call("POST", f"{address}/import", NAMES)
    wait_for(lambda: stands(product, address, "imported"), 60.0, "the import")
    (dataset,) = imported(store)
    store.verify(dataset)
    assert dataset.n_bars == N_BARS
    assert list((product.home / "uploads").iterdir()) == []


def imported(store):
    """Return the datasets of the file; the sample's are there, too."""
    return [dataset for dataset in store.datasets() if dataset.instrument.asset == NAMES["asset"]]


def stands(product, address, state):
    """Return an import's body once it stands so; None while it does not, or nobody answers."""
    try:
        _, body = product.call("GET", address)
    except OSError:
        return None
    return body if body.get("status") == state else None
