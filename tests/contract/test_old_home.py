"""An old home folder: today's product starts on it, brings its tables up to date, and shows every run that is in it."""

import json

import pytest

from tests.contract import old_home
from tests.contract.recorder import KINDS, Recorder
from tests.stack import Product

pytestmark = [pytest.mark.stack, pytest.mark.timeout(300)]

WINDOW = "px=10&from=1577836800&to=1577980800"
CHARTS = {
    "backtest": (
        f"series.json?{WINDOW}", f"candles.json?{WINDOW}", "trades", "orders", "equity", "candles", "log", "trades.csv",
    ),
    "optimization": (
        "objective.json", "grid.json", "slices.json", "parallel.json", "trials", "failures", "trials/1",
        "trials.csv?sort=number",
    ),
    "download": (),
}  # fmt: skip
TABLES = {
    "backtest": ("trades?limit=2", "orders?limit=2", "equity?px=10&to=2020-01-02", "candles?px=10&to=2020-01-02"),
    "optimization": ("trials?limit=2", "trials/1", "failures"),
    "download": (),
}
RUNS = {"backtest": 7, "optimization": 3, "download": 3}
"""Runs of each kind that are in the old home."""


@pytest.fixture(scope="module")
def product(tmp_path_factory):
    """Return today's product on a copy of the old home."""
    home = tmp_path_factory.mktemp("old") / "home"
    old_home.unpack(home)
    with Product(home, workers=1) as running:
        yield running


@pytest.fixture(scope="module")
def recorder(product):
    """Return a recorder that calls each run by its kind and number, which no start changes."""
    recorder = Recorder(product)
    recorder.add_browser()
    for kind in KINDS:
        for item in _listed(recorder, kind)["items"]:
            recorder.call(f"{kind} {item['number']}", item["id"])
    return recorder


def _listed(recorder, kind):
    return recorder.callers["owner"].ask_json("GET", f"/api/{kind}s/?limit=500").json()


def _record(recorder):
    part = recorder.part("old home")
    for kind in KINDS:
        part.ask(f"list of {kind}s", "GET", f"/api/{kind}s/?limit=500")
        for item in reversed(_listed(recorder, kind)["items"]):
            _look(part, kind, item)
    part.ask("datasets", "GET", "/api/datasets/")
    part.ask("dataset", "GET", "/api/datasets/PEAR-FARM-1h")
    part.open("runs", "/runs")
    part.open("runs with a tag", "/runs?tag=keep")
    part.open("runs as a file", "/runs.csv?sort=number")
    part.open("page of a dataset", "/data/PEAR-FARM-1h")


def _look(part, kind, item):
    name, at = f"{kind} {item['number']}", f"/{kind}s/{item['id']}"
    part.ask(f"{name} by program", "GET", f"/api{at}")
    part.open(f"{name} as a page", at)
    for table in TABLES[kind]:
        part.ask(f"{name}, {table} by program", "GET", f"/api{at}/{table}")
    for chart in CHARTS[kind]:
        part.open(f"{name}, {chart}", f"{at}/{chart}")


def test_old_home_shows_every_run_as_before(recorder, compare):
    _record(recorder)
    compare("old home", json.loads(json.dumps(recorder.parts["old home"])))


@pytest.mark.parametrize("kind", KINDS)
def test_old_home_has_all_its_runs(recorder, kind):
    assert _listed(recorder, kind)["total"] >= RUNS[kind]


def test_new_tables_are_those_of_today(product):
    left = product.manage("showmigrations", "--plan")
    assert [line for line in left.splitlines() if line.startswith("[ ]")] == []


def test_old_home_lists_no_run_twice_on_its_page(recorder, product):
    page = recorder.callers["browser"].ask("GET", "/runs").data.decode()
    shown = [item["id"] for kind in KINDS for item in _listed(recorder, kind)["items"]]
    assert [page.count(f'id="run-{uuid}"') for uuid in shown] == [1] * len(shown)


def test_cancelled_optimization_of_an_old_home_is_resumed(recorder):
    (waiting,) = [item for item in _listed(recorder, "optimization")["items"] if item["status"] == "cancelled"]
    recorder.call("resumed", waiting["id"])
    assert recorder.callers["owner"].ask_json("POST", f"/api/optimizations/{waiting['id']}/resume").status == 202
    end = recorder.finished("optimization", "resumed")
    assert (end["status"], end["completed_combinations"], end["total_combinations"]) == ("completed", 2, 2)


def test_backtest_of_an_old_home_has_the_same_figures_when_it_runs_again(recorder):
    owner = recorder.callers["owner"]
    old = owner.ask_json("GET", "/api/backtests/?strategy_name=talkative&limit=1").json()["items"][0]
    answer = owner.ask_json("POST", "/api/backtests/", old["spec"])
    assert answer.status == 202
    recorder.call("again", answer.json()["id"])
    now = recorder.finished("backtest", "again")["result"]
    before = owner.ask_json("GET", f"/api/backtests/{old['id']}").json()["result"]
    known = {key: now["metrics"][key] for key in before["metrics"]}  # further metrics came later
    assert (known, now["spec"]) == (before["metrics"], before["spec"])
