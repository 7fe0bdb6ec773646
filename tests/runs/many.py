"""A database as it is after a year of work: thousands of runs, each with the curve and the result that it carries."""

from runs.models import Run
from tests.bench.history import Place, insert_copies
from tests.builders import INPUTS
from tests.optimizations import INPUTS as OPTIMIZATION_INPUTS
from tests.optimizations import SPEC as OPTIMIZATION_SPEC
from tests.runs.pages import METRICS, N_BARS, PAGE_SPEC

STRATEGIES = ("sma_cross", "hold", "rsi_reversal", "breakout")
ASSETS = ("ACME", "SPY", "BTC-USDT", "ETH-USDT", "EURUSD")
PLACES = [Place(asset, "TEST", timeframe, INPUTS["dataset_hash"]) for asset in ASSETS for timeframe in ("1h", "1d")]
POINTS = 400
CURVE = {"time": [1.7e9 + 3600 * i for i in range(POINTS)], "equity": [10_000.0 + i / 3 for i in range(POINTS)]}
RESULT = {"metrics": METRICS | {f"figure_{i}": i / 7 for i in range(20)}, "reasons": {}, "findings": []}


def make_many(user, n_runs):
    """Insert runs of every kind in every terminal state, with notes on each twentieth of them."""
    carried = {"user": user, "total": N_BARS, "live": {"curve": CURVE, "rate": 4e5}, "result": RESULT}
    backtest = Run(kind="backtest", spec=PAGE_SPEC, inputs=INPUTS, **carried)
    optimization = Run(kind="optimization", spec=OPTIMIZATION_SPEC, inputs=OPTIMIZATION_INPUTS, **carried)
    hashes = dict.fromkeys(STRATEGIES, INPUTS["source_hash"])
    return insert_copies(n_runs, backtest=backtest, optimization=optimization, places=PLACES, strategies=hashes)
