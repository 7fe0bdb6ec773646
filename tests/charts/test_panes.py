"""Where indicators stand: as declared, else by the size of their values."""

import numpy as np
import pytest

from algotrade.charts.panes import panes

CLOSE = 50_000.0 + 1_000.0 * np.sin(np.arange(5_000) / 100)
WAVE = np.sin(np.arange(5_000) / 50)


@pytest.mark.parametrize(
    ("values", "pane"),
    [(CLOSE * 1.02, "price"), (CLOSE - 2_000.0, "price"), (50.0 + 30.0 * WAVE, "it"), (CLOSE * 3.0, "it")],
    ids=["average", "band", "oscillator", "sum"],
)
def test_indicator_stands_where_its_size_belongs(values, pane):
    assert panes({"it": values}, CLOSE, {}) == {"it": pane}


def test_declared_pane_holds():
    # An oscillator of an asset that costs about 50 would stand on the price by its size.
    cheap = 50.0 + WAVE
    assert panes({"rsi": 50.0 + 10 * WAVE}, cheap, {}) == {"rsi": "price"}
    assert panes({"rsi": 50.0 + 10 * WAVE}, cheap, {"rsi": "below"}) == {"rsi": "below"}
    assert panes({"sum": CLOSE * 3.0}, CLOSE, {"sum": "price"}) == {"sum": "price"}


def test_indicators_of_one_size_share_a_pane():
    found = panes(
        {"macd": 80.0 * WAVE, "signal": 70.0 * WAVE, "rsi": 50.0 + 30.0 * WAVE, "atr": 900.0 + WAVE}, CLOSE, {}
    )
    assert found == {"macd": "macd", "signal": "macd", "rsi": "rsi", "atr": "atr"}


def test_indicator_that_is_never_ready_makes_no_pane():
    assert panes({"late": np.full(5_000, np.nan)}, CLOSE, {}) == {"late": "price"}


def test_values_before_an_indicator_is_ready_do_not_count():
    values = np.where(np.arange(5_000) < 4_900, np.nan, CLOSE)
    assert panes({"slow": values}, CLOSE, {}) == {"slow": "price"}


def test_price_of_zero_does_not_count():
    close = np.where(np.arange(5_000) % 2, 0.0, CLOSE)
    assert panes({"it": CLOSE}, close, {}) == {"it": "price"}
