"""The report's tables, by hand and against slow, obvious arithmetic."""

import math
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from algotrade.metrics import compute_metrics, drawdown_series, monthly_returns, trade_histogram, worst_drawdowns
from tests.result_builders import DAY_NS, HOUR_NS, START_NS, make_result, make_trade

EQUITIES = st.lists(st.floats(1.0, 1e6), min_size=1, max_size=80)
RETURNS = st.lists(st.floats(-0.9, 3.0), min_size=1, max_size=60)


def at(*dates):
    """Return int64 ns of UTC dates (year, month, day[, hour])."""
    return np.array([int(datetime(*date, tzinfo=UTC).timestamp()) * 10**9 for date in dates])


def day(number):
    return START_NS + number * DAY_NS


def test_monthly_returns_run_from_months_end_to_months_end():
    # 1000 -> January 1100 (+10 %) -> February 990 (-10 %) -> March 1089 (+10 %); the year 1089 / 1000.
    time = at((2024, 1, 1), (2024, 1, 31, 23), (2024, 2, 1), (2024, 2, 29), (2024, 3, 1))
    (year,) = monthly_returns(make_result([1000.0, 1100.0, 1050.0, 990.0, 1089.0], time=time))
    assert year.year == 2024
    assert year.months[:3] == (pytest.approx(0.1), pytest.approx(-0.1), pytest.approx(0.1))
    assert year.months[3:] == (None,) * 9
    assert year.total == pytest.approx(0.089)


def test_monthly_returns_of_the_first_bar_count_from_the_initial_cash():
    (year,) = monthly_returns(make_result([1100.0]), initial_cash=1000.0)
    assert (year.months[0], year.total) == (pytest.approx(0.1), pytest.approx(0.1))


def test_monthly_returns_keep_years_and_months_without_bars():
    years = monthly_returns(make_result([1000.0, 1100.0], time=at((2021, 12, 31, 23), (2023, 1, 1))))
    assert [(year.year, year.total) for year in years] == [(2021, 0.0), (2022, None), (2023, pytest.approx(0.1))]
    assert years[1].months == (None,) * 12


def test_monthly_returns_before_1970():
    (year,) = monthly_returns(make_result([1000.0, 1100.0], time=at((1969, 11, 30), (1969, 12, 31))))
    assert (year.year, year.months[10], year.months[11]) == (1969, 0.0, pytest.approx(0.1))


def test_monthly_returns_after_everything_was_lost_are_zero():
    years = monthly_returns(make_result([1000.0, 0.0, 0.0], time=at((2024, 1, 1), (2024, 2, 1), (2024, 3, 1))))
    assert years[0].months[:3] == (0.0, -1.0, 0.0)


@settings(max_examples=50, deadline=None)
@given(equity=EQUITIES, step=st.sampled_from([9 * HOUR_NS, DAY_NS, 20 * DAY_NS]))
def test_monthly_returns_compound_to_the_total_return(equity, step):
    result = make_result(equity, step_ns=step)
    years = monthly_returns(result, initial_cash=1000.0)
    months = [value for year in years for value in year.months if value is not None]
    total = equity[-1] / 1000.0
    assert math.prod(1.0 + value for value in months) == pytest.approx(total, rel=1e-9)
    assert math.prod(1.0 + year.total for year in years if year.total is not None) == pytest.approx(total, rel=1e-9)
    account = {"initial_cash": 1000.0, "days_per_year": 365.0, "risk_free_rate": 0.0}
    values = compute_metrics(result, **account).values
    assert (values["best_month"], values["worst_month"]) == pytest.approx(
        (max(months), min(months)), rel=1e-12, abs=1e-12
    )


def test_drawdown_series_starts_from_the_initial_cash():
    assert drawdown_series(np.array([900.0, 1200.0, 600.0]), 1000.0) == pytest.approx([-0.1, 0.0, -0.5])


def test_worst_drawdown_tells_peak_trough_and_recovery():
    # 1200 on day 1 falls to 900 on day 3 (-0.25) and is back on day 5; then to 1080 (-0.1), open.
    equity = [1000.0, 1200.0, 1000.0, 900.0, 1100.0, 1200.0, 1080.0, 1100.0]
    first, second = worst_drawdowns(make_result(equity))
    assert (first.start_ns, first.trough_ns, first.recovery_ns, first.depth) == (day(1), day(3), day(5), -0.25)
    assert (first.to_trough_seconds, first.duration_seconds) == (2 * 86_400, 4 * 86_400)
    assert (second.start_ns, second.trough_ns, second.recovery_ns, second.end_ns) == (day(5), day(6), None, day(7))


def test_worst_drawdown_below_the_initial_cash_starts_at_the_first_bar():
    (only,) = worst_drawdowns(make_result([900.0, 1000.0]), initial_cash=1000.0)
    assert (only.start_ns, only.trough_ns, only.recovery_ns) == (day(0), day(0), day(1))


def test_worst_drawdowns_are_the_deepest_and_no_more_than_asked_for():
    equity = [1000.0, 950.0, 1000.0, 700.0, 1000.0, 900.0, 1000.0]
    assert [fall.depth for fall in worst_drawdowns(make_result(equity), count=2)] == pytest.approx([-0.3, -0.1])


@pytest.mark.parametrize("equity", [[1000.0], [1000.0, 1000.0], [1000.0, 1001.0, 1002.0]])
def test_account_that_never_fell_has_no_drawdowns(equity):
    assert worst_drawdowns(make_result(equity)) == []


@settings(max_examples=60, deadline=None)
@given(equity=EQUITIES)
def test_worst_drawdowns_agree_with_the_metrics(equity):
    result = make_result(equity)
    falls = worst_drawdowns(result, initial_cash=1000.0, count=1_000)
    account = {"initial_cash": 1000.0, "days_per_year": 365.0, "risk_free_rate": 0.0}
    values = compute_metrics(result, **account).values
    depths = [fall.depth for fall in falls]
    assert depths == sorted(depths)
    assert min(depths, default=0.0) == pytest.approx(values["max_drawdown"], abs=1e-15)
    assert max((fall.duration_seconds for fall in falls), default=0.0) == values["max_drawdown_duration_days"] * 86_400
    mean = sum(depths) / len(depths) if depths else 0.0
    assert mean == pytest.approx(values["average_drawdown"], abs=1e-12)


def histogram(returns):
    """Return the histogram of trades whose entries were worth 100."""
    return trade_histogram(make_result(trades=[make_trade(100.0 * value) for value in returns]))


def test_histogram_without_closed_trades_is_empty():
    found = trade_histogram(make_result(trades=[make_trade(5.0, open_=True)]))
    assert (found.edges, found.counts, found.n_trades) == ((), (), 0)


def test_histogram_buckets_are_round_and_part_at_zero():
    # From -0.02 to 0.028 in 24 buckets is 0.002 each; a trade of 0 counts among the gains.
    returns = np.arange(-20, 29) / 1000.0
    found = histogram(returns)
    assert found.width == pytest.approx(0.002)
    assert 0.0 in found.edges
    assert sum(found.counts[: found.edges.index(0.0)]) == 20


def test_histogram_of_one_outlier_still_shows_the_others():
    found = histogram([*np.linspace(-0.02, 0.03, 300), 25.0])
    assert found.width < 0.01
    assert found.counts[-1] >= 1


@settings(max_examples=120, deadline=None)
@given(returns=RETURNS)
def test_histogram_counts_every_trade_once_and_no_loss_among_gains(returns):
    found = histogram(returns)
    stored = [100.0 * value / 100.0 for value in returns]
    assert sum(found.counts) == found.n_trades == len(returns)
    assert len(found.edges) == len(found.counts) + 1 <= 40
    assert np.all(np.diff(found.edges) > 0)
    losses = sum(count for count, edge in zip(found.counts, found.edges, strict=False) if edge < 0)
    assert losses == sum(value < 0 for value in stored)


@pytest.mark.parametrize("value", [0.0, 0.05, -0.05, 1e-9, -1e-9])
def test_histogram_of_equal_trades_is_one_bucket_around_them(value):
    found = histogram([value] * 5)
    assert found.counts == (5,)
    assert found.edges[0] <= value <= found.edges[1]
