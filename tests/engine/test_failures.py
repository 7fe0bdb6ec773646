"""A strategy that fails is told by its own line and the facts of the bar; what would mislead is refused beforehand."""

import re

import numpy as np
import pytest

from algotrade.engine.checks import check_on_bar
from algotrade.engine.failures import StrategyFailure
from algotrade.engine.paths import short_path
from algotrade.errors import StrategyError
from algotrade.ports import NullSink
from tests.engine.market import GEARS, backtest, random_bars, strategy_from

both_gears = pytest.mark.parametrize("compiled", list(GEARS.values()), ids=list(GEARS))

SIZE = "The size of an order must be a finite number above 0."
CASES = [
    ("broker.buy(quantity=1.0 / (len(bars.close) - 31))", "ZeroDivisionError", "division by zero"),
    ("broker.buy(quantity=1 % (len(bars.close) - 31))", "ZeroDivisionError", "modulo"),
    ("broker.buy(quantity=1.0 / params.zero)", "FloatingPointError", "divide by zero"),
    ("broker.buy(quantity=1 // params.zero)", "FloatingPointError", "divide by zero"),
    ("broker.buy(quantity=bars.close[len(bars.close)])", "IndexError", "index 31 is out of bounds"),
    ("broker.buy(quantity=bars.close[31])", "IndexError", "index 31 is out of bounds"),
    ("broker.buy(quantity=bars.close[-32])", "IndexError", "index -32 is out of bounds"),
    ("broker.buy(quantity=ind.fast[31])", "IndexError", "index 31 is out of bounds"),
    ("broker.buy(quantity=bars.open[-1 - params.length * 20])", "IndexError", "index -61 is out of bounds"),
    ("broker.buy(quantity=ind.never[-1])", "ValueError", SIZE),
    ("broker.sell(quote=1e999)", "ValueError", SIZE),
    ("broker.sell(quantity=-bars.close[-1])", "ValueError", SIZE),
    ("broker.sell(fraction=0.0)", "ValueError", SIZE),
    ("broker.buy(fraction=1.01)", "ValueError", "at most 1"),
    ("raise ValueError('no more')", "ValueError", "^no more$"),
    ("assert broker.position < 0.0, 'not short'", "AssertionError", "^not short$"),
    ("for _ in range(65): broker.buy(quantity=1.0)", "RuntimeError", "at most 64"),
]
PROGRAM = """
def deeper(values):
    return values[len(values)]  # deeper


class Mine(Strategy):
    length = Param(3)
    zero = Param(0)
    case = Param(0)
    at = Param(31)

    def indicators(self, bars):
        return {"fast": sma(bars.close, self.length), "never": sma(bars.close, 500)}

    @staticmethod
    def on_bar(bars, ind, params, broker):
        print("bar", len(bars.close))
        if len(bars.close) == 6:
            broker.buy(quantity=10)
        if len(bars.close) == params.at:
            broker.sell(quantity=4)
            if params.case == -1:
                broker.buy(quantity=deeper(bars.open))
""" + "".join(f"            if params.case == {n}:\n                {line}\n" for n, (line, _, _) in enumerate(CASES))
LINES = ["", "from algotrade.strategies import *", *PROGRAM.splitlines()]
"""The file's lines, counted from 1."""


@pytest.fixture(scope="module")
def failing(tmp_path_factory):
    """Return a strategy with a bug on each of many lines; a parameter says which of them it meets."""
    return strategy_from(tmp_path_factory.mktemp("strategies"), PROGRAM, "failing")


def failure_of(strategy, bars, *, compiled, **fields):
    with pytest.raises(StrategyFailure) as caught:
        backtest(strategy, bars, compiled=compiled, **fields)
    return caught.value


def own_frames(failure):
    """Return (file, line, function, code) of the strategy's frames, outermost first."""
    keys = ("file", "line", "function", "code")
    return [tuple(frame[key] for key in keys) for frame in failure.detail["frames"] if frame["is_strategy"]]


def facts(failure):
    return {key: value for key, value in failure.detail.items() if key != "frames"}


# The line


@both_gears
@pytest.mark.parametrize("case", range(len(CASES)), ids=[line for line, _, _ in CASES])
def test_failure_is_told_by_the_strategys_own_line(failing, case, compiled):
    code, error_type, message = CASES[case]
    line = LINES.index(f"                {code}")
    failure = failure_of(failing, random_bars(1, 60), compiled=compiled, parameters={"case": case}, stride=7)
    assert failure.error_type == error_type
    assert re.search(message, failure.message)
    assert own_frames(failure) == [("strategies/failing.py", line, "on_bar", code)]
    assert f'File "strategies/failing.py", line {line}, in on_bar\n    {code}\n' in failure.trace
    assert failure.trace.endswith(f"\n{error_type}: {failure.message}\n")
    assert failure.detail["bar"] == 30


@both_gears
def test_failure_in_a_function_of_the_strategys_file_ends_there(failing, compiled):
    failure = failure_of(failing, random_bars(1, 60), compiled=compiled, parameters={"case": -1})
    inner = next(number for number, line in enumerate(LINES) if "# deeper" in line)
    outer = next(number for number, line in enumerate(LINES) if "deeper(bars.open)" in line)
    assert [frame[1:3] for frame in own_frames(failure)] == [(outer, "on_bar"), (inner, "deeper")]
    assert failure.error_type == "IndexError"


@both_gears
def test_traceback_tells_one_error_alone(failing, compiled):
    failure = failure_of(failing, random_bars(1, 60), compiled=compiled, parameters={"case": 4})
    assert failure.trace.count("Traceback (most recent call last)") == 1
    assert failure.__cause__ is None
    assert failure.__context__ is None


def test_paths_are_told_from_the_product_and_its_packages_not_from_the_machine(failing):
    failure = failure_of(failing, random_bars(1, 60), compiled=False, parameters={"case": 4})
    files = re.findall(r'File "(.*?)", line', failure.trace)
    assert files[0].startswith("algotrade/engine/")
    assert files[-1] == "strategies/failing.py"
    assert [frame["file"] for frame in failure.detail["frames"]] == files
    assert short_path(np.linalg.__file__, "/any") == "numpy/linalg/__init__.py"
    assert short_path(re.__file__, "/any") == "re/__init__.py"
    assert short_path("/srv/other/place/mine.py", "/any") == "place/mine.py"


# The facts


@both_gears
@pytest.mark.parametrize("stride", [1, 7, 10, 30, 31, 60, None])
def test_failure_tells_what_was_the_case_at_the_bar(failing, compiled, stride):
    bars = random_bars(1, 60)
    failure = failure_of(failing, bars, compiled=compiled, parameters={"case": 4}, stride=stride, fixed_fee=1.0)
    cash = 10_000 - 10 * bars.open[6] - 1  # bought at bar 5, filled at the open of bar 6
    assert facts(failure) == {
        "bar": 30,
        "bar_time": int(bars.time[30]),
        "parameters": {"length": 3, "zero": 0, "case": 4, "at": 31},
        "position": 10.0,
        "cash": pytest.approx(cash, rel=1e-12),
        "equity": pytest.approx(cash + 10 * bars.close[30], rel=1e-12),
        "pending_orders": [{"verb": "sell", "kind": "market", "size_kind": "quantity", "size": 4.0, "bar": 30}],
        "indicators": {"fast": pytest.approx(bars.close[28:31].mean(), rel=1e-12), "never": None},
    }


@both_gears
def test_failure_at_the_first_bar_is_told(failing, compiled):
    bars = random_bars(1, 60)
    failure = failure_of(failing, bars, compiled=compiled, parameters={"case": 14, "at": 1})
    assert (failure.message, failure.detail["bar"], failure.detail["bar_time"]) == ("no more", 0, int(bars.time[0]))
    assert (failure.detail["position"], failure.detail["equity"]) == (0.0, 10_000.0)
    assert failure.detail["indicators"] == {"fast": None, "never": None}


def test_failure_late_in_a_long_run_is_the_same_in_both_gears(failing):
    bars = random_bars(2, 3_000)
    fields = {"parameters": {"case": 15, "at": 2_901}, "commission": 0.001}
    failures = [
        failure_of(failing, bars, compiled=gear, **fields, stride=stride) for gear in (0, 1) for stride in (250, 0)
    ]
    assert failures[0].detail["bar"] == 2_900
    assert all(facts(other) == facts(failures[0]) for other in failures)
    assert len({other.message for other in failures}) == 1


@both_gears
def test_failure_counts_bars_from_the_start_of_the_range(failing, compiled):
    bars = random_bars(1, 60)
    fields = {"start_ns": int(bars.time[20]), "parameters": {"case": 14}}
    failure = failure_of(failing, bars, compiled=compiled, **fields)
    assert (failure.detail["bar"], failure.detail["bar_time"]) == (10, int(bars.time[30]))


# The replay leaves no trace


class Seen(NullSink):
    def __init__(self):
        self.curves = []

    def advance(self, view):
        self.curves.append(view.equity.copy())


@both_gears
def test_failure_does_not_change_what_was_seen_before(failing, compiled):
    bars, whole, seen = random_bars(1, 60), Seen(), Seen()
    backtest(failing, bars, compiled=compiled, parameters={"case": 99, "at": 99}, sink=whole, stride=7)
    failure_of(failing, bars, compiled=compiled, parameters={"case": 4}, sink=seen, stride=7)
    assert [len(curve) for curve in seen.curves] == [7, 14, 21, 28, 30]
    assert (seen.curves[-1] == whole.curves[-1][:30]).all()


@both_gears
def test_failing_strategy_prints_nothing_twice(failing, compiled, capsys):
    failure_of(failing, random_bars(1, 60), compiled=compiled, parameters={"case": 4}, stride=7)
    assert capsys.readouterr().out.splitlines() == [f"bar {bar}" for bar in range(1, 32)]


# What the compiler does not take


@both_gears
@pytest.mark.parametrize(
    ("line", "error_type", "message"),
    [
        ("broker.buy(quantity='ten')", "TypeError", "'>' not supported between instances of 'str'"),
        ("broker.cloze()", "AttributeError", "broker has no verb or figure 'cloze'; there are buy, sell, close, "),
        ("broker.cloze()", "AttributeError", "Did you mean 'close'?"),
        ("broker.buy(quantity=ind.slow[-1])", "AttributeError", "ind has no indicator 'slow'; the strategy has none."),
        (
            "broker.buy(quantity=bars.clsoe[-1])",
            "AttributeError",
            "bars has no column 'clsoe'; there are open, high, low, close, volume. Did you mean 'close'?",
        ),
        ("broker.buy(quantity=params.length)", "AttributeError", "params has no parameter 'length'; the strategy has"),
        ("broker.buy(quantity=unknown)", "NameError", "'unknown' is not defined"),
    ],
)
def test_wrong_type_or_name_is_told_as_python_does(tmp_path, line, error_type, message, compiled):
    source = f"class Mine(Strategy):\n    @staticmethod\n    def on_bar(bars, ind, params, broker):\n        {line}\n"
    strategy = strategy_from(tmp_path, source, "wrong")
    failure = failure_of(strategy, random_bars(1, 20), compiled=compiled)
    assert failure.error_type == error_type
    assert message in failure.message
    assert own_frames(failure)[-1] == ("strategies/wrong.py", 5, "on_bar", line)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("if bars.index == 500: pass", "bars has no column 'index'; there are open, high, low, close, volume."),
        ("if bars.count > 500: pass", "bars has no column 'count'; there are open, high, low, close, volume."),
        ("if ind.index == ind.mean: pass", "ind has no indicator 'index'; there is mean."),
    ],
)
def test_method_of_a_tuple_is_told_as_a_name_that_is_not_there(tmp_path, line, message):
    strategy = with_indicators(tmp_path, "return {'mean': sma(bars.close, 3)}", deed=line)
    failure = failure_of(strategy, random_bars(1, 20), compiled=True)
    assert failure.message == f"mine.py, line 10: {message}"
    assert own_frames(failure)[-1] == ("strategies/mine.py", 10, "on_bar", line)


def test_argument_of_a_new_meaning_is_not_held_to_its_names(tmp_path):
    deed = "ind = bars.close.size; broker.buy(quantity=ind.real + 0.5)"
    strategy = with_indicators(tmp_path, "return {'mean': sma(bars.close, 3)}", deed=deed)
    backtest(strategy, random_bars(1, 20), compiled=False)


@both_gears
@pytest.mark.parametrize(
    "line",
    ["broker.buy(10, 95.0)", "broker.buy(quantity=10, fraction=0.5)", "broker.sell(fraction=0.5, quote=100.0)"],
)
def test_order_of_two_sizes_is_refused(tmp_path, line, compiled):
    source = f"class Mine(Strategy):\n    @staticmethod\n    def on_bar(bars, ind, params, broker):\n        {line}\n"
    failure = failure_of(strategy_from(tmp_path, source, "two"), random_bars(1, 20), compiled=compiled)
    assert failure.error_type == "ValueError"
    assert failure.message == "An order has one size: a quantity, a fraction or a quote amount."
    assert own_frames(failure)[-1] == ("strategies/two.py", 5, "on_bar", line)


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (("global N", "N += 1"), ""),
        (('text = f"{bars.close[-1]:.2f}"',), ""),
        (("if bars.close[-1] > S.level: broker.buy()",), "'S'"),
    ],
)
def test_refusal_names_no_folder_of_this_machine_and_closes_its_quotes(tmp_path, lines, told):
    body = "".join(f"        {line}\n" for line in lines)
    before = "N = 0\nclass S: level = 3.0\n"
    source = f"{before}class Mine(Strategy):\n    @staticmethod\n    def on_bar(bars, ind, params, broker):\n{body}"
    failure = failure_of(strategy_from(tmp_path, source, "refused"), random_bars(1, 20), compiled=True)
    assert str(tmp_path) not in failure.message
    assert "site-packages" not in failure.message
    assert failure.message.count("'") % 2 == 0
    assert told in failure.message


# Indicators


def with_indicators(folder, *lines, name="mine", deed="pass"):
    body = "\n".join(f"        {line}" for line in lines)
    return strategy_from(
        folder,
        "import numpy as np\n\n"
        "class Mine(Strategy):\n"
        "    length = Param(3)\n"
        f"    def indicators(self, bars):\n{body}\n"
        "    @staticmethod\n"
        "    def on_bar(bars, ind, params, broker):\n"
        f"        {deed}\n",
        name,
    )


def test_failure_in_indicators_is_told_by_its_line(tmp_path):
    strategy = with_indicators(tmp_path, "values = bars.close[5:]", "return {'x': values[len(bars)]}", name="broken")
    failure = failure_of(strategy, random_bars(1, 20), compiled=False)
    assert failure.error_type == "IndexError"
    assert own_frames(failure)[-1] == ("strategies/broken.py", 8, "indicators", "return {'x': values[len(bars)]}")
    assert facts(failure) == {"parameters": {"length": 3}}


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        ("{'x': bars.close[1:]}", r"'x' must be float64\[50\], one value per bar; it is float64 of shape \(49,\)"),
        ("{'x': 1.0}", r"'x' must be float64\[50\]"),
        ("{'x': np.stack((bars.close, bars.close))}", r"'x' must be .* shape \(2, 50\)"),
        ("{'x': np.array(['a'] * len(bars))}", "'x' must be float64"),
        ("{'x': bars.close + 0j}", "'x' must be float64"),
        ("{'my x': bars.close}", "'my x' is not a name"),
        ("{'_x': bars.close}", "'_x' is not a name"),
        ("{5: bars.close}", "5 is not a name"),
        ("[bars.close]", "must return a dict of arrays, not list"),
        ("None", "must return a dict of arrays, not NoneType"),
    ],
)
def test_indicators_that_are_not_one_number_per_bar_are_refused(tmp_path, returned, message):
    strategy = with_indicators(tmp_path, f"return {returned}")
    with pytest.raises(StrategyError, match=message):
        backtest(strategy, random_bars(1, 50), compiled=False)


@pytest.mark.parametrize(
    ("lines", "bar"),
    [
        (("return {'ahead': bars.close - bars.close.mean()}",), 0),
        (("return {'ahead': bars.close / bars.close[-1]}",), 0),
        (("return {'ahead': np.full(len(bars), bars.high.max())}",), 0),
        (("return {'ahead': np.full(len(bars), bars.low.min())}",), 0),
        (("return {'ahead': np.full(len(bars), bars.volume.mean())}",), 0),
        # 150 bars, recomputed on 50, 100 and 149: the last value of a shift by -1 is another with 50
        (("return {'ahead': np.roll(bars.close, -1)}",), 49),
        (("ahead = np.append(bars.close[1:], np.nan)", "return {'fine': bars.close, 'ahead': ahead}"), 49),
        (("return {'ahead': np.convolve(bars.close, np.ones(3) / 3, 'same')}",), 49),
        (("return {'ahead': (bars.close - bars.low.min()) / (bars.high.max() - bars.low.min())}",), None),
    ],
)
@both_gears
def test_indicator_that_looks_ahead_is_refused_with_bar_and_name(tmp_path, lines, bar, compiled):
    strategy = with_indicators(tmp_path, *lines)
    where = r"\d+" if bar is None else str(bar)
    with pytest.raises(StrategyError, match=rf"'ahead' of Mine looks ahead: its value at bar {where} is"):
        backtest(strategy, random_bars(1, 150), compiled=compiled)


def test_indicators_of_other_names_for_fewer_bars_are_refused(tmp_path):
    strategy = with_indicators(tmp_path, "return {'a' if len(bars) > 60 else 'b': bars.close}")
    with pytest.raises(StrategyError, match="other names for fewer bars"):
        backtest(strategy, random_bars(1, 100), compiled=False)


@pytest.mark.parametrize(
    "lines",
    [
        ("return {'x': bollinger(bars.close, 5)[0], 'y': rsi(bars.close, 14), 'z': macd(bars.close)[1]}",),
        ("return {'x': np.maximum.accumulate(bars.high), 'y': np.cumsum(bars.volume) / 3.0}",),
        ("return {'x': atr(bars.high, bars.low, bars.close), 'y': ema(bars.close, self.length)}",),
        ("return {'x': np.append(np.nan, bars.close[:-1]), 'y': bars.close > bars.open}",),
        ("return {}",),
    ],
)
def test_indicator_that_sees_the_past_alone_passes(tmp_path, lines):
    assert backtest(with_indicators(tmp_path, *lines), random_bars(1, 150), compiled=False).n_bars == 150


# The checker


def on_bar_of(folder, *lines, before=""):
    body = "\n".join(f"        {line}" for line in lines)
    source = f"import math\nimport numpy as np\n{before}\nclass Mine(Strategy):\n    @staticmethod\n"
    return strategy_from(folder, f"{source}    def on_bar(bars, ind, params, broker):\n{body}\n").on_bar


@pytest.mark.parametrize(
    "expression",
    [
        "int(bars.close[-1])",
        "round(bars.close[-1])",
        "math.floor(bars.close[-1])",
        "math.ceil(bars.close[-1])",
        "math.trunc(bars.close[-1])",
        "math.sqrt(bars.close[-1] - 5.0)",
        "np.sqrt(bars.close[-1] - 5.0)",
        "math.log(bars.close[-1])",
        "np.log(bars.close[-1])",
        "math.log2(bars.close[-1])",
        "math.log10(bars.close[-1])",
        "math.log1p(bars.close[-1])",
        "math.exp(bars.close[-1])",
        "np.exp(bars.close[-1])",
        "np.tanh(bars.close[-1])",
        "bars.close[-5:].mean()",
        "np.std(bars.close[-5:])",
        "math.expm1(bars.close[-1])",
        "math.asin(bars.close[-1])",
        "math.acos(bars.close[-1])",
        "pow(bars.close[-1], 2.0)",
        "math.pow(bars.close[-1], 2.0)",
        "bars.close[-1] ** 0.5",
        "2 ** -params.length",
        "bars.close[-1] ** params.length",
    ],
)
def test_checker_refuses_what_means_something_else_compiled(tmp_path, expression):
    on_bar = on_bar_of(tmp_path, "if broker.position == 0.0:", "    broker.buy()", f"value = {expression}")
    with pytest.raises(StrategyError, match=r"^mine\.py, line 10: .*compiled = False"):
        check_on_bar(on_bar)


def test_checker_looks_into_functions_of_the_strategys_files(tmp_path):
    before = "def root(x):\n    return math.sqrt(x)\n"
    on_bar = on_bar_of(tmp_path, "broker.buy(quantity=root(bars.close[-1]))", before=before)
    with pytest.raises(StrategyError, match=r"^mine\.py, line 5: sqrt"):
        check_on_bar(on_bar)


def test_checker_is_asked_before_a_compiled_run_and_not_before_an_interpreted_one(tmp_path):
    on_bar_of(tmp_path, "broker.buy(quantity=math.sqrt(bars.close[-1]))")
    strategy = strategy_from(tmp_path, (tmp_path / "mine.py").read_text())
    with pytest.raises(StrategyError, match="sqrt"):
        backtest(strategy, random_bars(1, 20), compiled=True)
    bars = random_bars(1, 20)
    assert backtest(strategy, bars, compiled=False).fills["qty"][0] == np.floor(np.sqrt(bars.close[0]))


@pytest.mark.parametrize(
    "lines",
    [
        ("if bars.close[-1] > 0.0:", "    value = math.sqrt(bars.close[-1])"),
        ("value = math.log(bars.close[-1]) if bars.close[-1] > 0.0 else 0.0",),
        ("value = math.sqrt(abs(bars.close[-1]))",),
        ("value = math.log(max(bars.close[-1], 1.0))",),
        ("value = int(max(bars.close[-1], 1.0))",),
        ("value = np.floor(bars.close[-1]) + np.round(bars.close[-1], 2)",),
        ("value = abs(bars.close[-1] - bars.open[-1]) / max(bars.close[-1], 1.0) * 3.0",),
        ("value = math.sqrt(2.0)",),
    ],
)
def test_checker_passes_guarded_and_harmless_forms(tmp_path, lines):
    check_on_bar(on_bar_of(tmp_path, *lines))
