"""Findings: the sentences, word for word."""

import pytest

from algotrade.metrics import compute_metrics
from algotrade.records import OrderStatus, Reason
from tests.engine.market import backtest, bars_of
from tests.result_builders import make_fill, make_order, make_result, make_trade

MANY_DAYS = (1000.0,) * 40
REJECTED = OrderStatus.REJECTED


def findings(equity=MANY_DAYS, *, asset="SPY", currency="USD", **fields):
    result = make_result(equity, **fields)
    account = {"initial_cash": 1000.0, "days_per_year": 252.0, "risk_free_rate": 0.0}
    return list(compute_metrics(result, asset=asset, currency=currency, **account).findings)


def test_nothing_is_said_of_a_plain_result():
    assert findings(trades=[make_trade(5.0)], orders=[make_order()]) == []


def test_open_position_tells_quantity_and_profit():
    trade = make_trade(312.4, qty=100.0, open_=True)
    assert findings(trades=[trade]) == ["The position was still open at the end: 100 SPY, +312.40 USD unrealised."]


def test_open_short_position_says_so():
    trade = make_trade(-1234.5, side=-1, qty=0.25, open_=True)
    assert findings(trades=[trade]) == [
        "The position was still open at the end: 0.25 SPY short, \N{MINUS SIGN}1,234.50 USD unrealised."
    ]


@pytest.mark.parametrize("profit", [0.0, -0.0, 0.001, -0.001])
def test_open_profit_of_nothing_has_no_sign(profit):
    assert "SPY, 0.00 USD" in findings(trades=[make_trade(profit, open_=True)])[0]


@pytest.mark.parametrize(("quantity", "text"), [(1e-8, "0.00000001"), (123456789.0, "123456789"), (0.1 + 0.2, "0.3")])
def test_open_quantity_is_written_out(quantity, text):
    assert f": {text} SPY" in findings(trades=[make_trade(1.0, qty=quantity, open_=True)])[0]


def test_names_may_be_left_out():
    sentence = findings(trades=[make_trade(3.0, qty=2.0, open_=True)], asset="", currency="")[0]
    assert sentence == "The position was still open at the end: 2 units, +3.00 unrealised."


def test_rejections_are_counted_by_reason_most_frequent_first():
    orders = [make_order(REJECTED, Reason.TOO_SMALL), *[make_order(REJECTED, Reason.NOT_PAYABLE)] * 3, make_order()]
    assert findings(trades=[make_trade(5.0)], orders=orders) == [
        "3 orders were rejected: not payable.",
        "1 order was rejected: too small.",
    ]


def test_every_rejection_reason_has_words():
    for reason in Reason:
        sentence = findings(trades=[make_trade(5.0)], orders=[make_order(REJECTED, reason)])[0]
        assert sentence.startswith("1 order was rejected: ")


def test_pending_orders_are_counted():
    orders = [make_order(OrderStatus.PENDING), make_order(OrderStatus.CANCELLED, Reason.NO_NEXT_BAR)]
    assert findings(trades=[make_trade(5.0)], orders=orders) == ["2 orders were still pending at the end."]


def test_no_orders_means_no_trades():
    assert findings() == ["No trades: the strategy gave no orders."]


def test_no_trades_although_there_were_orders():
    assert findings(orders=[make_order(REJECTED, Reason.NOT_PAYABLE)]) == [
        "No trades.",
        "1 order was rejected: not payable.",
    ]


def test_ruin_comes_first_and_tells_the_bar_and_its_time():
    first = findings(ruined_bar=39, trades=[make_trade(-5.0, open_=True)])[0]
    assert first == "Ruined at bar 39 (9 Feb 2024, 00:00 UTC): the position was liquidated and the run ended there."


def test_costs_that_ate_the_profit_are_told():
    # The loss is 10, the costs 12 + 3: without them there were 5 left.
    fills = [make_fill(1, 1.0, 100.0, 1.0, commission=12.0, slippage=3.0), make_fill(2, -1.0, 100.0, 0.0)]
    equity = [*MANY_DAYS[:-1], 990.0]
    assert findings(equity, fills=fills, trades=[make_trade(-10.0)]) == [
        "The trades made +5.00 USD before costs; commission and slippage took 15.00 USD."
    ]


@pytest.mark.parametrize("quantity", [1, 3, 7, 100, 916])
def test_costs_of_a_flat_market_ate_no_profit(quantity):
    orders = {0: f"buy quantity={quantity}", 2: "close"}
    result = backtest(orders, bars_of([10.9] * 5), compiled=False, commission=0.001)
    report = compute_metrics(result, initial_cash=10_000.0, days_per_year=252.0, risk_free_rate=0.0)
    assert report.values["net_profit"] == pytest.approx(-quantity * 10.9 * 0.002)
    assert not any(finding.startswith("Costs") for finding in report.findings)


def test_few_days_weaken_annual_figures():
    assert findings([1000.0] * 12, trades=[make_trade(5.0)]) == ["Annualised figures rest on 12 trading days only."]


def test_one_day_is_singular():
    assert findings([1000.0], trades=[make_trade(5.0)]) == ["Annualised figures rest on 1 trading day only."]
