"""The account's declaration: what follows from it for messages, specs, run keys and the engine's record."""

from dataclasses import replace

import pytest

from algotrade.account import ACCOUNT, ACCOUNT_FIELDS, NUMBERS, Account, AccountField, Sizing
from algotrade.records import ACCOUNT as RECORD
from algotrade.resolve.account import SUBMISSION_FIELDS
from algotrade.spec import (
    BacktestSpec,
    DatasetRange,
    OptimizationInputs,
    OptimizationSpec,
    RunInputs,
    family_key,
    run_key,
)

NAMES = {"strategy_name": "sma_cross", "asset": "SPY", "exchange": "NYSE", "timeframe": "1h"}
PLAIN = BacktestSpec(**NAMES, start_ns=0, end_ns=10, parameters={"fast": 10, "slow": 30})
CHANGED = Account(
    initial_cash=2_500.0,
    commission=0.001,
    fixed_fee=1.5,
    slippage_ticks=2.0,
    slippage_frac=0.0005,
    fill="this_close",
    sizing=Sizing("quote", 100.0),
    margin_ratio=0.5,
    close_at_end=True,
    risk_free_rate=0.02,
)
FULL = replace(PLAIN, **CHANGED.account_values())
INSTRUMENT = {"tick_size": 0.01, "lot_size": 1.0, "currency": "USD"}
INPUTS = RunInputs("a" * 64, "b" * 64, INSTRUMENT, engine="5")
OPTIMIZATION = OptimizationSpec(
    strategy_name="sma_cross",
    datasets=(DatasetRange("SPY", "NYSE", "1h", 0, 10, 11),),
    account=CHANGED.account_dict(),
    axes={"fast": (5, 10), "slow": (20,)},
    rules=("fast < slow",),
    objective="sharpe_ratio",
)
OPTIMIZATION_INPUTS = OptimizationInputs("a" * 64, "5", ({"dataset_hash": "b" * 64, "instrument": INSTRUMENT},))


def test_run_keys_are_those_of_the_time_when_every_module_had_the_fields():
    keys = [run_key(PLAIN, INPUTS), run_key(FULL, INPUTS), run_key(OPTIMIZATION, OPTIMIZATION_INPUTS)]
    assert keys == [
        "1485607a1acfacd51d80d46c896207ed13e6a83d4fd731ca6bdd0e8abcccfff1",
        "147bef953fad9e95303c9f6877a89b2d40c8910a5cdf7129f61d9c8cd0b1d6cb",
        "57d365154e5108b65722554c569f5fcd1274ce4e7807abdc05d904fe44c5ebb8",
    ]
    family = "612c898f6a6f85cddbd28692d0d42390a9ed11827f5246d9d9db8025312197ac"
    assert family_key(OPTIMIZATION, OPTIMIZATION_INPUTS, 0) == family


def without(name, values):
    """Return a mapping without one of its names."""
    return {key: value for key, value in values.items() if key != name}


def test_later_field_is_in_keys_only_where_it_is_set():
    assert PLAIN.to_key() == without("borrow_rate", PLAIN.to_dict())
    assert OPTIMIZATION.to_key()["account"] == without("borrow_rate", OPTIMIZATION.account)
    borrowing = replace(PLAIN, borrow_rate=0.03)
    assert borrowing.to_key() == borrowing.to_dict()
    costly = replace(OPTIMIZATION, account={**OPTIMIZATION.account, "borrow_rate": 0.03})
    assert costly.to_key() == costly.to_dict()
    assert family_key(costly, OPTIMIZATION_INPUTS, 0) != family_key(OPTIMIZATION, OPTIMIZATION_INPUTS, 0)


def test_spec_that_is_older_than_a_field_has_its_default_and_the_key_that_it_had():
    assert BacktestSpec.from_dict(without("borrow_rate", PLAIN.to_dict())) == PLAIN
    stored = {**OPTIMIZATION.to_dict(), "account": without("borrow_rate", OPTIMIZATION.account)}
    old = OptimizationSpec.from_dict(stored)
    assert old == OPTIMIZATION
    assert run_key(old, OPTIMIZATION_INPUTS) == run_key(OPTIMIZATION, OPTIMIZATION_INPUTS)
    assert old.backtest({"fast": 5, "slow": 20})[0].borrow_rate == 0.0


def test_validator_and_engine_have_every_field():
    assert SUBMISSION_FIELDS[6:] == tuple(ACCOUNT)
    assert (RECORD.names or ())[: len(NUMBERS)] == NUMBERS


@pytest.mark.parametrize("declared", ACCOUNT_FIELDS, ids=list(ACCOUNT))
def test_field_is_fit_to_be_shown(declared):
    assert declared.label
    assert getattr(Account(), declared.name) == declared.default
    if declared.kind == "number":
        assert declared.accepts(declared.default)
        assert declared.accepts(declared.proposed)
        assert declared.unit


@pytest.mark.parametrize(
    ("bounds", "words", "accepted", "refused"),
    [
        ({"low": 0.0, "high": 1e6, "unit": "ticks"}, "a number of ticks from 0 to 1,000,000", [0, 1e6], [-1, 1e7]),
        (
            {"low": 0.0, "high": 1.0, "is_high_open": True, "unit": "fee"},
            "a fraction of at least 0 and below 1",
            [0, 0.5],
            [1, -0.1],
        ),
        (
            {"low": -1.0, "is_low_open": True, "high": 1.0, "unit": "rate"},
            "a yearly fraction above -1 and at most 1",
            [1],
            [-1],
        ),
        ({"low": 0.0, "unit": "money"}, "an amount of at least 0", [0, 1e300], [-1]),
        ({"high": 2.5, "unit": "share"}, "a fraction of at most 2.5", [-9, 2.5], [3]),
    ],
)
def test_bounds_are_told_as_they_are_checked(bounds, words, accepted, refused):
    declared = AccountField(kind="number", default=0.0, proposed=0.0, label="It", **bounds)
    assert declared.allowed == words
    assert [declared.accepts(value) for value in (*accepted, *refused)] == [True] * len(accepted) + [False] * len(
        refused
    )


def test_bounds_of_a_fraction_are_told_in_percent():
    assert ACCOUNT["commission"].allowed_in_percent == "at least 0% and below 100%"
    assert ACCOUNT["risk_free_rate"].allowed_in_percent == "above -100% and at most 100%"
