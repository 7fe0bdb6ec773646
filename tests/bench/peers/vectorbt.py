"""Run trials of an SMA cross in vectorbt: `python vectorbt.py CANDLES.npz GRID.json`."""

import json
import sys
import time
from pathlib import Path

sys.path.pop(0)  # this file's own name would hide the library

import numpy as np
import pandas as pd
import vectorbt as vbt


def run(close, fast, slow):
    """Return the statistics of one trial, the account's and the trades'."""
    quick, calm = vbt.MA.run(close, fast), vbt.MA.run(close, slow)
    portfolio = vbt.Portfolio.from_signals(
        close,
        quick.ma_crossed_above(calm),
        quick.ma_crossed_below(calm),
        init_cash=10_000,
        fees=0.0005,
        freq=close.index[1] - close.index[0],
    )
    return portfolio.stats()


def main():
    """Print seconds per trial, after one that compiles."""
    with np.load(sys.argv[1], allow_pickle=False) as columns:
        close = pd.Series(columns["close"], index=pd.to_datetime(columns["time"]))
    grid = json.loads(Path(sys.argv[2]).read_text())
    run(close, *grid[0])
    began = time.perf_counter()
    final = [float(run(close, fast, slow)["End Value"]) for fast, slow in grid]
    sys.stdout.write(
        json.dumps({"seconds_per_trial": (time.perf_counter() - began) / len(grid), "final_equity": final}) + "\n"
    )


main()
