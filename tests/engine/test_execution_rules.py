"""Every rule of execution that the engine states, by numbers worked out by hand, in both gears."""

import numpy as np
import pytest

from algotrade.errors import EngineError
from algotrade.records import OrderStatus, Reason, Side
from algotrade.spec import Sizing
from tests.engine.market import GEARS, Watching, backtest, bars_of, filled, outcomes, rejected, told

pytestmark = pytest.mark.parametrize("compiled", list(GEARS.values()), ids=list(GEARS))


# Rule 1: when a decision fills


def test_order_fills_at_the_next_open(compiled):
    bars = bars_of([(10, 11), (12, 13), (14, 15), (16, 17)])
    result = backtest({1: "buy quantity=100"}, bars, compiled=compiled)
    assert told(result.fills, "bar", "qty", "price", "position") == [(2, 100.0, 14.0, 100.0)]
    # bought at 14; marked at 15, then at 17
    assert result.equity.tolist() == [10_000, 10_000, 10_000 + 100 * (15 - 14), 10_000 + 100 * (17 - 14)]
    assert outcomes(result) == [filled(2)]


def test_order_fills_at_this_close_when_asked_and_is_marked_there(compiled):
    bars = bars_of([(10, 11), (12, 13), (14, 15)])
    result = backtest({1: "buy quantity=100"}, bars, compiled=compiled, fill="this_close", fixed_fee=5.0)
    assert told(result.fills, "bar", "price") == [(1, 13.0)]
    assert result.equity.tolist() == [10_000, 10_000 - 5, 10_000 - 5 + 100 * (15 - 13)]


def test_order_at_the_last_bar_fills_at_its_close_when_that_is_asked(compiled):
    result = backtest({2: "buy quantity=1"}, bars_of([10, 10, 12]), compiled=compiled, fill="this_close")
    assert told(result.fills, "bar", "price") == [(2, 12.0)]


def test_order_at_the_last_bar_finds_no_next_one(compiled):
    result = backtest({2: "buy quantity=1; close"}, bars_of([10, 10, 12]), compiled=compiled)
    assert len(result.fills) == 0
    assert outcomes(result) == [(OrderStatus.CANCELLED, Reason.NO_NEXT_BAR, 2)] * 2
    assert result.equity.tolist() == [10_000.0] * 3


def test_range_of_a_run_counts_its_own_bars_and_never_sees_later_ones(compiled):
    bars = bars_of([10, 11, 12, 13, 14, 99, 99])
    start, end = int(bars.time[2]), int(bars.time[4])
    result = backtest({3: "buy quantity=100"}, bars, compiled=compiled, start_ns=start, end_ns=end)
    # the script's bar 3 is bar 1 of the range; it fills at bar 2, the range's last, at 14
    assert told(result.fills, "bar", "price") == [(2, 14.0)]
    assert result.close.tolist() == [12.0, 13.0, 14.0]


def test_range_without_bars_is_refused(compiled):
    bars = bars_of([10, 11])
    with pytest.raises(EngineError, match="at least one"):
        backtest({}, bars, compiled=compiled, start_ns=0, end_ns=1)


def test_single_bar_is_a_run(compiled):
    assert backtest({0: "buy"}, bars_of([10]), compiled=compiled).equity.tolist() == [10_000.0]


# Rule 2: the order within a bar


@pytest.mark.parametrize(
    ("orders", "sizes", "position"),
    [
        ("buy quantity=80; buy quantity=30", [filled(1), rejected(Reason.NOT_PAYABLE, 1)], 80.0),
        ("buy quantity=30; buy quantity=80", [filled(1), rejected(Reason.NOT_PAYABLE, 1)], 30.0),
    ],
)
def test_orders_fill_in_the_order_given(compiled, orders, sizes, position):
    # cash 10,000 pays for 100 units at 100: whichever of 80 and 30 is second finds too little left
    result = backtest({0: orders}, bars_of([100, 100]), compiled=compiled)
    assert outcomes(result) == sizes
    assert result.position == position


def test_size_is_resolved_after_the_orders_before_it(compiled):
    # half of 10,000 at 100 is 50 units; half of the 5,000 left is 25
    result = backtest({0: "buy fraction=0.5; buy fraction=0.5"}, bars_of([100, 100]), compiled=compiled)
    assert told(result.fills, "qty") == [(50.0,), (25.0,)]


def test_orders_of_one_bar_open_and_close_again(compiled):
    result = backtest({0: "buy quantity=5; close"}, bars_of([10, 10, 12]), compiled=compiled)
    assert told(result.fills, "bar", "qty", "position") == [(1, 5.0, 5.0), (1, -5.0, 0.0)]
    assert told(result.trades, "entry_bar", "exit_bar", "profit") == [(1, 1, 0.0)]


# Rule 3: slippage


def test_slippage_in_ticks_is_adverse_both_ways(compiled):
    bars = bars_of([100] * 6)
    orders = {0: "buy quantity=4", 1: "close", 2: "sell quantity=4", 3: "close"}
    result = backtest(orders, bars, compiled=compiled, slippage_ticks=2.0, tick_size=0.25)
    # 2 ticks of 0.25 are 0.5 a unit, 2 for each fill of 4 units
    assert told(result.fills, "qty", "price", "slippage") == [
        (4.0, 100.5, 2.0),
        (-4.0, 99.5, 2.0),
        (-4.0, 99.5, 2.0),
        (4.0, 100.5, 2.0),
    ]
    assert told(result.trades, "profit", "slippage") == [(-4.0, 4.0), (-4.0, 4.0)]
    assert result.equity[-1] == 10_000 - 8


def test_slippage_as_a_fraction_is_adverse_both_ways(compiled):
    result = backtest({0: "buy quantity=2", 1: "close"}, bars_of([128] * 3), compiled=compiled, slippage_frac=1 / 128)
    assert told(result.fills, "price", "slippage") == [(129.0, 2.0), (127.0, 2.0)]


def test_slippage_adds_ticks_before_the_fraction(compiled):
    result = backtest(
        {0: "buy quantity=1", 1: "close"},
        bars_of([127.5] * 3),
        compiled=compiled,
        slippage_ticks=1.0,
        tick_size=0.5,
        slippage_frac=1 / 128,
    )
    # (127.5 + 0.5) x (1 + 1/128) = 129; (127.5 - 0.5) x (1 - 1/128) = 127 - 127/128
    assert told(result.fills, "price") == [(129.0,), (127 - 127 / 128,)]


def test_sale_gets_at_least_one_tick(compiled):
    bars = bars_of([10, 10, 0.5])
    orders = {0: "buy quantity=1", 1: "close"}
    result = backtest(orders, bars, compiled=compiled, slippage_ticks=4.0, tick_size=0.25)
    # 0.5 less 4 ticks of 0.25 would be -0.5
    assert told(result.fills, "price", "slippage") == [(11.0, 1.0), (0.25, 0.25)]


def test_sale_below_one_tick_is_not_lifted_to_it(compiled):
    bars = bars_of([10, 10, 0.004])
    result = backtest({0: "buy quantity=1000", 1: "close"}, bars, compiled=compiled, tick_size=0.01)
    assert told(result.fills, "price", "slippage") == [(10.0, 0.0), (0.004, 0.0)]


# Rule 4: commission


def test_commission_is_a_fraction_of_notional_and_a_fixed_fee(compiled):
    bars = bars_of([64, 64, 128])
    costs = {"commission": 1 / 128, "fixed_fee": 3.0}
    result = backtest({0: "buy quantity=10", 1: "close"}, bars, compiled=compiled, **costs)
    # 640 / 128 + 3 = 8 and 1280 / 128 + 3 = 13
    assert told(result.fills, "commission") == [(8.0,), (13.0,)]
    assert told(result.trades, "commission", "profit") == [(21.0, 640.0 - 21)]
    assert (result.commissions, result.cash, result.equity[-1]) == (21.0, 10_619.0, 10_619.0)


def test_commission_of_an_entry_is_shared_by_its_exits(compiled):
    bars = bars_of([10] * 4)
    orders = {0: "buy quantity=8", 1: "sell quantity=2", 2: "sell quantity=6"}
    result = backtest(orders, bars, compiled=compiled, fixed_fee=4.0)
    # entry 4: a quarter leaves with 2 of 8 units, the rest with 6; each exit pays 4 itself
    assert told(result.trades, "qty", "commission", "profit") == [(2.0, 5.0, -5.0), (6.0, 7.0, -7.0)]


# Rule 5: sizes


@pytest.mark.parametrize(
    ("order", "sizing", "quantity"),
    [
        # cash 1,000, fee 8, commission 1/64, price 30: a unit costs 30 x 65/64 = 30.46875
        ("buy fraction=0.5", Sizing(), 16.0),  # 0.5 x 992 / 30.46875 = 16.27...
        ("buy", Sizing(), 32.0),  # 992 / 30.46875 = 32.55...
        ("buy", Sizing("equity_fraction", 0.25), 8.0),  # 248 / 30.46875 = 8.13...
        ("buy quote=500", Sizing(), 16.0),  # 500 / 30.46875 = 16.41...
        ("buy", Sizing("quote", 100.0), 3.0),  # 100 / 30.46875 = 3.28...
        ("buy quantity=7.9", Sizing(), 7.0),
        ("buy", Sizing("quantity", 3.0), 3.0),
        ("sell fraction=0.5", Sizing(), 16.0),  # margin 1: as for a purchase
        ("sell quantity=7.9", Sizing(), 7.0),
    ],
)
def test_size_is_rounded_toward_zero_to_the_lot(compiled, order, sizing, quantity):
    costs = {"initial_cash": 1_000.0, "fixed_fee": 8.0, "commission": 1 / 64}
    result = backtest({0: order}, bars_of([30, 30]), compiled=compiled, sizing=sizing, **costs)
    assert told(result.fills, "qty") == [(quantity if order.startswith("buy") else -quantity,)]


def test_lot_may_be_a_part_of_a_unit(compiled):
    result = backtest({0: "buy quantity=7.9"}, bars_of([30, 30]), compiled=compiled, lot_size=0.25)
    assert result.position == 7.75


@pytest.mark.parametrize("lots", [1, 3, 6, 7, 29, 57, 1_001])
def test_quantity_of_whole_lots_is_kept_whatever_its_decimals(compiled, lots):
    # 3 x 0.1 as people write it, 0.3, is a little less than three times the lot in binary
    quantity = float(f"{lots / 10:.1f}")
    result = backtest({0: f"buy quantity={quantity}"}, bars_of([1, 1]), compiled=compiled, lot_size=0.1)
    assert result.position == pytest.approx(quantity, rel=1e-15)


@pytest.mark.parametrize("lot_size", [0.1, 1e-8, 0.0])
@pytest.mark.parametrize("exits", [["0.3"], ["0.2", "0.1"], ["0.1", "0.1", "0.1"]])
def test_selling_what_was_bought_in_parts_leaves_no_dust(compiled, lot_size, exits):
    # 0.1 + 0.2 is 0.30000000000000004
    orders = {0: "buy quantity=0.1; buy quantity=0.2"} | {
        bar: f"sell quantity={quantity}" for bar, quantity in enumerate(exits, start=1)
    }
    result = backtest(orders, bars_of([10] * 6), compiled=compiled, lot_size=lot_size)
    assert result.position == 0.0
    assert len(result.closed_trades) == len(exits)


def test_lot_of_zero_does_not_round(compiled):
    result = backtest({0: "buy fraction=0.5"}, bars_of([64, 64]), compiled=compiled, lot_size=0.0)
    assert result.position == 5_000 / 64  # 78.125


@pytest.mark.parametrize("price", [0.1, 0.3, 3.3, 7.7, 123.4567, 98_765.43])
def test_all_in_without_lots_leaves_no_debt(compiled, price):
    result = backtest({0: "buy"}, bars_of([price] * 2), compiled=compiled, lot_size=0.0, commission=0.001)
    assert 0.0 <= result.cash <= 1e-9
    assert result.position == pytest.approx(10_000 / (price * 1.001), rel=1e-12)


@pytest.mark.parametrize(
    ("orders", "reason"),
    [
        ("buy quantity=101", Reason.NOT_PAYABLE),
        ("sell quantity=101", Reason.NOT_PAYABLE),
        ("buy quote=10100", Reason.NOT_PAYABLE),
        ("buy quantity=0.9", Reason.TOO_SMALL),
        ("buy quote=99", Reason.TOO_SMALL),
        ("buy fraction=0.0099", Reason.TOO_SMALL),
        ("sell quote=99", Reason.TOO_SMALL),
    ],
)
def test_order_that_cannot_fill_is_rejected_with_the_reason(compiled, orders, reason):
    result = backtest({0: orders}, bars_of([100, 100, 100]), compiled=compiled)
    assert outcomes(result) == [rejected(reason, 1)]
    assert (len(result.fills), result.cash, result.position) == (0, 10_000.0, 0.0)


def test_sale_of_a_part_that_does_not_pay_its_own_fee_is_rejected_without_cash(compiled):
    fields = {"initial_cash": 1_030.0, "fixed_fee": 30.0, "compiled": compiled}
    orders = {0: "buy", 1: "sell quantity=2", 2: "sell quantity=3"}
    result = backtest(orders, bars_of([10] * 4), **fields)
    # 1,030 - 30 buys 100 units at 10 and leaves no cash; 2 units bring 20 and cost 30, 3 units bring just 30
    assert outcomes(result) == [filled(1), rejected(Reason.NOT_PAYABLE, 2), filled(3)]
    assert result.equity.tolist() == [1_030.0, 1_000.0, 1_000.0, 970.0]
    assert result.cash == 0.0


def test_whole_position_can_be_sold_below_its_fee(compiled):
    fields = {"initial_cash": 1_030.0, "fixed_fee": 30.0, "compiled": compiled}
    result = backtest({0: "buy", 1: "close"}, bars_of([10, 10, 0.2, 10]), **fields)
    # 100 units at 0.2 are 20, less 30
    assert (result.cash, result.ruined_bar) == (-10.0, 2)


def test_second_close_finds_nothing_to_close(compiled):
    result = backtest({0: "buy quantity=1", 1: "close; close"}, bars_of([10] * 4), compiled=compiled)
    assert outcomes(result) == [filled(1), filled(2), rejected(Reason.NOTHING_TO_CLOSE, 2)]


def test_close_without_a_position_gives_no_order(compiled):
    assert len(backtest({0: "close"}, bars_of([10] * 3), compiled=compiled).orders) == 0


def test_fees_that_eat_the_cash_leave_nothing_to_buy_with(compiled):
    result = backtest({0: "buy"}, bars_of([1, 1]), compiled=compiled, initial_cash=100.0, fixed_fee=100.0)
    assert outcomes(result) == [rejected(Reason.TOO_SMALL, 1)]


def test_quantity_that_costs_exactly_the_cash_is_payable_and_a_fee_more_is_not(compiled):
    bars = bars_of([100, 100])
    assert backtest({0: "buy quantity=100"}, bars, compiled=compiled).cash == 0.0
    refused = backtest({0: "buy quantity=100"}, bars, compiled=compiled, fixed_fee=0.01)
    assert outcomes(refused) == [rejected(Reason.NOT_PAYABLE, 1)]


# Rule 6: one net position


@pytest.mark.parametrize(
    ("enter", "leave", "held"),
    [
        ("sell quantity=10", "buy quantity=25", 0.0),
        ("buy quantity=10", "sell quantity=25", 0.0),
        ("buy quantity=10", "sell quantity=4", 6.0),
        ("sell quantity=10", "buy quantity=4", -6.0),
        ("buy quantity=10", "sell fraction=0.5", 5.0),
        ("buy quantity=7", "sell fraction=0.5", 4.0),  # 3.5 rounds to 3
        ("sell quantity=10", "buy fraction=1", 0.0),
        ("buy quantity=10", "sell quote=110", 5.0),  # 110 / 20 = 5.5 rounds to 5
        ("buy quantity=10", "sell quote=200", 0.0),
        ("buy quantity=10", "sell", 0.0),
    ],
)
def test_order_against_the_position_only_reduces_it(compiled, enter, leave, held):
    result = backtest({0: enter, 1: leave}, bars_of([20] * 4), compiled=compiled)
    assert result.position == held
    assert result.equity.tolist() == [10_000.0] * 4


def test_reduction_below_a_lot_is_rejected(compiled):
    result = backtest({0: "buy quantity=1", 1: "sell fraction=0.5"}, bars_of([20] * 4), compiled=compiled)
    assert outcomes(result)[1] == rejected(Reason.TOO_SMALL, 2)


def test_flip_is_two_fills_two_fees_and_two_trades(compiled):
    bars = bars_of([10, 10, 10, 12, 11])
    orders = {0: "buy quantity=100", 2: "close; sell quantity=50"}
    result = backtest(orders, bars, compiled=compiled, fixed_fee=1.0)
    assert told(result.fills, "bar", "qty", "price", "commission", "position") == [
        (1, 100.0, 10.0, 1.0, 100.0),
        (3, -100.0, 12.0, 1.0, 0.0),
        (3, -50.0, 12.0, 1.0, -50.0),
    ]
    # long: 100 x (12 - 10) - 2 fees; short, open: 50 x (12 - 11) - 1 fee
    assert told(result.trades, "side", "profit", "exit_reason") == [
        (Side.LONG, 198.0, Reason.SIGNAL),
        (Side.SHORT, 49.0, Reason.NONE),
    ]
    assert result.equity[-1] == 10_000 + 198 + 49


def test_enlarged_position_has_a_weighted_price_and_is_one_trade(compiled):
    bars = bars_of([10, 10, 14, 20])
    result = backtest({0: "buy quantity=10", 1: "buy quantity=30", 2: "close"}, bars, compiled=compiled)
    # (10 x 10 + 30 x 14) / 40 = 13; 40 x (20 - 13) = 280
    assert told(result.trades, "entry_bar", "exit_bar", "qty", "entry_price", "profit") == [(1, 3, 40.0, 13.0, 280.0)]


@pytest.mark.parametrize(("margin_ratio", "quantity"), [(1.0, 100.0), (0.5, 200.0), (2.0, 50.0), (0.25, 400.0)])
def test_short_of_the_whole_equity_ties_up_its_margin(compiled, margin_ratio, quantity):
    # 1,000 / (10 x margin ratio)
    fields = {"initial_cash": 1_000.0, "margin_ratio": margin_ratio}
    result = backtest({0: "sell"}, bars_of([10, 10]), compiled=compiled, **fields)
    assert (result.position, result.cash) == (-quantity, 1_000 + 10 * quantity)


@pytest.mark.parametrize(
    ("price", "quantity", "is_payable"),
    # short 40 at 10 with 1,000: cash 1,400. At 10 the position ties up 800 of it, 600 are free: 60 units.
    # At 12: equity 1,400 - 480 = 920, margin 480, free 440: 36 units (432).
    [(10, 60, True), (10, 61, False), (12, 36, True), (12, 37, False)],
)
def test_short_can_grow_by_what_no_margin_ties_up(compiled, price, quantity, is_payable):
    orders = {0: "sell quantity=40", 1: f"sell quantity={quantity}"}
    result = backtest(orders, bars_of([10, 10, price]), compiled=compiled, initial_cash=1_000.0)
    assert outcomes(result)[1] == (filled(2) if is_payable else rejected(Reason.NOT_PAYABLE, 2))


def test_short_fraction_counts_the_free_equity_alone(compiled):
    # as above, free 440 at 12: all of it is 36 units (36.67)
    bars = bars_of([10, 10, 12])
    result = backtest({0: "sell quantity=40", 1: "sell fraction=1"}, bars, compiled=compiled, initial_cash=1_000.0)
    assert told(result.fills, "qty") == [(-40.0,), (-36.0,)]


def test_short_profit_is_what_the_price_lost(compiled):
    bars = bars_of([10, 10, (9, 8), (7, 6)])
    result = backtest({0: "sell quantity=100", 2: "close"}, bars, compiled=compiled)
    # sold at 10; marked at 10 and 8; bought back at 7
    assert result.equity.tolist() == [10_000, 10_000, 10_000 + 100 * (10 - 8), 10_000 + 100 * (10 - 7)]


# Rule 7: ruin


def test_account_without_equity_is_liquidated_at_the_close_and_ends(compiled):
    bars = bars_of([10, 10, (11, 20), 5, 5])
    orders = {0: "sell quantity=100", 2: "buy quantity=1", 3: "buy quantity=1"}
    result = backtest(orders, bars, compiled=compiled, initial_cash=1_001.0, fixed_fee=1.0)
    # short 100 at 10: cash 2,000; at 20 equity is 0: bought back at 20, fee 1, cash -1; nothing happens any more
    assert result.ruined_bar == 2
    assert told(result.fills, "bar", "order", "qty", "price", "reason") == [
        (1, 0, -100.0, 10.0, Reason.SIGNAL),
        (2, -1, 100.0, 20.0, Reason.LIQUIDATION),
    ]
    assert result.equity.tolist() == [1_001.0, 1_000.0, -1.0, -1.0, -1.0]
    assert told(result.trades, "profit", "exit_reason") == [(-1_002.0, Reason.LIQUIDATION)]
    assert len(result.orders) == 1


def test_account_with_a_cent_of_equity_goes_on(compiled):
    bars = bars_of([10, 10, 19.75, 10])
    result = backtest({0: "sell quantity=100"}, bars, compiled=compiled, initial_cash=1_000.0)
    assert result.ruined_bar is None
    assert result.equity.tolist() == [1_000.0, 1_000.0, 25.0, 1_000.0]


def test_equity_of_exactly_zero_is_ruin(compiled):
    result = backtest({0: "sell quantity=100"}, bars_of([10, 10, 20, 10]), compiled=compiled, initial_cash=1_000.0)
    assert (result.ruined_bar, result.equity.tolist()) == (2, [1_000.0, 1_000.0, 0.0, 0.0])


def test_ruin_at_the_last_bar_is_not_closed_twice(compiled):
    bars = bars_of([10, 10, 20])
    result = backtest({0: "sell quantity=100"}, bars, compiled=compiled, initial_cash=1_000.0, close_at_end=True)
    assert (result.ruined_bar, len(result.fills), result.position) == (2, 2, 0.0)


def test_position_that_was_closed_at_a_loss_beyond_the_equity_is_ruin(compiled):
    bars = bars_of([10, 10, 25, 5])
    orders = {0: "sell quantity=100", 1: "close", 2: "buy quantity=1"}
    result = backtest(orders, bars, compiled=compiled, initial_cash=1_000.0)
    # short 100 at 10: cash 2,000; bought back at the open of 25: 2,000 - 2,500
    assert (result.ruined_bar, result.equity.tolist()) == (2, [1_000.0, 1_000.0, -500.0, -500.0])
    assert len(result.orders) == 2


def test_fees_that_cost_all_equity_at_this_close_are_ruin_there(compiled):
    bars = bars_of([10, 10, 1, 10])
    orders = {0: "buy quantity=10", 2: "close", 3: "buy quantity=1"}
    fields = {"initial_cash": 105.0, "fixed_fee": 5.0, "fill": "this_close"}
    result = backtest(orders, bars, compiled=compiled, **fields)
    # 105 - 100 - 5 = 0 in cash; 10 units at 1 are 10, and sold 10 - 5 = 5
    assert (result.ruined_bar, result.equity.tolist()) == (None, [100.0, 100.0, 5.0, 5.0])
    result = backtest(orders, bars_of([10, 10, 0.5, 10]), compiled=compiled, **fields)
    # at 0.5: 5 - 5 = 0
    assert (result.ruined_bar, result.equity.tolist()) == (2, [100.0, 100.0, 0.0, 0.0])
    assert len(result.orders) == 2


# Rule 8: the end


def test_open_position_is_marked_at_the_last_close(compiled):
    bars = bars_of([10, 10, (11, 12)])
    result = backtest({0: "buy quantity=100"}, bars, compiled=compiled, fixed_fee=2.0)
    assert (result.position, result.cash, result.equity[-1]) == (100.0, 8_998.0, 10_198.0)
    # 100 x (12 - 10) - 2
    assert told(result.trades, "exit_bar", "exit_price", "commission", "profit", "exit_reason") == [
        (2, 12.0, 2.0, 198.0, Reason.NONE)
    ]
    assert (result.has_open_trade, result.n_closed_trades) == (True, 0)


@pytest.mark.parametrize(("order", "sign"), [("buy quantity=100", 1), ("sell quantity=100", -1)])
def test_close_at_end_is_charged_and_in_the_last_row_of_equity(compiled, order, sign):
    bars = bars_of([10, 10, (11, 12)])
    fields = {"fixed_fee": 2.0, "commission": 1 / 64, "close_at_end": True}
    result = backtest({0: order}, bars, compiled=compiled, **fields)
    # 100 x (12 - 10), less 2 + 1000/64 = 17.625 at the entry and 2 + 1200/64 = 20.75 at the close
    profit = sign * 200 - 17.625 - 20.75
    assert (result.position, result.cash, result.equity[-1]) == (0.0, 10_000 + profit, 10_000 + profit)
    assert told(result.fills, "bar", "order", "price", "reason")[-1] == (2, -1, 12.0, Reason.END_OF_RUN)
    assert told(result.trades, "profit", "exit_reason") == [(profit, Reason.END_OF_RUN)]


def test_close_at_end_without_a_position_changes_nothing(compiled):
    result = backtest({0: "buy quantity=1", 1: "close"}, bars_of([10] * 4), compiled=compiled, close_at_end=True)
    assert len(result.fills) == 2


def test_account_told_to_the_strategy_is_that_of_the_bar(compiled):
    bars = bars_of([10, 10, 10, 10, 10, 10, 10])
    result = backtest(Watching, bars, compiled=compiled)
    # flat at 0: in at 1; held for 2 bars at 3: out at 4; flat at 4: in at 5
    assert told(result.fills, "bar", "qty") == [(1, 1000.0), (4, -1000.0), (5, 1000.0)]
    assert np.all(result.equity == 10_000.0)
