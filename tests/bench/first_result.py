"""One backtest with all metrics in a new process: `python -m tests.bench.first_result STORE KERNELS`."""

import sys
from pathlib import Path

from algotrade.engine.backtest import run_backtest
from algotrade.market.store import CandleStore
from algotrade.metrics import compute_metrics
from algotrade.strategies.sma_cross import SmaCross
from tests.bench.candles import INSTRUMENT, NAMES, spec_of


def main(store: Path, kernels: Path) -> None:
    """Print the number of trades."""
    candles = CandleStore(store)
    dataset = candles.get(NAMES["asset"], NAMES["exchange"], NAMES["timeframe"])
    bars = candles.load(dataset)
    spec = spec_of(bars, {"fast": 20, "slow": 50, "side": "long"})
    result = run_backtest(SmaCross, spec, bars, INSTRUMENT, cache_dir=kernels)
    report = compute_metrics(
        result, initial_cash=spec.initial_cash, days_per_year=dataset.days_per_year, risk_free_rate=0.0
    )
    sys.stdout.write(f"{report.values['trades']}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
