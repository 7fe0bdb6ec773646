"""Synthetic candles for the first minutes: three assets of different character, the same on every machine.

They are labelled as synthetic everywhere and prove nothing about any market.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime

import numpy as np
from numpy.typing import NDArray

from algotrade.market.bars import DAY_NS, SECOND_NS, Bars, timeframe_ns
from algotrade.market.instruments import Instrument
from algotrade.market.store import CandleStore, Dataset

EXCHANGE = "SAMPLE"
SOURCE = "Sample (synthetic)"


@dataclass(frozen=True, slots=True)
class Character:
    """How one sample asset moves.

    Attributes:
        asset, timeframe, currency: its name.
        first, last: days of its range, both inclusive.
        weekdays_only: whether it rests on Saturday and Sunday.
        open_hour, close_hour: UTC hours between which bars open; 0 and 24 for a market that never closes.
        price_ticks: first price, ticks.
        tick_size, lot_size: of the instrument.
        step_ticks: typical move of one bar in a calm regime, ticks.
        drift_ticks: pull of a trending regime, ticks a bar.
        regime_bars: typical length of a regime.
        seed: of its generator.
    """

    asset: str
    timeframe: str
    currency: str
    first: date
    last: date
    weekdays_only: bool
    open_hour: int
    close_hour: int
    price_ticks: int
    tick_size: float
    lot_size: float
    step_ticks: int
    drift_ticks: int
    regime_bars: int
    seed: int


CHARACTERS = (
    Character(
        "BTCX",
        "1m",
        "USDT",
        date(2025, 1, 1),
        date(2025, 3, 31),
        False,
        0,
        24,
        4_200_000,
        0.01,
        1e-5,
        1_500,
        60,
        900,
        11,
    ),
    Character(
        "ACME", "1h", "USD", date(2020, 1, 1), date(2024, 12, 31), True, 14, 21, 8_000, 0.01, 1.0, 35, 3, 160, 12
    ),
    Character(
        "GLDX", "1d", "USD", date(2005, 1, 1), date(2024, 12, 31), True, 0, 1, 45_000, 0.1, 0.01, 300, 25, 90, 13
    ),
)
"""A market that never closes, in minutes; a stock of regular sessions, in hours; a slow mover, in days."""


def install_samples(store: CandleStore) -> list[Dataset]:
    """Store the sample candles that are not there yet; return them all."""
    there = {(d.asset, d.timeframe): d for d in store.datasets() if d.synthetic}
    return [there.get((c.asset, c.timeframe)) or _install(store, c) for c in CHARACTERS]


def _install(store: CandleStore, character: Character) -> Dataset:
    instrument = Instrument(
        asset=character.asset,
        exchange=EXCHANGE,
        tick_size=character.tick_size,
        lot_size=character.lot_size,
        currency=character.currency,
    )
    return store.add(generate(character), instrument, character.timeframe, synthetic=True, source=SOURCE)


def generate(character: Character) -> Bars:
    """Return an asset's bars.

    Prices are walked in whole ticks with a seeded generator and integer arithmetic, so that no machine's rounding can
    make another dataset (and another run key) of it.
    """
    time = _times(character)
    rng = np.random.Generator(np.random.PCG64(character.seed))
    n_bars = len(time)
    regime = _regimes(rng, n_bars, character.regime_bars)
    drift = np.array([1, 0, -1, 0, 1])[regime] * character.drift_ticks
    spread = np.array([2, 3, 6, 2, 4])[regime] * character.step_ticks // 2
    # The sum of three uniform integers is close enough to a normal draw, and exact.
    draws = rng.integers(-1_000, 1_001, size=(3, n_bars)).sum(axis=0)
    steps = drift + draws * spread // 1_000
    close = _keep_above(character.price_ticks + np.cumsum(steps), character.price_ticks // 8)
    opens = np.concatenate(([character.price_ticks], close[:-1]))
    wick_up, wick_down = rng.integers(0, np.maximum(spread, 2), size=(2, n_bars))
    high = np.maximum(opens, close) + wick_up
    low = np.maximum(np.minimum(opens, close) - wick_down, 1)
    volume = (rng.integers(50, 1_000, size=n_bars) * (1 + np.abs(steps) // max(1, character.step_ticks))).astype(
        np.float64
    )
    decimals = round(1 / character.tick_size)
    open_, high_, low_, close_ = (column.astype(np.float64) / decimals for column in (opens, high, low, close))
    return Bars(time, open=open_, high=high_, low=low_, close=close_, volume=volume)


def _times(character: Character) -> NDArray[np.int64]:
    """Return the opens of all bars, int64[n_bars], UTC ns."""
    first, last = (
        int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * SECOND_NS // DAY_NS
        for day in (character.first, character.last)
    )
    days = np.arange(first, last + 1)
    if character.weekdays_only:
        days = days[(days + 3) % 7 < 5]  # 1970-01-01 was a Thursday
    step = timeframe_ns(character.timeframe)
    hour = 3_600 * SECOND_NS
    in_day = np.arange(character.open_hour * hour, character.close_hour * hour, step)
    return (days[:, None] * DAY_NS + in_day[None, :]).ravel()


def _regimes(rng: np.random.Generator, n_bars: int, typical: int) -> NDArray[np.int64]:
    """Return int64[n_bars] in 0..4: rising, calm, falling and wild, quiet, rising and wild; each some time long."""
    lengths = rng.integers(typical // 3, typical * 2, size=n_bars // (typical // 3) + 1)
    kinds = rng.integers(0, 5, size=len(lengths))
    return np.repeat(kinds, lengths)[:n_bars]


def _keep_above(ticks: NDArray[np.int64], floor: int) -> NDArray[np.int64]:
    """Reflect a walk at `floor`, so that a price never comes near zero."""
    return floor + np.abs(ticks - floor)
