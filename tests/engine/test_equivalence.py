"""What must not matter: gear, strides, build, cache, unit of money, the future. And what must hold for every run."""

import hashlib
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from algotrade.ports import NullSink
from algotrade.spec import Sizing
from tests.engine.market import GEARS, Busy, backtest, bytes_of, random_bars, random_orders, strategy_from
from tests.environment import ROOT

seeds = st.integers(0, 2**32 - 1)
gears = st.sampled_from(list(GEARS.values()))
parameters = st.fixed_dictionaries(
    {
        "mode": st.sampled_from(["trend", "revert", "both"]),
        "size": st.floats(0.01, 1.0),
        "std": st.integers(1, 20),
        "flips": st.booleans(),
    }
)
costs = st.fixed_dictionaries(
    {
        "initial_cash": st.sampled_from([10_000.0, 500.0]),
        "commission": st.sampled_from([0.0, 0.001, 0.01]),
        "fixed_fee": st.sampled_from([0.0, 1.0, 30.0]),
        "slippage_ticks": st.sampled_from([0.0, 1.0, 7.0]),
        "slippage_frac": st.sampled_from([0.0, 0.0005]),
        "borrow_rate": st.sampled_from([0.0, 0.03, 5.0]),
    }
)
ways = st.fixed_dictionaries(
    {
        "lot_size": st.sampled_from([1.0, 0.1, 1e-8, 0.0]),
        "margin_ratio": st.sampled_from([1.0, 0.5, 0.1]),
        "fill": st.sampled_from(["next_open", "this_close"]),
        "close_at_end": st.booleans(),
        "sizing": st.sampled_from([Sizing(), Sizing("quantity", 7.0), Sizing("quote", 2_500.0)]),
    }
)
volatilities = st.sampled_from([0.005, 0.02, 0.2, 0.6])
few = settings(max_examples=25)


# What must not matter


@few
@given(seeds, volatilities, costs, ways)
def test_gears_agree_to_the_bit_on_random_orders(seed, volatility, costs, ways):
    bars = random_bars(seed, 150, volatility=volatility)
    orders = random_orders(seed, 150)
    runs = [bytes_of(backtest(orders, bars, compiled=gear, **costs, **ways)) for gear in GEARS.values()]
    assert runs[0] == runs[1]


@few
@given(seeds, volatilities, costs, ways, parameters)
def test_gears_agree_to_the_bit_on_a_strategy_with_parameters_of_every_kind(seed, volatility, costs, ways, parameters):
    bars = random_bars(seed, 150, volatility=volatility)
    fields = {"parameters": parameters, **costs, **ways}
    runs = [bytes_of(backtest(Busy, bars, compiled=gear, **fields)) for gear in GEARS.values()]
    assert runs[0] == runs[1]


def test_strategy_of_these_tests_trades_in_every_way():
    result = backtest(Busy, random_bars(1, 500), compiled=True, commission=0.001)
    assert {1, -1} <= set(result.trades["side"].tolist())
    assert len(result.closed_trades) > 100
    assert (result.orders["status"] == 3).any()
    assert (result.closed_trades["qty"][:-1] != np.diff(result.closed_trades["qty"])).any()


@pytest.mark.parametrize("compiled", list(GEARS.values()), ids=list(GEARS))
@pytest.mark.parametrize("stride", [1, 2, 7, 64, 499, 500, 10_000])
def test_strides_do_not_matter(compiled, stride):
    bars = random_bars(2, 500)
    fields = {"compiled": compiled, "commission": 0.001, "borrow_rate": 0.05}
    whole = bytes_of(backtest(Busy, bars, **fields))
    assert bytes_of(backtest(Busy, bars, stride=stride, **fields)) == whole


@pytest.mark.parametrize("stride", [1, 333, None])
def test_recorders_grow_without_a_trace(stride):
    # 3 orders at each of 2,000 bars are six times what the recorders begin with
    bars = random_bars(3, 2_000)
    orders = dict.fromkeys(range(2000), "buy quantity=1; close; sell quantity=1")
    compiled = backtest(orders, bars, compiled=True, stride=stride)
    assert len(compiled.orders) == 6_000
    assert compiled.orders["id"].tolist() == list(range(6_000))
    assert bytes_of(compiled) == bytes_of(backtest(orders, bars, compiled=False))


@few
@given(seeds, costs, ways, parameters)
def test_builds_with_and_without_reference_counting_agree(seed, costs, ways, parameters):
    bars = random_bars(seed, 150)
    fields = {"parameters": parameters, **costs, **ways}
    runs = [bytes_of(backtest(Busy, bars, compiled=True, counting=counting, **fields)) for counting in (False, True)]
    assert runs[0] == runs[1]


def test_strategy_that_allocates_is_built_with_reference_counting(tmp_path):
    source = """
import numpy as np

class Mine(Strategy):
    @staticmethod
    def on_bar(bars, ind, params, broker):
        last = np.zeros(3)
        last[1] = bars.close[-1]
        if last.max() > 100.0 and broker.position == 0.0:
            broker.buy(fraction=0.5)
        elif last.max() < 100.0:
            broker.close()
"""
    strategy, bars = strategy_from(tmp_path, source, "allocates"), random_bars(4, 300)
    compiled = backtest(strategy, bars, compiled=True, cache_dir=tmp_path / "kernels")
    assert [path.read_text() for path in (tmp_path / "kernels").glob("*.compiled")] == ["counting"]
    assert len(compiled.fills) > 4
    assert bytes_of(compiled) == bytes_of(backtest(strategy, bars, compiled=False))


def test_same_spec_twice_gives_the_same_bytes():
    bars = random_bars(5, 300)
    assert bytes_of(backtest(Busy, bars, compiled=True)) == bytes_of(backtest(Busy, bars, compiled=True))


def digest(result):
    return hashlib.sha256(repr(sorted(bytes_of(result).items())).encode()).hexdigest()


class Phases(NullSink):
    def __init__(self):
        self.names = []

    def phase(self, name):
        self.names.append(name)


ANOTHER_PROCESS = """
import sys
from pathlib import Path
from tests.engine.market import Busy, backtest, random_bars
from tests.engine.test_equivalence import Phases, digest
phases = Phases()
result = backtest(Busy, random_bars(6, 300), compiled=True, cache_dir=Path(sys.argv[1]), sink=phases)
print(digest(result), *phases.names)
"""


def test_cold_cache_gives_the_same_bytes_and_another_process_takes_it_warm(tmp_path):
    kept, phases, bars = backtest(Busy, random_bars(6, 300), compiled=True), Phases(), random_bars(6, 300)
    cold = backtest(Busy, bars, compiled=True, cache_dir=tmp_path, sink=phases)
    assert phases.names == ["compiling_strategy", "running_backtest"]
    assert bytes_of(cold) == bytes_of(kept)
    kernels = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    done = subprocess.run(
        [sys.executable, "-c", ANOTHER_PROCESS, str(tmp_path)],
        cwd=ROOT, capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    assert done.stdout.split() == [digest(cold), "running_backtest"]
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == kernels


@few
@given(seeds, costs, ways, st.sampled_from([-20, -3, 1, 10, 40]), gears)
def test_unit_of_money_does_not_matter(seed, costs, ways, power, gear):
    unit = 2.0**power
    bars = random_bars(seed, 150)
    scaled = replace(bars, **{name: getattr(bars, name) * unit for name in ("open", "high", "low", "close")})
    assume(ways["sizing"].kind != "quote")
    fields = {"compiled": gear, **costs, **ways}
    orders = {bar: order for bar, order in random_orders(seed, 150).items() if "quote" not in order}
    plain = backtest(orders, bars, **fields)
    fields |= {name: costs[name] * unit for name in ("initial_cash", "fixed_fee")} | {"tick_size": 0.01 * unit}
    other = backtest(orders, scaled, **fields)
    assert (plain.equity * unit).tobytes() == other.equity.tobytes()
    assert plain.fills["qty"].tobytes() == other.fills["qty"].tobytes()


@few
@given(seeds, costs, ways, parameters, gears, st.integers(10, 140))
def test_future_does_not_change_the_past(seed, costs, ways, parameters, gear, bar):
    bars = random_bars(seed, 150)
    noise = random_bars(seed + 1, 150, start=40.0, volatility=0.1)
    names = ("open", "high", "low", "close", "volume")
    mixed = {name: np.concatenate((getattr(bars, name)[: bar + 1], getattr(noise, name)[bar + 1 :])) for name in names}
    fields = {"compiled": gear, "parameters": parameters, **costs, **ways}
    one, other = backtest(Busy, bars, **fields), backtest(Busy, replace(bars, **mixed), **fields)
    assert one.equity[: bar + 1].tobytes() == other.equity[: bar + 1].tobytes()
    for records, when in (("fills", "bar"), ("orders", "done_bar")):
        past = [getattr(run, records)[getattr(run, records)[when] <= bar].tobytes() for run in (one, other)]
        assert past[0] == past[1]
    decided = [
        run.orders[run.orders["bar"] <= bar][["id", "verb", "size_kind", "size"]].tolist() for run in (one, other)
    ]
    assert decided[0] == decided[1]


# What must hold for every run


cases = given(seed=seeds, volatility=volatilities, costs=costs, ways=ways, gear=gears)


def run_of(seed, volatility, costs, ways, gear):
    """Return bars and the run of a random script over them."""
    bars = random_bars(seed, 150, volatility=volatility)
    return bars, backtest(random_orders(seed, 150), bars, compiled=gear, **costs, **ways)


def nearly(value, *others):
    """Return an approximation to a billionth of the largest of some amounts."""
    return pytest.approx(value, rel=1e-9, abs=1e-9 * max([1.0, *map(abs, others)]))


@few
@cases
def test_equity_is_cash_and_position_at_every_bar(**case):
    bars, result = run_of(**case)
    cash, position, largest = case["costs"]["initial_cash"], 0.0, 10_000.0
    fills = result.fills.tolist()
    for bar, equity in enumerate(result.equity.tolist()):
        if position < 0.0:
            cash += case["costs"]["borrow_rate"] / 365 * position * bars.close[bar - 1]  # bars are days
        while fills and fills[0][0] == bar:
            _, _, qty, price, commission, _, after, _ = fills.pop(0)
            cash -= qty * price + commission
            position += qty
            largest = max(largest, abs(cash))
            assert after == nearly(position, position)
        assert equity == nearly(cash + position * bars.close[bar], largest)
    assert result.cash == nearly(cash, largest)


@few
@cases
def test_trades_and_charges_explain_the_whole_change_of_equity(**case):
    _, result = run_of(**case)
    profits = result.trades["profit"]
    paid = sum(result.charges.values())
    change = result.equity[-1] - case["costs"]["initial_cash"]
    assert change == nearly(profits.sum() - paid, 10_000.0, np.abs(profits).sum())


@few
@cases
def test_fees_and_slippage_of_trades_are_those_of_the_fills(**case):
    _, result = run_of(**case)
    assert result.commissions == nearly(result.fills["commission"].sum())
    assert result.trades["commission"].sum() == nearly(result.commissions, result.commissions)
    slippage = result.fills["slippage"].sum()
    assert result.trades["slippage"].sum() == nearly(slippage, slippage)


@few
@cases
def test_fills_are_at_the_price_of_their_moment(**case):
    case["costs"] |= {"slippage_ticks": 0.0, "slippage_frac": 0.0}
    bars, result = run_of(**case)
    own = result.fills["order"] < 0  # the engine's: at the end, and in ruin
    at_close = own | (case["ways"]["fill"] == "this_close")
    bar = result.fills["bar"]
    assert (result.fills["price"] == np.where(at_close, bars.close[bar], bars.open[bar])).all()
    assert ((bars.low[bar] <= result.fills["price"]) & (result.fills["price"] <= bars.high[bar])).all()
    given = result.orders["bar"][result.fills["order"][~own]]
    assert (bar[~own] - given == (0 if case["ways"]["fill"] == "this_close" else 1)).all()


@few
@cases
def test_slippage_never_helps(**case):
    bars, result = run_of(**case)
    bar, qty = result.fills["bar"], result.fills["qty"]
    at_close = (result.fills["order"] < 0) | (case["ways"]["fill"] == "this_close")
    unslipped = np.where(at_close, bars.close[bar], bars.open[bar])
    lost = qty * (result.fills["price"] - unslipped)
    assert (lost >= 0.0).all()
    assert np.allclose(lost, result.fills["slippage"], rtol=1e-9, atol=1e-9)


@few
@cases
def test_what_is_closed_was_opened(**case):
    _, result = run_of(**case)
    before = np.concatenate(([0.0], result.fills["position"][:-1]))
    enters = before * result.fills["qty"] >= 0.0
    entered = np.abs(result.fills["qty"][enters]).sum()
    assert result.trades["qty"].sum() == nearly(entered, entered)
    assert result.closed_trades["qty"].sum() + abs(result.position) == nearly(entered, entered)
    assert (before * result.fills["position"] >= 0.0).all()  # no fill goes through zero


@few
@cases
def test_quantities_are_whole_lots(**case):
    _, result = run_of(**case)
    lot_size = case["ways"]["lot_size"]
    assume(lot_size > 0.0)
    lots = result.fills["qty"] / lot_size
    assert np.allclose(lots, np.round(lots), rtol=1e-9, atol=1e-6)


@few
@cases
def test_every_order_ends_and_every_fill_has_one(**case):
    _, result = run_of(**case)
    assert (result.orders["status"] != 1).all()
    assert (result.orders["done_bar"] >= result.orders["bar"]).all()
    filled = result.orders["id"][result.orders["status"] == 2]
    assert result.fills["order"][result.fills["order"] >= 0].tolist() == filled.tolist()


@settings(max_examples=60)
@cases
def test_cash_is_never_owed_while_long(**case):
    _, result = run_of(**case)
    paid = result.fills["qty"] * result.fills["price"] + result.fills["commission"]
    cash = case["costs"]["initial_cash"] - np.cumsum(paid)
    assert (cash[result.fills["position"] > 0.0] >= -1e-4).all()


@settings(max_examples=60)
@cases
def test_account_without_equity_is_ruined_and_stands_still(**case):
    _, result = run_of(**case)
    if result.ruined_bar is None:
        assert (result.equity[:-1] > 0.0).all()
    else:
        assert (result.equity[: result.ruined_bar] > 0.0).all()
        assert (result.equity[result.ruined_bar :] == result.cash).all()
        assert result.position == 0.0
        assert (result.orders["bar"] <= result.ruined_bar).all()


@few
@given(seeds, gears, st.sampled_from([0.0, 0.0005, 0.01]), st.sampled_from([0.0, 0.5, 20.0]))
@example(0, True, 0.0, 0.5)
def test_higher_fees_never_make_richer_for_the_same_fills(seed, gear, commission, fixed_fee):
    bars = random_bars(seed, 150)
    orders = {bar: text for bar, text in random_orders(seed, 150).items() if "quantity" in text or text == "close"}
    orders = {bar: "; ".join(o for o in text.split("; ") if "quantity" in o) or text for bar, text in orders.items()}
    fields = {"compiled": gear, "initial_cash": 10_000_000.0}  # enough for every order
    free = backtest(orders, bars, **fields)
    paid = backtest(orders, bars, commission=commission, fixed_fee=fixed_fee, **fields)
    assert free.fills[["bar", "qty", "price"]].tolist() == paid.fills[["bar", "qty", "price"]].tolist()
    assert (paid.equity <= free.equity).all()
    assert free.equity[-1] - paid.equity[-1] == nearly(paid.commissions, 1e7)
