"""From a request to the spec of a download: names, ranges, what is finished, what is refused."""

import numpy as np
import pytest

from algotrade.errors import SpecError
from algotrade.market.bars import Bars
from algotrade.market.instruments import Instrument
from algotrade.market.store import CandleStore
from algotrade.resolve import resolve_download

HOUR = 3_600 * 10**9
DAY = 24 * HOUR
BEGIN = 1_577_836_800 * 10**9
NOW = BEGIN + 100 * HOUR + HOUR // 2
"""2020-01-05 04:30: the bar that opened at 04:00 is not finished, the one of 03:00 is."""
EXCHANGES = {
    "bitstamp": {"title": "Bitstamp", "timeframes": ["1m", "1h", "1d", "1w"]},
    "kraken": {"title": "Kraken", "timeframes": ["1h"]},
}


@pytest.fixture
def store(tmp_path):
    return CandleStore(tmp_path)


@pytest.fixture
def resolve(store):
    def resolve_(now=NOW, **changes):
        request = {"exchange": "bitstamp", "asset": "BTC/USD", "timeframe": "1h", "start": "2020-01-01", **changes}
        return resolve_download(request, EXCHANGES, "ccxt 1", store, now)

    return resolve_


def refused(resolve, **changes):
    with pytest.raises(SpecError) as info:
        resolve(**changes)
    return info.value.fields


def add(store, n_bars):
    prices = np.full(n_bars, 100.0)
    time = BEGIN + np.arange(n_bars) * HOUR
    bars = Bars(time, prices, prices, prices, prices, prices)
    return store.add(bars, Instrument("BTC-USD", "bitstamp", 0.01), "1h")


def test_names_become_those_of_the_dataset(resolve):
    spec = resolve(exchange="Bitstamp", asset=" btc/usd ").spec
    assert (spec.exchange, spec.asset, spec.timeframe) == ("bitstamp", "BTC-USD", "1h")
    assert resolve(asset="ETH/USDT:USDT").spec.asset == "ETH-USDT_USDT"


def test_range_ends_at_the_last_finished_bar(resolve):
    resolved = resolve()
    assert (resolved.spec.start_ns, resolved.spec.end_ns) == (BEGIN, BEGIN + 99 * HOUR)
    assert resolved.total_bars == 100
    assert resolve(end="2030-01-01").spec == resolved.spec


@pytest.mark.parametrize(("timeframe", "end"), [("1d", BEGIN + 3 * DAY), ("1w", BEGIN - 3 * DAY)])
def test_longer_bars_are_finished_later(resolve, timeframe, end):
    assert resolve(timeframe=timeframe, start="2019-01-01").spec.end_ns == end


def test_end_day_is_meant_to_its_last_bar(resolve):
    assert resolve(end="2020-01-02").spec.end_ns == BEGIN + 47 * HOUR


def test_same_question_within_one_bar_is_the_same_download(resolve):
    assert resolve().run_key == resolve(now=NOW + HOUR // 3).run_key
    assert resolve().run_key != resolve(now=NOW + HOUR).run_key


def test_without_a_start_the_dataset_is_continued_from_its_last_bar(resolve, store):
    there = add(store, 40)
    resolved = resolve(start=None)
    assert (resolved.spec.start_ns, resolved.total_bars) == (BEGIN + 39 * HOUR, 61)
    assert (resolved.base, resolved.inputs["base"]) == (there, there.version)


def test_dataset_that_has_the_last_finished_bar_is_up_to_date(resolve, store):
    add(store, 100)
    assert "up to date" in refused(resolve, start="")["start"]
    assert resolve(start="", now=NOW + HOUR).total_bars == 2


@pytest.mark.parametrize(
    ("changes", "field", "told"),
    [
        ({"exchange": "bitstanp"}, "exchange", "There are 2; did you mean bitstamp?"),
        ({"exchange": "qqq"}, "exchange", "There are 2; such as bitstamp, kraken."),
        ({"exchange": None}, "exchange", "required"),
        ({"asset": ""}, "asset", "required"),
        ({"asset": "../../etc"}, "asset", "a market such as BTC/USD"),
        ({"asset": "x" * 41}, "asset", "a market such as BTC/USD"),
        ({"asset": 7}, "asset", "Must be a text"),
        ({"timeframe": "2h"}, "timeframe", "Bitstamp has 1m, 1h, 1d, 1w"),
        ({"timeframe": "1h", "exchange": "kraken", "start": None}, "start", "no candles yet"),
        ({"start": "yesterday"}, "start", "date or time"),
        ({"start": "1960-01-01"}, "start", "1970-01-01 or later"),
        ({"start": "2020-02-01"}, "start", "no finished bar"),
        ({"end": "2019-12-01"}, "end", "no finished bar"),
        ({"timeframe": "1m", "start": "1970-01-01"}, "start", "at most 20,000,000"),
        ({"bars": 3}, "bars", "Unknown field"),
    ],
)
def test_what_is_wrong_is_told_with_its_field(resolve, changes, field, told):
    fields = refused(resolve, **changes)
    assert told in fields[field], fields


def test_everything_that_is_wrong_is_told_at_once(resolve):
    assert set(refused(resolve, exchange="x", asset="", timeframe="", nonsense=1)) >= {"exchange", "asset", "nonsense"}


def test_wrong_timeframe_hides_no_wrong_moment(resolve):
    assert set(refused(resolve, timeframe="7h", start="yesterday", end="never")) == {"timeframe", "start", "end"}
    assert set(refused(resolve, exchange="x", start="yesterday")) == {"exchange", "start"}
