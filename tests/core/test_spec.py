"""The spec and its run key."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from algotrade.spec import BacktestSpec, RunInputs, Sizing, canonical_json, run_key

INPUTS = RunInputs(
    source_hash="a" * 64,
    dataset_hash="b" * 64,
    instrument={"tick_size": 0.01, "lot_size": 1.0, "currency": "USD"},
    engine="1",
)


def make_spec(**changes):
    values = {
        "strategy_name": "sma_cross",
        "asset": "SPY",
        "exchange": "NYSE",
        "timeframe": "1h",
        "start_ns": 0,
        "end_ns": 10,
        "parameters": {"fast": 10, "slow": 30},
    }
    return BacktestSpec(**(values | changes))


def test_run_key_is_sha256_hex():
    assert len(bytes.fromhex(run_key(make_spec(), INPUTS))) == 32


def test_run_key_does_not_depend_on_the_order_of_parameters():
    other = make_spec(parameters={"slow": 30, "fast": 10})
    assert run_key(other, INPUTS) == run_key(make_spec(), INPUTS)


@pytest.mark.parametrize(
    "changes",
    [
        {"strategy_name": "x"},
        {"asset": "QQQ"},
        {"exchange": "X"},
        {"timeframe": "1d"},
        {"start_ns": 1},
        {"end_ns": 11},
        {"parameters": {"fast": 11, "slow": 30}},
        {"initial_cash": 1.0},
        {"commission": 0.1},
        {"fixed_fee": 1.0},
        {"slippage_ticks": 1.0},
        {"slippage_frac": 0.1},
        {"fill": "this_close"},
        {"sizing": Sizing("quantity", 1.0)},
        {"margin_ratio": 0.5},
        {"close_at_end": True},
        {"risk_free_rate": 0.01},
        {"borrow_rate": 0.01},
    ],
)
def test_run_key_changes_with_every_field(changes):
    assert run_key(make_spec(**changes), INPUTS) != run_key(make_spec(), INPUTS)


@pytest.mark.parametrize(
    "changes",
    [{"source_hash": "c" * 64}, {"dataset_hash": "c" * 64}, {"engine": "2"}, {"instrument": {"tick_size": 0.5}}],
)
def test_run_key_changes_with_every_input(changes):
    other = RunInputs.from_dict(INPUTS.to_dict() | changes)
    assert run_key(make_spec(), other) != run_key(make_spec(), INPUTS)


def test_spec_survives_json():
    spec = make_spec(sizing=Sizing("quote", 5.5), close_at_end=True)
    assert BacktestSpec.from_dict(json.loads(canonical_json(spec.to_dict()))) == spec


@given(st.floats(min_value=1e-9, max_value=1e15), st.text(max_size=20))
def test_spec_round_trip_is_exact(cash, name):
    spec = make_spec(initial_cash=cash, parameters={"side": name})
    assert BacktestSpec.from_dict(json.loads(canonical_json(spec.to_dict()))) == spec


def test_canonical_json_refuses_nan():
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical_json({"x": float("nan")})
