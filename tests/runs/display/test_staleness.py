"""The chip that tells of candles or a strategy that have changed since a run was submitted."""

import os

import pytest

from algotrade.strategies.catalog import Catalog
from runs import artifacts
from runs.display.staleness import (
    CANDLES_CHANGED,
    CANDLES_GONE,
    STRATEGY_CHANGED,
    STRATEGY_GONE,
    Staleness,
    rerun_message,
)
from runs.models import RunState
from tests.builders import INPUTS
from tests.optimizations import DATASET
from tests.optimizations import INPUTS as OPTIMIZATION_INPUTS
from tests.runs.pages import STRATEGIES, make_page_run
from tests.runs.trials import make_optimization

NOW = STRATEGIES[0].source_hash


@pytest.fixture
def version(site):
    """Return the version of the only dataset's candles."""
    return artifacts.candle_store().datasets()[0].version


def inputs(version, source=NOW):
    return INPUTS | {"dataset_hash": version, "source_hash": source}


def test_run_on_what_is_there_today_has_no_chip(site, user, version):
    make_page_run(user=user, inputs=inputs(version))
    assert 'class="changed"' not in site.get("/runs").content.decode()


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, [CANDLES_CHANGED, STRATEGY_CHANGED]),
        ({"asset": "GONE", "strategy_name": "gone"}, [CANDLES_GONE, STRATEGY_GONE]),
    ],
)
def test_what_changed_is_told_in_the_list_and_on_the_page(site, user, fields, expected):
    run = make_page_run(user=user, **fields)
    assert Staleness().changes(run) == expected
    for path in ("/runs", run.get_absolute_url(), f"/runs/live?id={run.id}"):
        content = site.get(path).content.decode()
        assert all(change in content for change in expected), path


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ([], ""),
        ([STRATEGY_CHANGED], "Run again uses it as it is now."),
        ([CANDLES_CHANGED], "Run again uses them as they are now."),
        ([CANDLES_CHANGED, STRATEGY_CHANGED], "Run again uses them as they are now."),
        ([CANDLES_CHANGED, STRATEGY_GONE], ""),
    ],
)
def test_running_again_is_told_in_the_number_of_what_changed(changes, expected):
    assert rerun_message(changes) == expected


def test_page_tells_what_running_again_uses(site, user, version):
    run = make_page_run(RunState.CANCELLED, user=user, inputs=inputs(version, source="0" * 64))
    content = site.get(run.get_absolute_url()).content.decode()
    assert "since this run was submitted. Run again uses it as it is now." in content


def test_optimization_is_judged_by_all_its_datasets_and_its_newest_source(site, user, version):
    places = [DATASET | {"asset": "ACME", "exchange": "TEST"}, DATASET | {"asset": "ACME", "exchange": "TEST"}]
    pinned = [{**OPTIMIZATION_INPUTS["datasets"][0], "dataset_hash": name} for name in (version, "0" * 64)]
    fields = {"user": user, "sources": ["0" * 64, NOW], "spec": {"datasets": places}}
    both = make_optimization(inputs=OPTIMIZATION_INPUTS | {"datasets": pinned}, **fields)
    assert Staleness().changes(both) == [CANDLES_CHANGED]
    same = make_optimization(inputs=OPTIMIZATION_INPUTS | {"datasets": pinned[:1] * 2}, **fields)
    assert Staleness().changes(same) == []


def test_catalog_hashes_again_only_what_was_touched_and_executes_nothing(tmp_path, monkeypatch):
    catalog = Catalog(tmp_path / "mine", tmp_path / "archive")
    catalog.folder.mkdir()
    path = catalog.folder / "mine.py"
    path.write_text("from algotrade.strategies import Strategy\nraise SystemExit\nclass Mine(Strategy): ...\n")
    first = catalog.hashes()
    assert {"mine", "sma_cross"} <= set(first)
    monkeypatch.setattr(catalog, "_sources", lambda: pytest.fail("read again"))
    assert catalog.hashes() is first
    monkeypatch.undo()
    path.write_text(path.read_text() + "# more\n")
    os.utime(path, ns=(1, 1))
    assert catalog.hashes()["mine"] != first["mine"]
    assert not catalog.archive.exists()


def test_hashes_are_those_that_runs_pin(tmp_path):
    catalog = Catalog(tmp_path / "mine", tmp_path / "archive")
    assert catalog.hashes()["sma_cross"] == catalog.get("sma_cross").source_hash
