"""The compiled pass against hand-computed results and slow, obvious arithmetic."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from algotrade.metrics import SIDES, Stats, compute_stats, stats_nb
from algotrade.records import Reason
from tests.result_builders import DAY_NS, HOUR_NS, START_NS, make_fill, make_result, make_trade

EQUITIES = st.lists(st.floats(1.0, 1e6), min_size=1, max_size=60)


def stats_of(result, side="all", *, cash=1000.0, days_per_year=252.0, risk_free=0.0):
    rows = compute_stats(result, initial_cash=cash, days_per_year=days_per_year, risk_free_rate=risk_free)
    return Stats.of(rows[("all", "long", "short").index(side)])


def naive_drawdown(equity, cash):
    """Return the worst value against every earlier one, in O(n^2)."""
    values = [cash, *equity]
    return min(later / earlier - 1.0 for row, earlier in enumerate(values) for later in values[row:])


def test_daily_returns_take_each_days_last_bar():
    # 12-hour bars: days end at 1100, 990 and 1089. Returns 0.1, -0.1, 0.1: mean 1/30.
    stats = stats_of(make_result([1050.0, 1100.0, 900.0, 990.0, 1000.0, 1089.0], step_ns=12 * HOUR_NS))
    assert stats.n_days == 3
    assert stats.mean_return == pytest.approx(0.1 / 3)
    assert (stats.best_day, stats.worst_day) == (pytest.approx(0.1), pytest.approx(-0.1))


def test_day_without_bars_is_no_day():
    times = START_NS + np.array([0, 1, 10]) * DAY_NS
    assert stats_of(make_result([1000.0, 1100.0, 1210.0], time=times)).n_days == 3


def test_days_before_1970_are_whole_days():
    times = np.array([-DAY_NS - HOUR_NS, -DAY_NS, -1, 0], dtype=np.int64)
    assert stats_of(make_result([1000.0, 1001.0, 1002.0, 1003.0], time=times)).n_days == 3


def test_moments_of_three_returns():
    # Returns 0.1, -0.1, 0.1; off the mean of 1/30 by 2/30, -4/30, 2/30.
    # Squares 4, 16, 4 of 900: 24/900; with n - 1: 12/900. Cubes 8, -64, 8: -48/27000.
    # Fourth powers 16, 256, 16: 288/810000.
    # Skewness (-48/27000/3) / (24/900/3)^1.5 = -0.70711; kurtosis (288/810000/3) / (24/900/3)^2 = 1.5.
    stats = stats_of(make_result([1100.0, 990.0, 1089.0]))
    assert stats.variance == pytest.approx(12 / 900)
    assert stats.skewness == pytest.approx(-(0.5**0.5))
    assert stats.kurtosis == pytest.approx(1.5)


def test_parts_above_and_below_the_risk_free_rate():
    # A risk-free rate of 0.01 per day: 1.01^252 - 1 a year. Excess 0.09, -0.11, 0.09.
    stats = stats_of(make_result([1100.0, 990.0, 1089.0]), risk_free=1.01**252 - 1)
    assert stats.daily_risk_free == pytest.approx(0.01)
    assert (stats.upside_sum, stats.downside_sum) == (pytest.approx(0.18), pytest.approx(0.11))
    assert stats.downside_square == pytest.approx(0.11**2 / 3)


def test_equal_returns_have_no_variance_however_they_are_rounded():
    assert stats_of(make_result(1000.0 * 1.01 ** np.arange(1, 500))).variance == 0.0


def test_drawdowns_are_counted_once_at_their_deepest():
    # Peaks 1000, 1200, 1200. Falls: 1200 -> 900 (-0.25, -300), back on day 4; 1200 -> 1080 (-0.1), open at the end.
    equity = [1000.0, 1200.0, 900.0, 1000.0, 1200.0, 1080.0, 1100.0]
    stats = stats_of(make_result(equity))
    assert (stats.max_drawdown, stats.max_drawdown_money, stats.n_drawdowns) == (-0.25, -300.0, 2)
    assert stats.drawdown_sum == pytest.approx(-0.35)
    assert stats.n_bars_under_water == 4
    assert stats.longest_drawdown_ns == 3 * DAY_NS  # from day 1 to day 4


def test_drawdown_in_money_may_be_another_than_in_fractions():
    # 1000 -> 500 is half, but 500 money; 10000 -> 9000 is a tenth, but 1000 money.
    stats = stats_of(make_result([500.0, 10_000.0, 9_000.0]))
    assert (stats.max_drawdown, stats.max_drawdown_money) == (-0.5, -1000.0)


def test_open_drawdown_lasts_until_the_last_bar():
    assert stats_of(make_result([900.0, 950.0, 960.0, 970.0])).longest_drawdown_ns == 3 * DAY_NS


def test_ulcer_sum_takes_each_days_last_bar():
    # Peak 1200 inside day 1. Day ends: 1080 (-0.1), 600 (-0.5), 1200 (0).
    stats = stats_of(make_result([1200.0, 1080.0, 1100.0, 600.0, 700.0, 1200.0], step_ns=12 * HOUR_NS))
    assert stats.squared_drawdown_sum == pytest.approx(0.01 + 0.25)


def test_loss_of_more_than_everything_is_a_drawdown_of_all():
    stats = stats_of(make_result([1000.0, -50.0]))
    assert (stats.max_drawdown, stats.worst_day) == (-1.0, pytest.approx(-1.05))


def test_tail_is_the_worst_twentieth_of_the_days_rounded_up():
    # 41 days: the tail is ceil(2.05) = 3 days; returns -0.05, -0.03 and -0.02 are the worst.
    returns = np.full(41, 0.01)
    returns[[5, 17, 30, 33]] = [-0.02, -0.05, -0.03, -0.01]
    stats = stats_of(make_result(1000.0 * np.cumprod(1.0 + returns)))
    assert stats.value_at_risk == pytest.approx(-0.02)
    assert stats.conditional_value_at_risk == pytest.approx(-0.1 / 3)


@settings(max_examples=50, deadline=None)
@given(returns=st.lists(st.floats(-0.5, 0.5), min_size=1, max_size=130))
def test_tail_equals_that_of_sorted_returns(returns):
    equity = 1000.0 * np.cumprod(1.0 + np.array(returns))
    daily = np.sort(equity / np.concatenate([[1000.0], equity[:-1]]) - 1.0)
    n_tail = -(-len(daily) // 20)
    stats = stats_of(make_result(equity))
    assert stats.value_at_risk == daily[n_tail - 1]
    assert stats.conditional_value_at_risk == pytest.approx(daily[:n_tail].mean(), abs=1e-15)


@settings(max_examples=60, deadline=None)
@given(equity=EQUITIES)
def test_drawdown_equals_the_naive_one(equity):
    stats = stats_of(make_result(equity))
    assert stats.max_drawdown == pytest.approx(naive_drawdown(equity, 1000.0), abs=1e-15)
    assert -1.0 <= stats.max_drawdown <= 0.0


@settings(max_examples=60, deadline=None)
@given(equity=EQUITIES, step=st.sampled_from([HOUR_NS, 7 * HOUR_NS, DAY_NS, 40 * DAY_NS]))
def test_months_and_days_equal_those_of_numpy(equity, step):
    result = make_result(equity, step_ns=step)
    time = result.time.astype("datetime64[ns]")
    for unit, best, worst in (("M", "best_month", "worst_month"), ("D", "best_day", "worst_day")):
        lasts = np.flatnonzero(np.diff(time.astype(f"datetime64[{unit}]").astype(np.int64), append=2**40))
        ends = np.concatenate([[1000.0], result.equity[lasts]])
        changes = ends[1:] / ends[:-1] - 1.0
        stats = stats_of(result)
        assert (getattr(stats, best), getattr(stats, worst)) == (changes.max(), changes.min())


def test_hold_is_measured_from_the_first_close():
    # 12-hour closes 100, 110, 110, 99: day returns from the first close: 0.1 and -0.1; over all -0.01.
    result = make_result(
        [1000.0, 1100.0, 1100.0, 990.0], close=np.array([100.0, 110.0, 110.0, 99.0]), step_ns=12 * HOUR_NS
    )
    stats = stats_of(result)
    assert stats.hold_return == pytest.approx(-0.01)
    assert stats.beta == pytest.approx(1.0)
    assert stats.hold_mean_return == pytest.approx(0.0)


def test_beta_of_half_the_movement():
    close = np.array([100.0, 110.0, 99.0, 103.95])  # daily returns 0 (from itself), 0.1, -0.1, 0.05
    equity = 1000.0 * np.cumprod([1.0, 1.05, 0.95, 1.025])
    assert stats_of(make_result(equity, close=close)).beta == pytest.approx(0.5)


def test_trades_are_summed_by_side():
    trades = [
        make_trade(30.0, side=1, bars=(1, 4), commission=1.0, slippage=0.5, mae=-5.0, mfe=40.0),
        make_trade(-20.0, side=-1, bars=(4, 6), qty=2.0, commission=2.0, mae=-25.0, mfe=1.0),
        make_trade(10.0, side=-1, bars=(6, 7), qty=0.5),
        make_trade(-7.0, side=1, bars=(7, 8), commission=0.25, open_=True),
    ]
    result = make_result([1000.0, 1013.0], trades=trades)
    long, short = stats_of(result, "long"), stats_of(result, "short")
    assert (long.n_trades, long.n_open, long.profit, long.open_profit) == (1, 1, 23.0, -7.0)
    assert (long.commission, long.commission_closed, long.slippage) == (1.25, 1.0, 0.5)
    assert (short.n_trades, short.n_wins, short.n_losses, short.profit) == (2, 1, 1, -10.0)
    assert (short.gross_profit, short.gross_loss, short.bars_held) == (10.0, -20.0, 3)
    # Returns: -20 / (2 x 100) = -0.1 and 10 / (0.5 x 100) = 0.2.
    assert (short.best_return, short.worst_return) == (0.2, -0.1)
    assert (short.adverse_sum, short.favourable_sum) == (-25.0, 1.0)


def test_profit_of_the_account_is_the_change_of_equity():
    assert stats_of(make_result([1000.0, 1013.5])).profit == 13.5


def test_streaks_end_with_a_trade_of_no_profit():
    profits = [1, 1, 0, 1, 1, 1, -1, -1, 0, -1]
    stats = stats_of(make_result(trades=[make_trade(float(profit)) for profit in profits]))
    assert (stats.longest_win_streak, stats.longest_loss_streak) == (3, 2)


def test_profit_variance_of_closed_trades_only():
    # Profits 10, -5, 1: mean 2; squares 64, 49, 1; / 2 = 57.
    trades = [make_trade(value) for value in (10.0, -5.0, 1.0)]
    assert stats_of(make_result(trades=[*trades, make_trade(99.0, open_=True)])).profit_variance == 57.0


def test_costs_of_the_account_are_those_of_its_fills():
    fills = [
        make_fill(0, 1.0, 100.0, 1.0, commission=2.0, slippage=0.25),
        make_fill(1, -1.0, 110.0, 0.0, commission=3.0),
    ]
    stats = stats_of(make_result([998.0, 1005.0], fills=fills))
    assert (stats.commission, stats.slippage, stats.traded) == (5.0, 0.25, 210.0)


def test_exposure_counts_bars_that_close_with_a_position():
    fills = [make_fill(1, 1.0, 100.0, 1.0), make_fill(3, -1.0, 100.0, 0.0), make_fill(4, -1.0, 100.0, -1.0)]
    result = make_result([1000.0] * 6, fills=fills)
    assert [stats_of(result, side).n_bars_exposed for side in ("all", "long", "short")] == [4, 2, 2]


def test_constants_of_the_compiled_pass_are_those_of_the_records():
    assert stats_nb.STILL_OPEN == Reason.NONE
    assert [SIDES[row] for row in (stats_nb.ALL, stats_nb.LONG, stats_nb.SHORT)] == ["all", "long", "short"]


def test_same_result_gives_the_same_bits():
    result = make_result(np.random.default_rng(1).normal(1000.0, 50.0, 500), trades=[make_trade(5.0), make_trade(-3.0)])
    arguments = {"initial_cash": 1000.0, "days_per_year": 252.0, "risk_free_rate": 0.02}
    assert compute_stats(result, **arguments).tobytes() == compute_stats(result, **arguments).tobytes()
