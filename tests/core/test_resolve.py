"""The only validator: what it accepts, fills in and refuses."""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from algotrade.errors import SpecError
from algotrade.market.bars import Bars
from algotrade.market.instruments import Instrument
from algotrade.market.store import CandleStore
from algotrade.resolve import resolve_backtest, to_ns
from algotrade.spec import Sizing
from algotrade.strategies.catalog import Catalog

HOUR = 3_600_000_000_000
START = to_ns(datetime(2020, 1, 1, tzinfo=UTC))
REQUEST = {"strategy_name": "sma_cross", "asset": "SPY", "exchange": "NYSE", "timeframe": "1h"}


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    """A catalog of the built-in strategies and a store with 240 hours from 2020-01-01."""
    home = tmp_path_factory.mktemp("home")
    store = CandleStore(home / "candles")
    close = 100.0 + np.arange(240) % 7
    bars = Bars(
        time=START + HOUR * np.arange(240), open=close, high=close + 1, low=close - 1, close=close, volume=np.ones(240)
    )
    store.add(bars, Instrument(asset="SPY", exchange="NYSE", tick_size=0.01, lot_size=1.0, currency="USD"), "1h")
    return Catalog(home / "strategies", home / "archive"), store


@pytest.fixture
def resolve(places):
    return lambda **changes: resolve_backtest(REQUEST | changes, *places)


def test_defaults_are_filled_in(resolve):
    spec = resolve().spec
    assert (spec.initial_cash, spec.commission, spec.fill, spec.sizing) == (10_000.0, 0.0, "next_open", Sizing())
    assert spec.parameters == {"fast": 10, "slow": 30, "side": "long"}
    assert (spec.start_ns, spec.end_ns) == (START, START + 239 * HOUR)


def test_range_is_inclusive_at_both_ends(resolve):
    assert resolve(start="2020-01-01T05:00:00Z", end="2020-01-01T07:00:00Z").total_bars == 3


def test_date_alone_is_the_whole_day(resolve):
    assert resolve(start="2020-01-02", end="2020-01-03").total_bars == 48


def test_time_without_offset_is_utc_and_with_one_is_converted(resolve):
    plain = resolve(start="2020-01-01T05:00:00").spec.start_ns
    assert plain == resolve(start="2020-01-01T07:00:00+02:00").spec.start_ns == START + 5 * HOUR


def test_two_ways_to_say_the_same_are_one_key(resolve):
    said = resolve(start="2020-01-01", initial_cash="10,000", parameters={"slow": "30"}, commission=-0.0)
    assert said.run_key == resolve().run_key


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ({"fixed_fee": "1,70"}, {"fixed_fee": 1.7}),
        ({"slippage_ticks": "0,5"}, {"slippage_ticks": 0.5}),
        ({"risk_free_rate": "0,1"}, {"risk_free_rate": 0.1}),
        ({"margin_ratio": "0,1"}, {"margin_ratio": 0.1}),
        ({"commission": "0,001"}, {"commission": 0.001}),
        ({"initial_cash": "10.000,50"}, {"initial_cash": 10_000.5}),
        ({"initial_cash": "10 000"}, {"initial_cash": 10_000.0}),
        ({"close_at_end": "True"}, {"close_at_end": True}),
        ({"close_at_end": "False"}, {"close_at_end": False}),
        ({"parameters": {"slow": " 40,0 "}}, {"parameters": {"slow": 40}}),
        ({"sizing": {"kind": "quote", "value": "2,5"}}, {"sizing": {"kind": "quote", "value": 2.5}}),
    ],
)
def test_value_is_read_as_it_is_typed(resolve, typed, meant):
    assert resolve(**typed).spec == resolve(**meant).spec


@pytest.mark.parametrize(
    ("changes", "field", "told"),
    [
        ({"strategy_name": "nope"}, "strategy_name", "nope"),
        ({"strategy_name": None}, "strategy_name", "required"),
        ({"strategy_name": 7}, "strategy_name", "text"),
        ({"asset": "QQQ"}, "asset", "SPY"),
        ({"exchange": "XX"}, "exchange", "NYSE"),
        ({"timeframe": "1d"}, "timeframe", "1h"),
        ({"timeframe": ""}, "timeframe", "required"),
        ({"parameters": {"fats": 3}}, "parameters.fats", "fast, slow"),
        ({"parameters": {"fast": 1}}, "parameters.fast", "1"),
        ({"parameters": {"fast": "7,5"}}, "parameters.fast", "'7,5'"),
        ({"initial_cash": "1,2,3"}, "initial_cash", "'1,2,3'"),
        ({"fixed_fee": "1 7"}, "fixed_fee", "'1 7'"),
        ({"parameters": {"fast": 10.5}}, "parameters.fast", "10.5"),
        ({"parameters": {"fast": True}}, "parameters.fast", "True"),
        ({"parameters": {"side": "up"}}, "parameters.side", "long"),
        ({"parameters": {"fast": 30}}, "parameters.fast", "fast < slow is required; fast is 30 and slow is 30"),
        ({"parameters": [1]}, "parameters", "object"),
        ({"start": "2020-01-05", "end": "2020-01-04"}, "start", "before the end"),
        ({"start": "2020-01-05T00:00:00Z", "end": "2020-01-05T00:00:00Z"}, "start", "before the end"),
        ({"start": "2021-01-01", "end": "2021-02-01"}, "start", "no candles from 2021-01-01"),
        ({"start": "yesterday"}, "start", "yesterday"),
        ({"end": "9999-12-31"}, "end", "2261"),
        ({"end": 5}, "end", "5"),
        ({"initial_cash": 0}, "initial_cash", "above 0"),
        ({"initial_cash": "1e400"}, "initial_cash", "1e400"),
        ({"initial_cash": float("nan")}, "initial_cash", "nan"),
        ({"initial_cash": 10**400}, "initial_cash", "1000"),
        ({"initial_cash": True}, "initial_cash", "True"),
        ({"commission": 1}, "commission", "below 1"),
        ({"commission": -0.1}, "commission", "-0.1"),
        ({"fixed_fee": -1}, "fixed_fee", "-1"),
        ({"slippage_ticks": -1}, "slippage_ticks", "-1"),
        ({"slippage_frac": 1}, "slippage_frac", "below 1"),
        ({"fill": "now"}, "fill", "next_open, this_close"),
        ({"margin_ratio": 0}, "margin_ratio", "above 0"),
        ({"close_at_end": "perhaps"}, "close_at_end", "true or false"),
        ({"risk_free_rate": 5}, "risk_free_rate", "5"),
        ({"borrow_rate": -0.1}, "borrow_rate", "a yearly fraction from 0 to 10"),
        ({"sizing": "all"}, "sizing", "kind"),
        ({"sizing": {"kind": "half", "value": 1}}, "sizing.kind", "equity_fraction"),
        ({"sizing": {"kind": "equity_fraction", "value": 2}}, "sizing.value", "at most 1"),
        ({"sizing": {"kind": "quantity"}}, "sizing.value", "required"),
        ({"leverage": 5}, "leverage", "Unknown field"),
    ],
)
def test_wrong_field_is_named_with_its_value_and_what_is_allowed(resolve, changes, field, told):
    with pytest.raises(SpecError) as caught:
        resolve(**changes)
    assert list(caught.value.fields) == [field]
    assert told in caught.value.fields[field]


def test_all_wrong_fields_are_told_at_once(resolve):
    with pytest.raises(SpecError) as caught:
        resolve(asset="QQQ", commission=-1, parameters={"fast": 1})
    assert sorted(caught.value.fields) == ["asset", "commission", "parameters.fast"]


def test_inputs_pin_what_the_names_stand_for(resolve, places):
    resolved = resolve()
    assert resolved.inputs.dataset_hash == resolved.dataset.version
    assert resolved.inputs.source_hash == places[0].get("sma_cross").source_hash
    assert resolved.inputs.instrument["tick_size"] == 0.01


def test_rule_of_a_strategy_that_is_no_expression_is_told_not_raised(places, monkeypatch):
    catalog, store = places
    info = replace(catalog.get("sma_cross"), rules=("fast <",))
    monkeypatch.setattr(catalog, "get", lambda _name: info)
    with pytest.raises(SpecError, match="not an expression"):
        resolve_backtest(REQUEST, catalog, store)
