"""The speed that is measured: a few trials of the real strategy in a real child."""

import pytest
from cachetools import LRUCache

from algotrade.market.store import CandleStore
from algotrade.resolve import resolve_optimization
from algotrade.strategies.catalog import Catalog
from runs import artifacts
from runs.optimizations import speed as optimization_speed
from tests.environment import KERNELS
from tests.runs.pages import add_dataset

REQUEST = {"asset": "ACME", "exchange": "TEST", "timeframe": "1h"}
BROKEN = """
from algotrade.strategies import Strategy

class Broken(Strategy):
    compiled = False

    @staticmethod
    def on_bar(bars, ind, params, broker):
        import os
        os._exit(3)
"""
SECONDS_PER_BAR = 0.001
SLEEPY = f"""
import time

from algotrade.strategies import Strategy

class Sleepy(Strategy):
    compiled = False

    @staticmethod
    def on_bar(bars, ind, params, broker):
        time.sleep({SECONDS_PER_BAR})
"""


@pytest.fixture
def resolve(tmp_path, monkeypatch, settings):
    settings.ALGOTRADE_HOME = tmp_path
    store = CandleStore(artifacts.candles_folder())
    add_dataset(store, "ACME")
    catalog = Catalog(tmp_path / "strategies", tmp_path / "archive")
    monkeypatch.setattr(artifacts, "catalog", lambda: catalog)
    monkeypatch.setattr(artifacts, "kernels_folder", lambda: KERNELS)
    monkeypatch.setattr(optimization_speed, "_samples", LRUCache(optimization_speed.MOST_KEPT))

    def resolve_(strategy, source=None, **axes):
        if source:
            catalog.folder.mkdir()
            (catalog.folder / f"{strategy}.py").write_text(source)
        request = {**REQUEST, "strategy_name": strategy, "axes": axes}
        return resolve_optimization(request, catalog, store, max_combinations=1000)

    return resolve_


def test_speed_of_a_strategy_is_measured_and_kept(resolve):
    resolved = resolve("sleepy", SLEEPY)
    speed, is_measuring = optimization_speed.seconds_per_bar(resolved, 100)
    assert not is_measuring
    # Of a bar, not of a trial: what one bar sleeps at least, and less than half of what all of them do.
    assert SECONDS_PER_BAR <= speed < SECONDS_PER_BAR * resolved.spec.datasets[0].total_bars / 2
    assert optimization_speed.seconds_per_bar(resolved) == (speed, False)


def test_strategy_that_ends_its_process_has_no_speed(resolve):
    assert optimization_speed.seconds_per_bar(resolve("broken", BROKEN), 100) == (None, False)
