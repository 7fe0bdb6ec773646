"""The runner does jobs one by one, each from nothing: phases in order, throttled progress, the engine's own results."""

import json
import os
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from algotrade.errors import RunCancelled
from algotrade.indicators import sma
from algotrade.ports import StrideView
from algotrade.results import BacktestResult
from algotrade.runner import pipe as runner
from algotrade.runner.pipe import CURVE_POINTS, Pipe, PipeSink
from algotrade.runner.sources import TRACE_CHARACTERS, failure
from tests.core.conftest import N_BARS, answer_of, messages_of
from tests.engine.market import FIRST_NS, backtest, bytes_of, strategy_from
from tests.strategies.test_catalog import GOOD

CROSSING = """
from algotrade.strategies import Param, Strategy, sma


class Mine(Strategy):
    compiled = {compiled}
    length = Param(5, low=2, high=50)

    def indicators(self, bars):
        return {{"mean": sma(bars.close, self.length)}}

    @staticmethod
    def on_bar(bars, ind, params, broker):
        if bars.close[-1] > ind.mean[-1]:
            broker.buy()
        else:
            broker.close()
"""
HOUR_NS = 3_600 * 10**9


class Ears:
    """Takes what a sink says in place of the pipe, and says stop when asked to."""

    def __init__(self):
        self.messages = []
        self.says_stop = False

    def send(self, message):
        self.messages.append(message)

    def is_told_to_stop(self):
        return self.says_stop


@pytest.fixture
def ears():
    return Ears()


@pytest.fixture
def clock(monkeypatch):
    """Return a list whose last number is the time that the runner sees."""
    times = [100.0]
    monkeypatch.setattr(runner.time, "monotonic", lambda: times[-1])
    return times


def sink_for(ears, n_bars, close=None):
    sink = PipeSink(ears)
    sink.watch(FIRST_NS + HOUR_NS * np.arange(n_bars), np.full(n_bars, 50.0) if close is None else close, 10_000.0)
    return sink


def view(processed, total, equity=None):
    return StrideView(processed, total, np.full(processed, 10_000.0) if equity is None else equity, 3)


@pytest.mark.parametrize("compiled", [False, True], ids=["interpreted", "compiled"])
def test_run_in_a_child_gives_the_bits_that_the_engine_gives_here(child, job, market, tmp_path, compiled):
    source = CROSSING.format(compiled=compiled)
    asked = job(file=source, parameters={"length": 7})
    assert "done" in answer_of(child, asked)
    here = strategy_from(tmp_path, source)
    expected = backtest(here, market.bars, parameters={"length": 7})
    assert len(expected.trades) > 10
    assert bytes_of(BacktestResult.load(Path(asked["out"]))) == bytes_of(expected)


def test_child_keeps_the_indicators_that_the_strategy_saw_and_where_they_stand(child, job, market):
    source = CROSSING.format(compiled='False\n    panes = {"mean": "averages"}')
    asked = job(file=source, parameters={"length": 7})
    assert answer_of(child, asked)["done"]["panes"] == {"mean": "averages"}
    kept = BacktestResult.load(Path(asked["out"])).indicators
    assert list(kept) == ["mean"]
    assert np.array_equal(kept["mean"], sma(market.bars.close, 7), equal_nan=True)


def test_phases_come_in_order_and_compiling_only_the_first_time(child, job):
    asked = job(file=CROSSING.format(compiled=True))
    runs = [messages_of(child, asked | {"out": asked["out"] + name}) for name in ("a", "b")]
    first, second = ([m["phase"] for m in messages if "phase" in m] for messages in runs)
    assert first == ["loading_data", "compiling_strategy", "running_backtest", "computing_metrics"]
    assert second == ["loading_data", "running_backtest", "computing_metrics"]


def test_progress_comes_between_phases_and_never_goes_backwards(warm, job):
    messages = messages_of(warm, job("time.sleep(0.002)"))
    counts = [message["processed"] for message in messages if "processed" in message]
    assert messages[0] == {"phase": "loading_data"}
    assert "processed" in messages[2]  # the first stride is told at once
    assert len(counts) > 2
    assert all(before < after for before, after in pairwise(counts))
    assert counts[-1] == N_BARS
    assert [list(message) for message in messages[-2:]] == [["phase"], ["done"]]


def test_answer_of_a_run_is_metrics_reasons_and_findings(warm, job, market):
    done = answer_of(warm, job("if len(bars.close) == 1: broker.buy()"))["done"]
    assert set(done) == {"metrics", "reasons", "findings", "panes", "average_held_seconds"}
    # Bought at the second bar's open for all of 10,000, in whole lots of 1 without costs, and held to the last close.
    entry, end = market.bars.open[1], market.bars.close[-1]
    assert done["metrics"]["final_equity"] == pytest.approx(10_000 + (10_000 // entry) * (end - entry), rel=1e-12)
    assert json.loads(json.dumps(done, allow_nan=False)) == done


def test_failed_run_tells_the_bar_the_trace_and_how_far_it_came(warm, job, market):
    deed = "if len(bars.close) == 42:\n    raise ValueError('bar forty-two')"
    messages = messages_of(warm, job(deed))
    error = messages[-1]["failed"]
    assert (error["type"], error["message"]) == ("ValueError", "bar forty-two")
    assert error["detail"]["bar"] == 41
    assert error["detail"]["bar_time"] == int(market.bars.time[41])
    assert error["detail"]["parameters"] == {"length": 5}
    assert 'File "strategies/mine.py", line 14, in on_bar' in error["trace"]
    assert messages[-2]["processed"] == 41


def test_failed_run_leaves_no_result(warm, job, tmp_path):
    asked = job("1 / 0")
    assert "failed" in answer_of(warm, asked)
    assert not os.path.exists(asked["out"])


@pytest.mark.parametrize("first", ["pass", "1 / 0", "sys.exit()"])
def test_run_begins_with_fresh_modules_whatever_ran_before(warm, job, tmp_path, first):
    folder = tmp_path / "source"
    folder.mkdir()
    (folder / "helper.py").write_text("SEEN = []\n")
    above = "import helper\nfrom helper import SEEN\nCOUNT = [0]"
    deed = "SEEN.append(1)\nCOUNT[0] += 1\nMine.kept = getattr(Mine, 'kept', 0) + 1\n"
    assert len(answer_of(warm, job(deed + first, above=above, folder=folder))) == 1
    told = "if len(bars.close) == 300: raise ValueError([len(SEEN), len(helper.SEEN), COUNT[0], Mine.kept])"
    error = answer_of(warm, job(deed + told, above=above, folder=folder))["failed"]
    assert error["message"] == "[300, 300, 300, 300]"


@pytest.mark.parametrize(("compiled", "second_log"), [(False, "imported\n"), (True, "")])
def test_interpreted_strategy_is_imported_for_each_run_and_a_compiled_one_once(child, job, compiled, second_log):
    asked = job(above="print('imported')", compiled=compiled)
    logs = []
    for name in ("a", "b"):
        assert "done" in answer_of(child, asked | {"out": asked["out"] + name})
        logs.append(child.log)
    assert logs == ["imported\n", second_log]


def test_run_of_a_strategy_writes_nothing_into_its_sources(warm, job):
    asked = job()
    assert "done" in answer_of(warm, asked)
    assert os.listdir(asked["source"]) == ["mine.py"]


def test_range_of_the_spec_is_what_is_run(warm, job, market):
    first, last = (int(market.bars.time[at]) for at in (100, 149))
    messages = messages_of(warm, job(start_ns=first, end_ns=last))
    live = [message for message in messages if "processed" in message][-1]
    assert (live["processed"], live["live"]["sim_time"]) == (50, last)
    assert live["live"]["curve"]["time"][0] == first // 10**9


@pytest.mark.parametrize(
    ("change", "kind", "told"),
    [
        (lambda job: job["inputs"].update(dataset_hash="f" * 64), "MarketDataError", "have no version"),
        (lambda job: job["spec"].update(asset="../x"), "MarketDataError", "There are no candles for ../x"),
        (lambda job: job["spec"].update(start_ns=0, end_ns=1), "EngineError", "There are no bars in the range"),
        (lambda job: job.update(module="other"), "ModuleNotFoundError", "No module named 'other'"),
        (lambda job: job.update(source="/nowhere"), "ModuleNotFoundError", "No module named 'mine'"),
        (lambda job: os.mkdir(job["out"]), "FileExistsError", "File exists"),
        (lambda job: job["spec"].update(unknown=1), "TypeError", "unexpected keyword argument 'unknown'"),
    ],
    ids=["version", "asset", "range", "module", "source", "out", "spec"],
)
def test_job_that_cannot_be_done_is_told_and_the_child_takes_the_next(warm, job, change, kind, told):
    asked = job()
    change(asked)
    error = answer_of(warm, asked)["failed"]
    assert error["type"] == kind
    assert told in error["message"]
    assert "done" in answer_of(warm, job())


def describe(child, folder, source):
    (folder / "mine.py").write_text(source)
    child.send({"job": "describe", "source": str(folder), "module": "mine"})
    return child.receive(20.0)


def test_description_is_what_the_file_says_now(warm, tmp_path):
    first = describe(warm, tmp_path, GOOD)
    second = describe(warm, tmp_path, GOOD.replace("nothing", "something").replace("20", "30"))
    assert (first["doc"], first["params"][0]["default"], first["compiled"]) == ("Bet on nothing.", 20, True)
    assert (second["doc"], second["params"][0]["default"], second["rules"]) == ("Bet on something.", 30, ["length > 1"])


@pytest.mark.parametrize(
    ("above", "told"),
    [
        ("1 / 0", "ZeroDivisionError"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("raise KeyboardInterrupt", "KeyboardInt"),
    ],
)
def test_file_that_does_not_import_is_described_by_its_error(warm, tmp_path, above, told):
    error = describe(warm, tmp_path, f"{above}\n{GOOD}")["error"]
    assert error.startswith(told)
    assert 'File "strategies/mine.py", line 1' in error
    assert str(tmp_path) not in error
    assert describe(warm, tmp_path, GOOD)["doc"] == "Bet on nothing."


def test_sink_sends_at_most_ten_messages_a_second_and_the_last_always(ears, clock):
    sink = sink_for(ears, 100)
    sink.phase("running_backtest")
    for processed in range(1, 101):
        clock.append(100.0 + processed / 50)  # fifty strides a second
        sink.advance(view(processed, 100))
    counts = [message["processed"] for message in ears.messages[1:]]
    # 0.02 s after the phase the first, then every 0.1 s: 5 strides on; bar 100 of 100 is told whatever the time.
    assert counts[:3] in ([1, 6, 11], [1, 7, 12], [1, 6, 12])
    assert len(counts) <= 21
    assert counts[-1] == 100


def test_sink_tells_rate_time_equity_and_trades(ears, clock):
    sink = sink_for(ears, 4, close=np.array([50.0, 55.0, 40.0, 60.0]))
    sink.phase("running_backtest")
    clock.append(102.0)
    sink.advance(view(3, 4, np.array([10_000.0, 10_500.004, 9_999.999])))
    assert ears.messages[1] == {
        "processed": 3,
        "live": {
            "rate": 1.5,  # 3 bars in 2 s
            "sim_time": FIRST_NS + 2 * HOUR_NS,
            "equity": 10_000.0,
            "trades": 3,
            "curve": {
                "time": [1_577_836_800, 1_577_840_400, 1_577_844_000],
                "equity": [10_000.0, 10_500.0, 10_000.0],
                "hold": [10_000.0, 11_000.0, 8_000.0],  # 10,000 x close / 50
            },
        },
    }


@pytest.mark.parametrize("n_bars", [1, 2, 249, 250, 251, 1000, 123_457])
def test_curve_has_few_points_with_the_first_and_the_newest(ears, clock, n_bars):
    sink = sink_for(ears, n_bars)
    for processed in sorted({1, n_bars // 2, n_bars} - {0}):
        clock.append(clock[-1] + 1)
        sink.advance(view(processed, n_bars, np.arange(1.0, processed + 1)))
        curve = ears.messages[-1]["live"]["curve"]
        assert (curve["equity"][0], curve["equity"][-1]) == (1.0, processed)
        assert len({len(column) for column in curve.values()}) == 1
        assert len(curve["time"]) <= CURVE_POINTS + 1
        assert all(before < after for before, after in pairwise(curve["time"]))


def test_largest_message_is_below_sixteen_kilobytes(ears, clock):
    sink = sink_for(ears, 250, close=np.linspace(1, 1e7, 250))
    clock.append(101.0)
    sink.advance(view(250, 250, np.full(250, 123_456_789_012.34)))
    assert len(json.dumps(ears.messages[-1]["live"])) < 16_384


def test_sink_stops_the_engine_when_told_to(ears, clock):
    sink = sink_for(ears, 10)
    ears.says_stop = True
    with pytest.raises(RunCancelled):
        sink.phase("running_backtest")
    with pytest.raises(RunCancelled):
        sink.advance(view(1, 10))


def test_failure_outside_of_the_engine_has_a_bounded_message_and_the_traces_end(tmp_path):
    job = {"source": str(tmp_path), "spec": {"parameters": {"length": 5}}}
    error = failure(ValueError("x" * 100_000), job, {"length": 5})
    assert (error["type"], error["message"], error["detail"]) == (
        "ValueError",
        "x" * 2_000,
        {"parameters": {"length": 5}},
    )
    assert len(error["trace"]) == TRACE_CHARACTERS
    assert failure(SystemExit(), job, {})["message"] == "SystemExit"


@pytest.fixture
def pipe():
    """Return a Pipe on pipes of its own, and the ends of the other side; nothing is taken over."""
    pipe = Pipe.__new__(Pipe)
    pipe._in, told = os.pipe()
    heard, pipe._out = os.pipe()
    pipe._pending = b""
    yield pipe, told, heard
    for descriptor in (pipe._in, pipe._out, told, heard):
        try:
            os.close(descriptor)
        except OSError:
            continue


def test_pipe_yields_jobs_in_order_and_leaves_late_stops_out(pipe):
    ends, told, _heard = pipe
    os.write(told, b'{"stop": true}\n{"job": 1}\n{"stop": true}\n{"jo')
    os.write(told, b'b": 2}\n')
    os.close(told)
    assert list(ends.jobs()) == [{"job": 1}, {"job": 2}]


def test_pipe_hears_a_stop_without_waiting_and_the_end_of_its_parent_as_one(pipe):
    ends, told, _heard = pipe
    assert not ends.is_told_to_stop()
    os.write(told, b'{"stop": true}\n')
    assert ends.is_told_to_stop()
    assert not ends.is_told_to_stop()
    os.close(told)
    assert ends.is_told_to_stop()


def test_pipe_sends_one_line_of_json_and_refuses_what_json_has_not(pipe):
    ends, _told, heard = pipe
    ends.send({"text": "two\nlines", "number": 0.1})
    assert os.read(heard, 1000) == b'{"text": "two\\nlines", "number": 0.1}\n'
    with pytest.raises(ValueError, match="not JSON compliant"):
        ends.send({"number": float("nan")})
