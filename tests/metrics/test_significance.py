"""Oracle O13: the example of Bailey and Lopez de Prado (2012), a monthly mean of 0.036 and deviation of 0.079."""

import pytest

from algotrade.metrics.significance import minimum_track_record, probabilistic_sharpe

SHARPE, SKEWNESS, KURTOSIS = 0.036 / 0.079, -2.448, 10.164


@pytest.mark.parametrize(
    ("n_returns", "skewness", "kurtosis", "expected"),
    [(24, SKEWNESS, KURTOSIS, 0.9127), (36, SKEWNESS, KURTOSIS, 0.9530), (24, 0.0, 3.0, 0.9812)],
)
def test_probabilistic_sharpe_equals_the_papers(n_returns, skewness, kurtosis, expected):
    assert probabilistic_sharpe(SHARPE, n_returns, skewness, kurtosis) == pytest.approx(expected, abs=1e-4)


def test_minimum_track_record_reaches_the_confidence():
    length = minimum_track_record(SHARPE, SKEWNESS, KURTOSIS)
    assert length == pytest.approx(34.761, abs=5e-4)  # printed to three decimals
    below, above = (probabilistic_sharpe(SHARPE, n, SKEWNESS, KURTOSIS) for n in (34, 35))
    assert below < 0.95 < above


def test_probabilistic_sharpe_of_the_benchmark_itself_is_a_coin_toss():
    assert probabilistic_sharpe(0.1, 100, 0.0, 3.0, benchmark=0.1) == 0.5


def test_probabilistic_sharpe_refuses_one_return():
    with pytest.raises(ValueError, match="1 returns"):
        probabilistic_sharpe(SHARPE, 1, 0.0, 3.0)


def test_probabilistic_sharpe_refuses_impossible_moments():
    with pytest.raises(ValueError, match="No returns have"):
        probabilistic_sharpe(2.0, 10, 1.0, 2.0)


def test_minimum_track_record_refuses_a_ratio_below_the_benchmark():
    with pytest.raises(ValueError, match="exceeds"):
        minimum_track_record(0.1, 0.0, 3.0, benchmark=0.2)
