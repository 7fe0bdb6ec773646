"""Trades by numbers worked out by hand, in both gears: their worst and best moment, and numbers of lots."""

import pytest

from tests.engine.market import GEARS, backtest, bars_of, told

pytestmark = pytest.mark.parametrize("compiled", list(GEARS.values()), ids=list(GEARS))


# Numbers of lots


@pytest.mark.parametrize(("price", "units"), [(1e-5, 1e11), (1e-6, 1e12), (1e-7, 1e13)])
def test_more_lots_than_an_integer_holds_are_bought(compiled, price, units):
    bars, fields = bars_of([price] * 4), {"initial_cash": 1_000_000.0, "tick_size": 1e-8, "lot_size": 1e-8}
    result = backtest({0: "buy", 2: "close"}, bars, compiled=compiled, **fields)
    assert result.fills["qty"].tolist() == pytest.approx([units, -units], rel=1e-9)
    assert result.fills["position"][1] == 0.0


def test_all_of_a_position_is_all_of_it_after_adding_and_taking_off(compiled):
    orders = {0: "sell quantity=1169.69197002; sell quantity=7306.07887046", 1: "buy quantity=18.846"}
    orders |= {2: "buy quantity=8397.72636659", 3: "buy quantity=20.083; buy fraction=1"}
    fields = {"initial_cash": 1_000_000.0, "lot_size": 1e-8}
    result = backtest(orders, bars_of([10] * 5), compiled=compiled, **fields)
    assert result.fills["position"][-1] == 0.0


# Excursions of a trade


def test_trade_remembers_its_worst_and_best_moment(compiled):
    bars = bars_of([10, (10, 15, 8, 12), (12, 20, 11, 13), (13, 99, 1, 50)])
    result = backtest({0: "buy quantity=10", 2: "close"}, bars, compiled=compiled)
    # from the entry at 10 to the exit at the open of 13: low 8, high 20; what follows the exit does not count
    assert told(result.trades, "mae", "mfe") == [(10 * (8 - 10), 10 * (20 - 10))]


def test_short_trade_remembers_its_worst_and_best_moment(compiled):
    bars = bars_of([10, (10, 15, 8, 12), (12, 20, 11, 13), (25, 99, 1, 50)])
    result = backtest({0: "sell quantity=10", 2: "close"}, bars, compiled=compiled)
    # the exit itself, at 25, is the worst
    assert told(result.trades, "mae", "mfe") == [(10 * (10 - 25), 10 * (10 - 8))]


def test_what_is_bought_later_had_no_part_in_the_worst_moment_before(compiled):
    bars = bars_of([100, (100, 100, 50, 100), 100, 100])
    result = backtest({0: "buy quantity=1", 1: "buy quantity=10", 2: "close"}, bars, compiled=compiled)
    # one unit was held when the price was at 50
    assert told(result.trades, "qty", "mae", "mfe") == [(11.0, 50 - 100, 0.0)]


def test_moments_are_shared_out_by_what_is_sold_at_a_time(compiled):
    bars = bars_of([100, (100, 120, 50, 100), (100, 110, 90, 100), (100, 104, 99, 100), 100])
    result = backtest({0: "buy quantity=10", 1: "sell quantity=4", 3: "close"}, bars, compiled=compiled)
    # ten units were down 500 and up 200: four go with 4/10 of both, six keep the rest, which 90 and 110 do not exceed
    assert told(result.trades, "qty", "mae", "mfe") == [(4.0, -200.0, 80.0), (6.0, -300.0, 120.0)]


def test_average_price_of_a_short_that_grew_counts_in_its_moments(compiled):
    bars = bars_of([100, (100, 100, 100, 100), (120, 120, 120, 120), (120, 130, 100, 120), 120])
    orders = {0: "sell quantity=10", 1: "sell quantity=10", 3: "close"}
    result = backtest(orders, bars, compiled=compiled)
    # sold at 110 on average: 20 units are down 400 at 130, and up 200 at 100
    assert told(result.trades, "mae", "mfe") == [(20 * (110 - 130), 20 * (110 - 100))]
