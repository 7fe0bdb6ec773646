"""Run trials of an SMA cross in backtesting.py: `python backtesting_py.py CANDLES.npz GRID.json`."""

import json
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
from backtesting import Backtest, Strategy


def _sma(values, length):
    return pd.Series(values).rolling(length).mean()


class SmaCross(Strategy):
    """Be long while the fast average is above the slow one."""

    fast, slow = 10, 30

    def init(self):
        self.quick, self.calm = self.I(_sma, self.data.Close, self.fast), self.I(_sma, self.data.Close, self.slow)

    def next(self):
        if self.quick[-1] > self.calm[-1] and self.quick[-2] <= self.calm[-2]:
            self.position.close()
            self.buy()
        elif self.quick[-1] < self.calm[-1] and self.quick[-2] >= self.calm[-2]:
            self.position.close()


def main():
    """Print seconds per trial."""
    with np.load(sys.argv[1], allow_pickle=False) as columns:
        names = {name.capitalize(): columns[name] for name in ("open", "high", "low", "close", "volume")}
        frame = pd.DataFrame(names, index=pd.to_datetime(columns["time"]))
    grid = json.loads(Path(sys.argv[2]).read_text())
    backtest = Backtest(frame, SmaCross, cash=1_000_000, commission=0.0005, finalize_trades=False)
    began = time.perf_counter()
    final = [float(backtest.run(fast=fast, slow=slow)["Equity Final [$]"]) for fast, slow in grid]
    sys.stdout.write(
        json.dumps({"seconds_per_trial": (time.perf_counter() - began) / len(grid), "final_equity": final}) + "\n"
    )


main()
