"""Every metric by hand: a small STATS record, the arithmetic in a comment, and each reason for having no value."""

import math

import pytest

from algotrade.metrics import METRICS, Stats
from algotrade.metrics.registry import UndefinedMetricError

DAY_NS = 86_400_000_000_000
BLANK = Stats(*(0 for _ in Stats._fields))


def value(key, **fields):
    """Return the metric of a record that is zero but for `fields`."""
    return METRICS[key].formula(BLANK._replace(**fields))


@pytest.mark.parametrize(
    ("key", "fields", "expected"),
    [
        ("net_profit", {"profit": -12.5}, -12.5),
        ("total_return", {"profit": 250.0, "initial_cash": 1000.0}, 0.25),
        ("final_equity", {"final_equity": 1250.0}, 1250.0),
        ("open_profit", {"open_profit": -3.0}, -3.0),
        ("gross_profit", {"gross_profit": 7.0}, 7.0),
        ("gross_loss", {"gross_loss": -7.0}, -7.0),
        # Doubled in 126 of 252 days, half a year: four times in a year.
        ("cagr", {"initial_cash": 1.0, "final_equity": 2.0, "n_days": 126, "days_per_year": 252.0}, 3.0),
        ("cagr", {"initial_cash": 1.0, "final_equity": -2.0, "n_days": 9, "days_per_year": 252.0}, -1.0),
        ("buy_and_hold_return", {"hold_return": 0.3}, 0.3),
        ("excess_return", {"profit": 250.0, "initial_cash": 1000.0, "hold_return": 0.3}, -0.05),
        ("best_month", {"best_month": 0.1}, 0.1),
        ("worst_month", {"worst_month": -0.1}, -0.1),
        ("best_day", {"best_day": 0.01}, 0.01),
        ("worst_day", {"worst_day": -0.01}, -0.01),
        # 0.02 a day, times sqrt(256) = 16.
        ("volatility", {"n_days": 9, "variance": 0.0004, "days_per_year": 256.0}, 0.32),
        ("volatility", {"n_days": 9, "variance": 0.0, "days_per_year": 256.0}, 0.0),
        # (0.003 - 0.001) / 0.02 x 16 = 1.6.
        (
            "sharpe_ratio",
            {"n_days": 9, "mean_return": 0.003, "daily_risk_free": 0.001, "variance": 0.0004, "days_per_year": 256.0},
            1.6,
        ),
        # (0.003 - 0.001) / 0.01 x 16 = 3.2.
        (
            "sortino_ratio",
            {
                "n_days": 9,
                "mean_return": 0.003,
                "daily_risk_free": 0.001,
                "downside_square": 1e-4,
                "days_per_year": 256.0,
            },
            3.2,
        ),
        # CAGR 3 over a drawdown of 0.5.
        (
            "calmar_ratio",
            {"initial_cash": 1.0, "final_equity": 2.0, "n_days": 126, "days_per_year": 252.0, "max_drawdown": -0.5},
            6.0,
        ),
        ("omega_ratio", {"n_days": 9, "upside_sum": 0.3, "downside_sum": 0.2}, 1.5),
        # Normal returns with a daily ratio of 0: a coin toss.
        ("probabilistic_sharpe_ratio", {"n_days": 9, "variance": 1e-4, "kurtosis": 3.0}, 0.5),
        ("max_drawdown", {"max_drawdown": -0.2}, -0.2),
        ("max_drawdown_money", {"max_drawdown_money": -200.0}, -200.0),
        ("max_drawdown_duration_days", {"longest_drawdown_ns": 36 * 3_600_000_000_000}, 1.5),
        ("average_drawdown", {"drawdown_sum": -0.35, "n_drawdowns": 2}, -0.175),
        ("average_drawdown", {}, 0.0),
        ("time_under_water", {"n_bars_under_water": 3, "n_bars": 12}, 0.25),
        ("ulcer_index", {"squared_drawdown_sum": 0.36, "n_days": 4}, 0.3),
        ("recovery_factor", {"profit": 300.0, "max_drawdown_money": -200.0}, 1.5),
        ("value_at_risk_95", {"n_days": 9, "value_at_risk": -0.02}, -0.02),
        ("conditional_value_at_risk_95", {"n_days": 9, "conditional_value_at_risk": -0.03}, -0.03),
        ("skewness", {"n_days": 9, "variance": 1e-4, "skewness": -1.0}, -1.0),
        ("kurtosis", {"n_days": 9, "variance": 1e-4, "kurtosis": 4.0}, 4.0),
        ("beta", {"n_days": 9, "hold_variance": 1e-4, "beta": 0.5}, 0.5),
        # (0.003 - 0.001 - 0.5 x (0.002 - 0.001)) x 250 = 0.375.
        (
            "alpha",
            {
                "n_days": 9,
                "hold_variance": 1e-4,
                "beta": 0.5,
                "mean_return": 0.003,
                "hold_mean_return": 0.002,
                "daily_risk_free": 0.001,
                "days_per_year": 250.0,
            },
            0.375,
        ),
        ("ruined", {"is_ruined": 1}, 1),
        ("trades", {"n_trades": 139}, 139),
        ("open_trades", {"n_open": 1}, 1),
        ("winning_trades", {"n_wins": 62}, 62),
        ("losing_trades", {"n_losses": 77}, 77),
        ("win_rate", {"n_wins": 3, "n_trades": 12}, 0.25),
        ("profit_factor", {"n_trades": 2, "n_losses": 1, "gross_profit": 30.0, "gross_loss": -20.0}, 1.5),
        # 30 / 3 won on average, -20 / 1 lost: 0.5.
        ("payoff_ratio", {"n_wins": 3, "n_losses": 1, "gross_profit": 30.0, "gross_loss": -20.0}, 0.5),
        ("expectancy", {"n_trades": 4, "gross_profit": 30.0, "gross_loss": -20.0}, 2.5),
        ("average_trade", {"n_trades": 4, "return_sum": 0.08}, 0.02),
        ("best_trade", {"n_trades": 4, "best_return": 0.08}, 0.08),
        ("worst_trade", {"n_trades": 4, "worst_return": -0.08}, -0.08),
        ("average_win", {"n_wins": 3, "gross_profit": 30.0}, 10.0),
        ("average_loss", {"n_losses": 4, "gross_loss": -20.0}, -5.0),
        ("largest_win", {"n_wins": 1, "largest_win": 9.0}, 9.0),
        ("largest_loss", {"n_losses": 1, "largest_loss": -9.0}, -9.0),
        ("longest_winning_streak", {"longest_win_streak": 5}, 5),
        ("longest_losing_streak", {"longest_loss_streak": 6}, 6),
        ("average_bars_held", {"n_trades": 4, "bars_held": 10}, 2.5),
        ("exposure", {"n_bars": 8, "n_bars_exposed": 2}, 0.25),
        # sqrt(4) x 2.5 / sqrt(25) = 1.
        ("sqn", {"n_trades": 4, "gross_profit": 30.0, "gross_loss": -20.0, "profit_variance": 25.0}, 1.0),
        # Three of four won, 10 each, one lost 20: 0.75 - 0.25 / 0.5 = 0.25.
        (
            "kelly_criterion",
            {"n_trades": 4, "n_wins": 3, "n_losses": 1, "gross_profit": 30.0, "gross_loss": -20.0},
            0.25,
        ),
        ("average_mae", {"n_trades": 4, "adverse_sum": -10.0}, -2.5),
        ("average_mfe", {"n_trades": 4, "favourable_sum": 10.0}, 2.5),
        ("commissions", {"commission": 5.0}, 5.0),
        ("commissions_closed", {"commission_closed": 4.0}, 4.0),
        ("borrow_costs", {"charges": (2.5,)}, 2.5),
        ("slippage", {"slippage": 1.0}, 1.0),
        # 4000 traded on a mean of 1000 in half a year: 8 times a year.
        ("turnover", {"traded": 4000.0, "curve_sum": 8000.0, "n_bars": 8, "n_days": 126, "days_per_year": 252.0}, 8.0),
    ],
)
def test_metric_by_hand(key, fields, expected):
    assert value(key, **fields) == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize(
    ("key", "fields", "reason"),
    [
        ("cagr", {"initial_cash": 1.0, "final_equity": 1e9, "n_days": 1, "days_per_year": 365.0}, "1 trading days are"),
        ("volatility", {"n_days": 1}, "fewer than two trading days"),
        ("sharpe_ratio", {"n_days": 1}, "fewer than two trading days"),
        ("sharpe_ratio", {"n_days": 2}, "no variance"),
        ("sortino_ratio", {"n_days": 2}, "No day was below"),
        ("calmar_ratio", {}, "no drawdown"),
        ("omega_ratio", {"n_days": 2}, "No day was below"),
        ("probabilistic_sharpe_ratio", {"n_days": 2}, "no variance"),
        # Two values only, at the very ratio where the estimate has no spread: 1 - 1 x 2 + (2 - 1) / 4 x 4 = 0.
        (
            "probabilistic_sharpe_ratio",
            {"n_days": 5, "mean_return": 0.02, "variance": 1e-4, "skewness": 1.0, "kurtosis": 2.0},
            "too few values",
        ),
        ("recovery_factor", {}, "no drawdown"),
        ("value_at_risk_95", {"n_days": 1}, "fewer than two trading days"),
        ("conditional_value_at_risk_95", {"n_days": 1}, "fewer than two trading days"),
        ("skewness", {"n_days": 2}, "no variance"),
        ("kurtosis", {"n_days": 2}, "no variance"),
        ("beta", {"n_days": 2}, "of the close have no variance"),
        ("alpha", {"n_days": 2}, "of the close have no variance"),
        ("win_rate", {}, "no closed trades"),
        ("profit_factor", {}, "no closed trades"),
        ("profit_factor", {"n_trades": 1, "n_wins": 1, "gross_profit": 5.0}, "no losing trades"),
        ("payoff_ratio", {"n_trades": 1}, "no winning trades"),
        ("payoff_ratio", {"n_trades": 1, "n_wins": 1, "gross_profit": 5.0}, "no losing trades"),
        ("expectancy", {}, "no closed trades"),
        ("average_trade", {}, "no closed trades"),
        ("best_trade", {}, "no closed trades"),
        ("worst_trade", {}, "no closed trades"),
        ("average_win", {}, "no winning trades"),
        ("average_loss", {}, "no losing trades"),
        ("largest_win", {}, "no winning trades"),
        ("largest_loss", {}, "no losing trades"),
        ("average_bars_held", {}, "no closed trades"),
        ("sqn", {"n_trades": 1}, "fewer than two closed trades"),
        ("sqn", {"n_trades": 2}, "the same profit"),
        ("kelly_criterion", {}, "no closed trades"),
        ("average_mae", {}, "no closed trades"),
        ("average_mfe", {}, "no closed trades"),
        ("turnover", {"n_bars": 1, "curve_sum": -5.0}, "mean equity"),
    ],
)
def test_metric_without_a_value_says_why(key, fields, reason):
    with pytest.raises(UndefinedMetricError, match=reason):
        value(key, **fields)


def test_every_metric_has_a_case_by_hand():
    cases = {case[0] for case in test_metric_by_hand.pytestmark[0].args[1]}
    assert cases == set(METRICS)


def test_omega_and_sortino_ignore_losses_that_are_rounding():
    for key in ("omega_ratio", "sortino_ratio"):
        with pytest.raises(UndefinedMetricError):
            value(key, n_days=9, upside_sum=1.0, downside_sum=1e-17, downside_square=math.ulp(0.0))
