"""Candles to measure with, a seeded random walk, and a spec that trades all of them."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from algotrade.market.bars import Bars, timeframe_ns
from algotrade.market.instruments import Instrument
from algotrade.market.store import CandleStore
from algotrade.spec import BacktestSpec, ParamValue

FIRST_NS = 1_262_304_000_000_000_000  # 2010-01-01
HOUR_NS = 3_600_000_000_000
MINUTE_NS = 60_000_000_000
NAMES = {"asset": "BENCH", "exchange": "BENCH", "timeframe": "1h"}
INSTRUMENT = Instrument(asset="BENCH", exchange="BENCH", tick_size=0.01, lot_size=1e-8, currency="USD")
COMMISSION = 0.0005


def random_walk(n_bars: int, seed: int = 1, bar_ns: int = HOUR_NS) -> Bars:
    """Return bars of a random walk, `bar_ns` nanoseconds apart, prices on the cent."""
    steps = np.random.default_rng(seed).standard_normal(n_bars) * 0.003 * (bar_ns / HOUR_NS) ** 0.5
    close = np.maximum(np.round(100.0 * np.exp(np.cumsum(steps - steps.mean())), 2), 1.0)
    open_ = np.concatenate((close[:1], close[:-1]))
    high, low = np.maximum(open_, close) + 0.05, np.minimum(open_, close) - 0.05
    time = FIRST_NS + bar_ns * np.arange(n_bars, dtype=np.int64)
    return Bars(time, open_, np.round(high, 2), np.round(low, 2), close, np.full(n_bars, 100.0))


def store_random_walk(
    store: CandleStore, n_bars: int, *, asset: str = NAMES["asset"], timeframe: str = NAMES["timeframe"]
) -> Bars:
    """Put the random walk into a candle store, and return it."""
    bars = random_walk(n_bars, bar_ns=timeframe_ns(timeframe))
    store.add(bars, replace(INSTRUMENT, asset=asset), timeframe)
    return bars


def spec_of(bars: Bars, parameters: Mapping[str, ParamValue]) -> BacktestSpec:
    """Return the spec of a backtest on all of the bars."""
    first, last = int(bars.time[0]), int(bars.time[-1])
    return BacktestSpec("bench", "BENCH", "BENCH", "1h", first, last, parameters, commission=COMMISSION)
