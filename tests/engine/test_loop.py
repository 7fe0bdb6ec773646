"""The loop as an ordinary function: the numbers of its compiled form, open to a debugger, part of a kernel's name."""

import bdb
import sys
from collections import namedtuple
from pathlib import Path

import numpy as np
import pytest

from algotrade.engine import loop
from algotrade.engine.backtest import Backtester
from algotrade.errors import RunCancelled
from algotrade.market.instruments import Instrument
from algotrade.ports import NullSink
from tests.engine.market import Busy, Watching, backtest, bytes_of, random_bars, spec_for
from tests.environment import KERNELS

N_BARS = 200
COSTS = {"commission": 0.001, "fixed_fee": 0.5, "slippage_ticks": 2.0}


def prepared(strategy, bars):
    """Return an execution at its first bar."""
    backtester = Backtester(strategy, bars, Instrument("TEST", "EX", 0.01, 1e-8), cache_dir=KERNELS, compiled=False)
    return backtester.prepare(spec_for(strategy, bars, **COSTS))[0]


def call(execution, on_bar, hi=N_BARS):
    """Call the loop by hand, with tables of all columns."""
    bars, recorders = execution.bars, execution.recorders
    columns = (bars.open, bars.high, bars.low, bars.close)
    seen = namedtuple("Bars", "open high low close volume")(*columns, bars.volume)
    ind = namedtuple("Ind", execution.indicator_names)(*execution.indicators)
    records = (execution.account, recorders.orders, recorders.fills, recorders.trades, recorders.equity)
    return loop.run(*records, bars.time, *columns, seen, ind, execution.params, on_bar, 0, 0, hi)


def test_loop_called_by_hand_gives_the_bytes_of_the_compiled_one():
    bars, calls = random_bars(1, N_BARS), []

    def on_bar(bars, ind, params, broker):
        calls.append(len(bars.close))
        Busy.on_bar(bars, ind, params, broker)

    execution = prepared(Busy, bars)
    assert call(execution, on_bar) == N_BARS
    assert calls == list(range(1, N_BARS + 1))
    compiled = backtest(Busy, bars, compiled=True, tick_size=0.01, lot_size=1e-8, **COSTS)
    assert len(compiled.trades) > 20
    assert bytes_of(execution.finish(close_at_end=False)) == bytes_of(compiled)


class Debugger(bdb.Bdb):
    """Stops where the strategy is called, and looks at what is there."""

    def __init__(self):
        super().__init__()
        self.seen = []
        lines = Path(loop.__file__).read_text().splitlines()
        (line,) = (number for number, text in enumerate(lines, 1) if text.strip().startswith("on_bar(past_of("))
        self.set_break(loop.__file__, line)

    def user_line(self, frame):
        if self.break_here(frame):
            self.seen.append((frame.f_locals["i"], frame.f_locals["value"]))
        self.set_continue()


def test_debugger_stops_at_every_bar_and_sees_its_equity():
    execution, debugger = prepared(Watching, random_bars(2, N_BARS)), Debugger()
    tracer = sys.gettrace()  # of a measurement of coverage
    debugger.runcall(call, execution, Watching.on_bar, 50)
    sys.settrace(tracer)
    assert debugger.seen == list(enumerate(execution.equity[:50].tolist()))
    assert len(set(execution.equity[:50].tolist())) > 40


def test_column_shorter_than_the_bars_is_refused():
    execution = prepared(Busy, random_bars(1, N_BARS))
    with pytest.raises(IndexError, match="fewer values than bars"):
        call(execution, Busy.on_bar, N_BARS + 1)


class NoCompiling(NullSink):
    def phase(self, name):
        if name == "compiling_strategy":
            raise RunCancelled


def test_machine_code_of_another_loop_is_not_used(tmp_path, monkeypatch):
    def n_modules():
        with pytest.raises(RunCancelled):
            backtest(Busy, random_bars(1, 20), compiled=True, cache_dir=tmp_path / "kernels", sink=NoCompiling())
        return len(list((tmp_path / "kernels").glob("loop_*.py")))

    assert [n_modules(), n_modules()] == [1, 1]
    other = tmp_path / "loop.py"
    other.write_text(Path(loop.__file__).read_text().replace("if value <= 0.0", "if value <= 1.0"))
    monkeypatch.setattr(loop, "__file__", str(other))
    assert n_modules() == 2


def test_interpreted_gear_leaves_no_files(tmp_path):
    result = backtest(Busy, random_bars(1, 50), compiled=False, cache_dir=tmp_path / "kernels")
    assert np.isfinite(result.equity).all()
    assert list(tmp_path.iterdir()) == []
