"""Sample candles are the same bytes everywhere, are possible candles, and are labelled as synthetic."""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from algotrade.market.bars import timeframe_ns
from algotrade.market.calendar import empty_days, find_gaps
from algotrade.market.instruments import Instrument
from algotrade.market.sample import CHARACTERS, generate, install_samples
from algotrade.market.store import CandleStore, content_hash
from tests.engine.market import bars_of

VERSIONS = {
    "BTCX": "ed9fb8aee2bcbf163d20f1d9b5d7c6a8eb784e26555cc917292a955b14803231",
    "ACME": "01d46ca039ba69bb2337916be3d2b5938120e1312e6d3ad8ca400cc97f2aff74",
    "GLDX": "51d8911383f4c7bf630365c3cfa526985b400d9f80ef239c3919c25e71995502",
}
"""Run keys hang on these: another value makes other runs of the same submissions."""

every_character = pytest.mark.parametrize("character", CHARACTERS, ids=lambda character: character.asset)


@every_character
def test_sample_is_the_same_bytes_on_every_machine(character):
    assert content_hash(generate(character)) == VERSIONS[character.asset]


@every_character
def test_sample_of_another_seed_is_another_market(character):
    assert content_hash(generate(replace(character, seed=99))) != VERSIONS[character.asset]


@every_character
def test_sample_bars_are_possible(character):
    bars = generate(character)
    prices = np.array([bars.open, bars.high, bars.low, bars.close])
    assert (prices > 0).all()
    assert (bars.high == prices.max(axis=0)).all()
    assert (bars.low == prices.min(axis=0)).all()
    assert (bars.volume > 0).all()
    ticks = prices / character.tick_size
    assert np.abs(ticks - np.round(ticks)).max() < 1e-6
    assert (bars.open[1:] == bars.close[:-1]).all()


@every_character
def test_sample_moves_up_and_down_and_never_stands_still(character):
    close = generate(character).close
    assert 0.3 < (np.diff(close) > 0).mean() < 0.7
    assert len(np.unique(close)) > len(close) / 20
    assert close.max() > 1.2 * close.min()


@every_character
def test_sample_has_the_times_of_its_market(character):
    time = generate(character).time
    moments = [datetime.fromtimestamp(ns // 10**9, UTC) for ns in (int(time[0]), int(time[-1]))]
    weekdays = (time // (86_400 * 10**9) + 3) % 7
    assert (np.diff(time) > 0).all()
    assert find_gaps(time, timeframe_ns(character.timeframe)) == []
    assert empty_days(time, timeframe_ns(character.timeframe)) == []
    assert int(weekdays.max()) == (4 if character.weekdays_only else 6)
    assert character.first <= moments[0].date() <= moments[1].date() <= character.last


def test_samples_are_three_datasets_of_minutes_hours_and_days(tmp_path):
    weekdays = {"ACME": ("2020-01-01", "2025-01-01"), "GLDX": ("2005-01-01", "2025-01-01")}
    n_days = {asset: int(np.busday_count(*ends)) for asset, ends in weekdays.items()}
    datasets = install_samples(CandleStore(tmp_path))
    assert [(d.label, d.n_bars, d.instrument.currency) for d in datasets] == [
        ("BTCX 1m", (31 + 28 + 31) * 1440, "USDT"),
        ("ACME 1h", n_days["ACME"] * 7, "USD"),
        ("GLDX 1d", n_days["GLDX"], "USD"),
    ]


def test_samples_are_labelled_as_synthetic(tmp_path):
    install_samples(CandleStore(tmp_path))
    for dataset in CandleStore(tmp_path).datasets():
        assert (dataset.synthetic, dataset.exchange, dataset.source) == (True, "SAMPLE", "Sample (synthetic)")
        assert dataset.version == VERSIONS[dataset.asset]


def test_samples_are_installed_once(tmp_path, monkeypatch):
    first = install_samples(CandleStore(tmp_path))
    monkeypatch.setattr("algotrade.market.sample.generate", lambda _character: pytest.fail("generated again"))
    assert install_samples(CandleStore(tmp_path)) == first


def test_candles_of_the_user_are_not_taken_for_samples(tmp_path):
    store = CandleStore(tmp_path)
    mine = store.add(bars_of([1, 2]), Instrument("ACME", "NYSE", 0.01), "1h")
    install_samples(store)
    assert mine in store.datasets()
    assert len(store.datasets()) == 4
