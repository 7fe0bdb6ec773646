"""Significance of a Sharpe ratio, given how few and how skewed the returns are that it was measured on.

Source: D. H. Bailey, M. Lopez de Prado, "The Sharpe Ratio Efficient Frontier", Journal of Risk 15 (2012). Sharpe ratios
here are per period, never annualised; kurtosis is the plain one, 3 for a normal distribution.
"""

import math
from statistics import NormalDist

_NORMAL = NormalDist()


def probabilistic_sharpe(
    sharpe: float, n_returns: int, skewness: float, kurtosis: float, *, benchmark: float = 0.0
) -> float:
    """Return the probability that the true Sharpe ratio exceeds the benchmark.

    Args:
        sharpe: measured ratio, per period.
        n_returns: returns it was measured on, >= 2.
        skewness: of these returns.
        kurtosis: of these returns.
        benchmark: ratio to exceed, per period.

    Returns:
        A fraction in [0, 1].

    Raises:
        ValueError: fewer than two returns, or moments that no returns can have.
    """
    if n_returns < 2:
        raise ValueError(f"A Sharpe ratio of {n_returns} returns says nothing; at least 2 are needed.")
    return _NORMAL.cdf((sharpe - benchmark) * math.sqrt((n_returns - 1) / _spread(sharpe, skewness, kurtosis)))


def minimum_track_record(
    sharpe: float, skewness: float, kurtosis: float, *, benchmark: float = 0.0, confidence: float = 0.95
) -> float:
    """Return how many returns are needed until `probabilistic_sharpe` reaches the confidence.

    Args:
        sharpe: measured ratio, per period, above the benchmark.
        skewness: of the returns.
        kurtosis: of the returns.
        benchmark: ratio to exceed, per period.
        confidence: fraction, in (0, 1).

    Raises:
        ValueError: the ratio does not exceed the benchmark, or moments that no returns can have.
    """
    if sharpe <= benchmark:
        raise ValueError(f"No track record shows that a Sharpe ratio of {sharpe} exceeds {benchmark}.")
    return 1.0 + _spread(sharpe, skewness, kurtosis) * (_NORMAL.inv_cdf(confidence) / (sharpe - benchmark)) ** 2


def _spread(sharpe: float, skewness: float, kurtosis: float) -> float:
    """Return the variance of the estimated ratio, times the number of returns less one."""
    spread = 1.0 - skewness * sharpe + (kurtosis - 1.0) / 4.0 * sharpe * sharpe
    if not spread > 0.0:
        raise ValueError(f"No returns have skewness {skewness} and kurtosis {kurtosis} at a Sharpe ratio of {sharpe}.")
    return spread
