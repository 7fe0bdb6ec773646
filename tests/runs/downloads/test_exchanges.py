"""Which exchanges there are: read by a child, once, and told clearly when the library is missing."""

import importlib.util
import json

import pytest

from algotrade.errors import MarketDataError
from runs.downloads import exchanges


@pytest.fixture(autouse=True)
def home(settings, tmp_path):
    settings.ALGOTRADE_HOME = tmp_path
    exchanges._known.cache_clear()
    yield tmp_path
    exchanges._known.cache_clear()


def test_exchanges_are_read_by_a_child_once_and_kept(home, monkeypatch):
    known = exchanges.known()
    assert known["bitstamp"]["title"] == "Bitstamp"
    assert "1h" in known["kraken"]["timeframes"]
    assert len(known) > 50
    exchanges._known.cache_clear()
    monkeypatch.setattr(exchanges, "Child", lambda **_options: pytest.fail("it was read again"))
    assert exchanges.known() == known
    (kept,) = (home / "cache").iterdir()
    assert json.loads(kept.read_text()) == known


def test_library_that_is_not_there_is_told_with_the_way_to_it(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(MarketDataError, match="download_candles --exchanges` installs it"):
        exchanges.known()


def test_child_that_dies_is_told(monkeypatch):
    class Dead:
        def send(self, _job):
            raise exchanges.ChildEnded(-9, "")

        def close(self):
            pass

    monkeypatch.setattr(exchanges, "Child", lambda **_options: Dead())
    with pytest.raises(MarketDataError, match="cannot be read"):
        exchanges.known()
