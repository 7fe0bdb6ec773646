"""What of a result is told for the long and for the short side, and that the two make the whole."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from algotrade.metrics import Stats, compute_metrics, compute_stats
from algotrade.records import TRADE
from tests.result_builders import make_fill, make_result, make_trade

CASH = 1000.0


def sides_of(result):
    rows = compute_stats(result, initial_cash=CASH, days_per_year=252.0, risk_free_rate=0.0)
    return [Stats.of(row) for row in rows]


def account(closes, opens, targets, fee):
    """Return the result of holding `targets[bar]` units from each bar's open on; a flip is two fills and two fees."""
    fills, trades, equity = [], [], []
    cash, position, entry, paid, since = CASH, 0.0, 0.0, 0.0, 0
    for bar, target in enumerate(targets):
        if target != position and position:
            profit = position * (opens[bar] - entry) - paid - fee
            trade = {"side": np.sign(position), "qty": abs(position), "entry": entry, "bars": (since, bar)}
            trades.append(make_trade(profit, commission=paid + fee, **trade))
            cash += position * opens[bar] - fee
            fills.append(make_fill(bar, -position, opens[bar], 0.0, commission=fee))
            position = 0.0
        if target != position:
            cash -= target * opens[bar] + fee
            fills.append(make_fill(bar, target, opens[bar], target, commission=fee))
            position, entry, paid, since = target, opens[bar], fee, bar
        equity.append(cash + position * closes[bar])
    if position:
        trade = {"side": np.sign(position), "qty": abs(position), "entry": entry, "bars": (since, len(targets) - 1)}
        profit = position * (closes[-1] - entry) - paid
        trades.append(make_trade(profit, commission=paid, open_=True, **trade))
    return make_result(equity, close=np.array(closes), fills=fills, trades=trades, cash=cash, position=position)


@st.composite
def accounts(draw, targets=(-1.0, 0.0, 1.0)):
    n = draw(st.integers(1, 40))
    prices = st.lists(st.floats(90.0, 110.0), min_size=n, max_size=n)
    held = draw(st.lists(st.sampled_from(targets), min_size=n, max_size=n))
    return account(draw(prices), draw(prices), held, draw(st.sampled_from([0.0, 0.5])))


def test_flip_is_split_between_the_sides_by_its_fills():
    # Bar 1: long 1 from 100 to the open at 108 (the bar before closed at 105), then short 1 from 108, close 104.
    # The long gains 3 on equity 1005, the short 4: 1005 x (1 + 3/1005) = 1008 and 1000 x (1 + 4/1005) = 1003.98.
    whole, long, short = sides_of(account([105.0, 104.0], [100.0, 108.0], [1.0, -1.0], 0.0))
    assert whole.profit == pytest.approx(12.0)
    assert (long.profit, short.profit) == (pytest.approx(8.0), pytest.approx(4.0))
    assert long.best_day == pytest.approx(5.0 / 1000.0)
    assert short.best_day == pytest.approx(4.0 / 1005.0)


def test_fees_of_a_flip_are_paid_by_the_side_that_traded():
    # Nothing moves; each fill costs 0.5. Bar 0: the long pays. Bar 1: each side pays once.
    _, long, short = sides_of(account([100.0, 100.0], [100.0, 100.0], [1.0, -1.0], 0.5))
    assert (long.commission, short.commission) == (1.0, 0.5)
    assert long.max_drawdown == pytest.approx(999.5 / 1000.0 * (1 - 0.5 / 999.5) - 1.0)
    assert short.max_drawdown == pytest.approx(-0.5 / 999.5)


def test_fill_through_zero_is_shared_by_quantity():
    # One fill of -3 turns long 1 into short 2: a third of its fee and value is the long's.
    fills = [make_fill(0, 1.0, 100.0, 1.0), make_fill(1, -3.0, 100.0, -2.0, commission=3.0)]
    _, long, short = sides_of(make_result([1000.0, 997.0], fills=fills))
    assert (long.traded, short.traded) == (pytest.approx(200.0), pytest.approx(200.0))
    assert (long.worst_day, short.worst_day) == (pytest.approx(-0.001), pytest.approx(-0.002))


@settings(max_examples=60, deadline=None)
@given(result=accounts())
def test_sides_add_up_to_the_whole(result):
    whole, long, short = sides_of(result)
    assert long.profit + short.profit == pytest.approx(whole.profit, abs=1e-9)
    assert long.commission + short.commission == pytest.approx(whole.commission, abs=1e-9)
    assert long.mean_return + short.mean_return == pytest.approx(whole.mean_return, abs=1e-12)
    for name in ("n_trades", "n_wins", "n_losses", "n_open", "n_bars_exposed", "bars_held"):
        assert getattr(long, name) + getattr(short, name) == getattr(whole, name)


@settings(max_examples=40, deadline=None)
@given(result=accounts(targets=(0.0, 1.0)))
def test_only_side_held_has_the_whole_accounts_figures(result):
    whole, long, short = sides_of(result)
    if result.fills.size:
        same = [name for name in Stats._fields if name not in ("profit", "commission", "slippage")]
        assert [getattr(long, name) for name in same] == [getattr(whole, name) for name in same]
    assert (short.max_drawdown, short.variance, short.profit, short.n_bars_exposed) == (0.0, 0.0, 0.0, 0)


@settings(max_examples=60, deadline=None)
@given(result=accounts())
def test_short_side_is_the_long_side_of_the_mirrored_position(result):
    """Swap the sign of every position and of every price move: what was short is long, to rounding."""
    mirrored_fills, mirrored_trades = result.fills.copy(), result.trades.copy()
    for name in ("qty", "position"):
        mirrored_fills[name] *= -1
    mirrored_trades["side"] *= -1
    mirrored_fills["price"] = 200.0 - mirrored_fills["price"]
    mirror = make_result(result.equity, close=200.0 - result.close, fills=mirrored_fills, trades=mirrored_trades)
    for ours, theirs in zip(sides_of(result)[1:], reversed(sides_of(mirror)[1:]), strict=True):
        for name in ("mean_return", "variance", "max_drawdown", "n_trades", "n_bars_exposed"):
            assert getattr(ours, name) == pytest.approx(getattr(theirs, name), abs=1e-9)


def test_idle_sides_undefined_metrics_say_so():
    report = compute_metrics(
        make_result(trades=np.zeros(0, TRADE)), initial_cash=CASH, days_per_year=252.0, risk_free_rate=0.0
    )
    assert report.reasons["short.sharpe_ratio"] == "There are no short trades."
    assert report.values["short.net_profit"] == 0.0
