"""Oracle O12: the figures of empyrical-reloaded for GOOG's close-to-close daily returns, 252 days a year."""

import csv
from importlib.resources import files

import numpy as np
import pytest

from algotrade.metrics import compute_metrics
from tests.result_builders import make_result

EXPECTED = {
    "sharpe_ratio": 0.88151856991295,
    "sortino_ratio": 1.35416736315074,
    "calmar_ratio": 0.42435360117084,
    "max_drawdown": -0.65294759972499,
    "volatility": 0.34405786161892,
}


@pytest.fixture(scope="module")
def values():
    """Return the metrics of an account that is worth one share from the first close on."""
    text = (files("backtesting") / "test" / "GOOG.csv").read_text()
    rows = list(csv.reader(text.splitlines()))[1:]
    time = np.array([row[0] for row in rows], dtype="datetime64[ns]").astype(np.int64)
    close = np.array([float(row[4]) for row in rows])
    result = make_result(close[1:], time=time[1:], close=close[1:])
    return compute_metrics(result, initial_cash=close[0], days_per_year=252.0, risk_free_rate=0.0).values


@pytest.mark.parametrize(("key", "expected"), EXPECTED.items())
def test_metric_equals_empyricals(values, key, expected):
    assert values[key] == pytest.approx(expected, rel=1e-12, abs=1e-12)
