"""What tests of pages stand on: an installation with one dataset and three strategies, and runs with their arrays."""

from pathlib import Path

import numpy as np

from algotrade.errors import StrategyError
from algotrade.market.bars import Bars, timeframe_ns
from algotrade.market.instruments import Instrument
from algotrade.market.store import CandleStore
from algotrade.records import FILL, ORDER, OrderStatus, SizeKind, Verb
from algotrade.strategies.base import Param
from algotrade.strategies.catalog import StrategyInfo
from runs import artifacts
from runs.models import RunState
from tests.builders import INPUTS, SPEC, make_run
from tests.result_builders import HOUR_NS, START_NS, make_result, make_trade

N_BARS = 600
DATASET = "ACME|TEST|1h"


def make_param(name, default, **options):
    """Return a declared parameter."""
    param = Param(default, **options)
    param.name = name
    return param


STRATEGIES = (
    StrategyInfo(
        name="sma_cross",
        title="SMA Cross",
        source_hash="a" * 64,
        path=Path("sma_cross.py"),
        builtin=True,
        doc="Buys when the fast average crosses above the slow one.",
        params=(
            make_param("fast", 10, low=2, high=200, unit="bars", help="Bars of the fast average."),
            make_param("slow", 30, low=5, high=400, unit="bars"),
            make_param("side", "both", choices=("long", "both")),
        ),
        rules=("fast < slow",),
    ),
    StrategyInfo("hold", "Hold", "b" * 64, Path("hold.py"), builtin=True, params=(make_param("hedge", default=False),)),
    StrategyInfo("broken", "Broken", "c" * 64, Path("broken.py"), builtin=False, error="SyntaxError: <b>line 7</b>"),
)


class FakeCatalog:
    """The catalog's face over fixed strategies: no child process has to import anything."""

    def all(self):
        """Return all strategies."""
        return list(STRATEGIES)

    def get(self, name):
        """Return one that can be run."""
        for info in STRATEGIES:
            if info.name == name and info.error is None:
                return info
        raise StrategyError(f"There is no strategy {name!r}.")

    def described(self, name, _source_hash):
        """Return what a strategy says of itself, in whatever version."""
        return next((info for info in STRATEGIES if info.name == name), None)

    def hashes(self):
        """Return the source hash of each strategy."""
        return {info.name: info.source_hash for info in STRATEGIES}

    def snapshot(self, source_hash):
        """Refuse: nothing was archived, so that nothing can be measured."""
        raise StrategyError(f"The sources {source_hash[:12]} are not in the archive.")


def add_dataset(store, asset, timeframe="1h"):
    """Store N_BARS bars from 1 January 2024 for an asset."""
    close = 100.0 + np.sin(np.arange(N_BARS) / 20.0) * 10.0
    bars = Bars(
        time=START_NS + np.arange(N_BARS, dtype=np.int64) * timeframe_ns(timeframe),
        open=close.copy(),
        high=close + 1.0,
        low=close - 1.0,
        close=close,
        volume=np.ones(N_BARS),
    )
    store.add(bars, Instrument(asset, "TEST", tick_size=0.01, lot_size=1.0, currency="USD"), timeframe)


def make_store(folder):
    """Return a candle store with one dataset of N_BARS hours from 1 January 2024."""
    store = CandleStore(folder)
    add_dataset(store, "ACME")
    return store


def make_order(number, bar, status=OrderStatus.FILLED):
    """Return one ORDER to buy with all equity."""
    row = np.zeros((), ORDER)
    row["id"], row["bar"], row["done_bar"] = number, bar, bar + 1
    row["kind"], row["verb"], row["status"] = 1, Verb.BUY, status
    row["size_kind"], row["size"] = SizeKind.EQUITY_FRACTION, 1.0
    return row


def make_order_fill(number, bar):
    """Return the FILL of an order."""
    row = np.zeros((), FILL)
    row["order"], row["bar"], row["qty"], row["price"], row["position"] = number, bar, 3.0, 101.25, 3.0
    row["reason"] = 1
    return row


def make_arrays(n_trades=30, **changed):
    """Return a result of N_BARS hours with trades that win 50 and lose 40 in turn, and an order each."""
    equity = 10_000.0 + np.arange(N_BARS)
    trades = [make_trade(50.0 if i % 2 else -40.0, bars=(i * 10, i * 10 + 5), qty=3.0) for i in range(n_trades)]
    orders = [make_order(i, i * 10) for i in range(n_trades)]
    fills = [make_order_fill(i, i * 10 + 1) for i in range(n_trades)]
    return make_result(equity, step_ns=HOUR_NS, trades=trades, orders=orders, fills=fills, **changed)


PAGE_SPEC = SPEC | {
    "asset": "ACME",
    "exchange": "TEST",
    "start_ns": START_NS,
    "end_ns": START_NS + (N_BARS - 1) * HOUR_NS,
    "parameters": {"fast": 12, "slow": 34, "side": "long"},
    "commission": 0.0015,
}
METRICS = {
    "total_return": 0.482,
    "net_profit": 4820.14,
    "buy_and_hold_return": -0.0632,
    "excess_return": 0.5452,
    "sharpe_ratio": 2.41,
    "max_drawdown": -0.0891,
    "trades": 139,
    "winning_trades": 62,
    "win_rate": 0.446,
    "profit_factor": None,
    "long.trades": 76,
    "short.trades": 63,
}


def make_page_run(state=RunState.PENDING, **fields):
    """Return a saved run on the test dataset."""
    names = {"asset": "ACME", "exchange": "TEST", "total": N_BARS, "spec": PAGE_SPEC, "inputs": INPUTS}
    return make_run(state, **(names | fields))


def make_completed(arrays=None, **fields):
    """Return a completed run whose arrays lie in the artifacts folder."""
    stored = {
        "metrics": METRICS,
        "reasons": {"profit_factor": "No losing trades."},
        "findings": ["Worth <b>knowing</b>."],
    }
    values = {
        "processed": N_BARS,
        "result": stored | {"log": "printed <i>text</i>"},
        "artifact": "done",
        "total_return": 0.482,
        "sharpe_ratio": 2.41,
        "n_trades": 139,
    }
    run = make_page_run(RunState.COMPLETED, **(values | fields))
    folder = artifacts.folder(run)
    folder.mkdir(parents=True)
    (arrays or make_arrays()).save(folder)
    return run


ERROR_DETAIL = {
    "bar": 41,
    "bar_time": START_NS + 41 * HOUR_NS,
    "parameters": {"fast": 40, "slow": 41},
    "position": -3.0,
    "pending_orders": [],
    "indicators": {"fast": 101.25, "slow": None},
    "frames": [
        {"file": "algotrade/engine/backtest.py", "line": 9, "function": "run", "code": "loop()", "is_strategy": False},
        {
            "file": "algotrade/engine/replay.py",
            "line": 8,
            "function": "replay",
            "code": "on_bar()",
            "is_strategy": False,
        },
        {"file": "strategies/mine.py", "line": 7, "function": "on_bar", "code": "x = 1 / zero", "is_strategy": True},
    ],
    "log": "before the fall",
}


def make_failed(**fields):
    """Return a failed run with the detail of its failing bar."""
    values = {
        "processed": 41,
        "error_type": "ZeroDivisionError",
        "error_message": "division by <script>zero</script>",
        "error_stack_trace": "Traceback\n  File mine.py\nZeroDivisionError: division by zero",
        "error_detail": ERROR_DETAIL,
    }
    return make_page_run(RunState.FAILED, **(values | fields))
