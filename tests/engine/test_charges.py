"""Rule 9 of execution: what a position costs by the time, by numbers worked out by hand, in both gears."""

from dataclasses import replace

import numpy as np
import pytest

from algotrade.market.bars import DAY_NS
from algotrade.metrics import compute_metrics
from algotrade.records import Reason
from tests.engine.market import GEARS, backtest, bars_of, filled, outcomes, rejected, told

pytestmark = pytest.mark.parametrize("compiled", list(GEARS.values()), ids=list(GEARS))


PART_OF_A_YEAR_NS = 365 * DAY_NS // 64


def with_step(rows, *, gap_after=None):
    """Return bars a 64th of a year apart; after one of them three such steps pass."""
    bars = bars_of(rows, step_ns=PART_OF_A_YEAR_NS)
    if gap_after is None:
        return bars
    return replace(bars, time=bars.time + 2 * PART_OF_A_YEAR_NS * (np.arange(len(rows)) > gap_after))


def test_short_position_is_charged_for_each_close_at_which_it_is_held(compiled):
    bars = with_step([100, (100, 104), 96, 90, 80])
    result = backtest({0: "sell quantity=10", 2: "close"}, bars, compiled=compiled, borrow_rate=0.5)
    # sold at the open of bar 1, closed at that of bar 3:
    # bar 2 pays for bar 1: 0.5 x 10 x 104 / 64 = 8.125; bar 3 pays for bar 2 before it closes: 0.5 x 10 x 96 / 64 = 7.5
    assert result.charges == {"borrow_costs": 8.125 + 7.5}
    assert result.equity.tolist() == [
        10_000.0,
        10_000 + 10 * (100 - 104),
        10_000 + 10 * (100 - 96) - 8.125,
        10_000 + 10 * (100 - 90) - 8.125 - 7.5,
        10_000 + 10 * (100 - 90) - 8.125 - 7.5,
    ]
    assert told(result.trades, "profit") == [(100.0,)]


def test_time_between_bars_counts_by_the_clock(compiled):
    bars = with_step([100, 100, 100, 100], gap_after=1)
    result = backtest({0: "sell quantity=10"}, bars, compiled=compiled, borrow_rate=0.5)
    # 0.5 x 10 x 100 / 64 = 7.8125 a step: three steps after bar 1, one after bar 2, and nothing is known after bar 3
    assert (10_000 - result.equity).tolist() == [0.0, 0.0, 3 * 7.8125, 4 * 7.8125]


def test_position_of_this_close_is_charged_from_its_bar_on(compiled):
    bars = with_step([64, 64, 64])
    fields = {"fill": "this_close", "borrow_rate": 0.5, "close_at_end": True}
    result = backtest({0: "sell quantity=8"}, bars, compiled=compiled, **fields)
    # 0.5 x 8 x 64 / 64 = 4 for bar 0 and for bar 1
    assert (10_000 - result.equity).tolist() == [0.0, 4.0, 8.0]
    assert result.cash == 10_000 - 8


def test_long_position_borrows_nothing(compiled):
    result = backtest({0: "buy quantity=10"}, with_step([100] * 4), compiled=compiled, borrow_rate=0.5)
    assert result.charges == {"borrow_costs": 0.0}
    assert result.equity.tolist() == [10_000.0] * 4


def test_borrowing_is_paid_before_orders_fill(compiled):
    # 100 units at 100 with margin 0.5 tie up 5,000 of 10,000; the other 5,000 are just enough for as many again,
    # unless 0.5 x 100 x 100 / 64 = 78.125 were paid for the bar between
    fields = {"borrow_rate": 0.5, "margin_ratio": 0.5}
    orders = {0: "sell quantity=100", 1: "sell quantity=100"}
    result = backtest(orders, with_step([100] * 4), compiled=compiled, **fields)
    assert outcomes(result) == [filled(1), rejected(Reason.NOT_PAYABLE, 2)]
    free = backtest(orders, with_step([100] * 4), compiled=compiled, margin_ratio=0.5)
    assert outcomes(free) == [filled(1), filled(2)]


def test_borrowing_can_ruin(compiled):
    fields = {"borrow_rate": 10.0, "initial_cash": 1_000.0}
    result = backtest({0: "sell quantity=10"}, with_step([100] * 9), compiled=compiled, **fields)
    # 10 x 10 x 100 / 64 = 156.25 a step: 1,000 are gone with the seventh, at bar 8
    assert (result.ruined_bar, result.equity[-1]) == (8, 1_000 - 7 * 156.25)
    assert result.charges == {"borrow_costs": 7 * 156.25}


def test_borrow_costs_are_a_metric(compiled):
    result = backtest({0: "sell quantity=10"}, with_step([100] * 3), compiled=compiled, borrow_rate=0.5)
    found = compute_metrics(result, initial_cash=10_000.0, days_per_year=365.0, risk_free_rate=0.0).values
    # one step is paid for, and the price stood still
    assert (found["borrow_costs"], found["net_profit"], found["open_profit"]) == (7.8125, -7.8125, 0.0)
