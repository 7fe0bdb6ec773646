"""Candles to measure with: a seeded random walk of hours."""

import numpy as np

from algotrade.market.bars import Bars
from algotrade.market.instruments import Instrument
from algotrade.market.store import CandleStore

FIRST_NS = 1_262_304_000_000_000_000  # 2010-01-01
HOUR_NS = 3_600_000_000_000
NAMES = {"asset": "BENCH", "exchange": "BENCH", "timeframe": "1h"}


def random_walk(n_bars: int, seed: int = 1) -> Bars:
    """Return bars of a random walk, prices on the cent."""
    steps = np.random.default_rng(seed).standard_normal(n_bars) * 0.003
    close = np.maximum(np.round(100.0 * np.exp(np.cumsum(steps - steps.mean())), 2), 1.0)
    open_ = np.concatenate((close[:1], close[:-1]))
    high, low = np.maximum(open_, close) + 0.05, np.minimum(open_, close) - 0.05
    time = FIRST_NS + HOUR_NS * np.arange(n_bars, dtype=np.int64)
    return Bars(time, open_, np.round(high, 2), np.round(low, 2), close, np.full(n_bars, 100.0))


def store_random_walk(store: CandleStore, n_bars: int) -> Bars:
    """Put the random walk into a candle store, and return it."""
    bars = random_walk(n_bars)
    instrument = Instrument(asset="BENCH", exchange="BENCH", tick_size=0.01, lot_size=1e-8, currency="USD")
    store.add(bars, instrument, "1h")
    return bars
