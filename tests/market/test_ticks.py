"""The price step is the one that nearly all prices keep, within what a market may have."""

import numpy as np
import pytest

from algotrade.market.bars import Bars
from algotrade.market.importing.columns import find_in
from algotrade.market.importing.csv_files import HEAD_BYTES, read_csv
from algotrade.market.importing.rows import parse
from algotrade.market.ticks import guess_tick, step_text


def bars(*prices):
    """Return bars of which each has one of these prices four times."""
    column = np.array(prices, np.float64)
    return Bars(np.arange(len(column)), column, column, column, column, np.ones(len(column)))


def walk(tick, n_bars=1_000, first=100.0):
    return first + np.random.default_rng(7).integers(1, 10_000, n_bars) * tick


@pytest.mark.parametrize(
    ("prices", "tick_size"),
    [
        ((1, 2, 1, 2), 1.0),
        ((1.5, 2, 1, 1.5), 0.1),
        ((97.31, 97.4, 97.3, 97.3), 0.01),
        ((1.23456, 2, 1, 1), 1e-5),
        ((100, 2000, 10, 300), 1.0),
        ((1.5e-05, 2e-05, 1e-05, 1.5e-05), 1e-6),
        ((1e-8, 2e-8, 1e-8, 1e-8), 1e-8),
        ((0.30000000000000004, 0.5, 0.1, 0.3), 0.1),
        ((1.0834299999999999, 2, 1, 1.08343), 1e-5),
        ((0.12345678, 1, 0.1, 0.5), 1e-8),
        ((126_000.01, 125_999.99, 126_000), 0.01),
    ],
)
def test_few_prices_show_their_decimals(prices, tick_size):
    assert guess_tick(bars(*prices)) == (tick_size, 1.0)


def test_few_prints_between_two_ticks_do_not_make_it_finer():
    prices = walk(0.01)
    prices[::200] += 0.0041  # 5 of 1,000
    assert guess_tick(bars(*prices)) == (0.01, 0.995)
    prices[::50] += 0.0041  # 20 of 1,000, of which 5 were off before
    assert guess_tick(bars(*prices)).size < 0.01


@pytest.mark.parametrize("tick_size", [0.25, 0.5, 0.05, 0.125, 0.0005])
def test_step_that_is_no_power_of_ten_is_found_in_many_prices(tick_size):
    assert guess_tick(bars(*walk(tick_size))).size == tick_size


def test_step_that_is_no_power_of_ten_is_not_read_into_few_prices():
    assert guess_tick(bars(97.25, 97.5, 98.75)).size == 0.01


def test_digits_of_single_precision_are_no_step():
    assert guess_tick(bars(*walk(0.01).astype(np.float32))).size == 0.01


def test_adjusted_prices_keep_no_step_and_get_a_sane_one():
    tick = guess_tick(bars(*(walk(0.01) * 0.912345678901)))
    assert tick == (0.01, 0.0)
    assert tick.note.startswith("Tick size 0.01 is a guess: the prices keep to no step.")


def test_guess_is_told_with_its_share_rounded_down():
    prices = walk(0.01)
    prices[0] += 0.0041
    assert guess_tick(bars(*prices)).note == "Tick size 0.01 is a guess: 99.90% of the prices are multiples of it."


@pytest.mark.parametrize(("step", "text"), [(1e-5, "0.00001"), (1e-8, "0.00000001"), (1.0, "1"), (0.25, "0.25"),
                                            (100.0, "100"), (0.0, "0"), (1e-20, "1e-20")])  # fmt: skip
def test_step_is_written_without_an_exponent(step, text):
    assert step_text(step) == text


@pytest.mark.parametrize(
    ("name", "tick_size"), [("SPY-1h", 0.01), ("EURUSD-1h", 1e-5), ("BTCUSD-1d", 0.01), ("BTCUSD-1m", 0.01)]
)
def test_real_prices_show_the_step_of_their_market(shared_data, name, tick_size):
    path = shared_data / f"{name}.csv"
    table = read_csv(path, path.read_bytes()[:HEAD_BYTES])
    assert guess_tick(parse(table, find_in(table)).bars).size == tick_size
