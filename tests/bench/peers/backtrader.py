"""Run trials of an SMA cross in backtrader: `python backtrader.py CANDLES.npz GRID.json`."""

import json
import sys
import time
from pathlib import Path

sys.path.pop(0)  # this file's own name would hide the library

import backtrader as bt
import numpy as np
import pandas as pd


class SmaCross(bt.Strategy):
    """Be long while the fast average is above the slow one."""

    params = (("fast", 10), ("slow", 30))

    def __init__(self):
        self.cross = bt.ind.CrossOver(bt.ind.SMA(period=self.p.fast), bt.ind.SMA(period=self.p.slow))

    def next(self):
        if self.cross > 0:
            self.buy()
        elif self.cross < 0 and self.position:
            self.close()


def run(frame, fast, slow):
    """Return the account's final value after a trial with the usual analyzers."""
    cerebro = bt.Cerebro(stdstats=False)
    cerebro.adddata(bt.feeds.PandasData(dataname=frame))
    cerebro.addstrategy(SmaCross, fast=fast, slow=slow)
    cerebro.broker.setcash(1_000_000)
    cerebro.broker.setcommission(commission=0.0005)
    cerebro.addsizer(bt.sizers.PercentSizer, percents=95)
    for analyzer in (bt.analyzers.SharpeRatio, bt.analyzers.DrawDown, bt.analyzers.TradeAnalyzer, bt.analyzers.Returns):
        cerebro.addanalyzer(analyzer)
    cerebro.run()
    return float(cerebro.broker.getvalue())


def main():
    """Print seconds per trial."""
    with np.load(sys.argv[1], allow_pickle=False) as columns:
        names = ("open", "high", "low", "close", "volume")
        frame = pd.DataFrame({name: columns[name] for name in names}, index=pd.to_datetime(columns["time"]))
    grid = json.loads(Path(sys.argv[2]).read_text())
    began = time.perf_counter()
    final = [run(frame, fast, slow) for fast, slow in grid]
    sys.stdout.write(
        json.dumps({"seconds_per_trial": (time.perf_counter() - began) / len(grid), "final_equity": final}) + "\n"
    )


main()
