"""The result of a backtest: what it refuses, and that a folder gives back what was saved or says what is wrong."""

import json
from dataclasses import replace

import numpy as np
import pytest

from algotrade.records import TRADE, Reason
from algotrade.results import COLUMNS, BacktestResult, ResultError
from tests.result_builders import make_fill, make_result, make_trade

CLOSED, OPEN = make_trade(5.0), make_trade(-2.0, open_=True)


def make_full_result(**changed):
    """Return a result of five bars with something in every array."""
    full = {
        "trades": [CLOSED, OPEN],
        "fills": [make_fill(1, 2.0, 9.5, 2.0)],
        "position": -2.0,
        "commissions": 0.1 + 0.2,
        "charges": {"rent": 0.1 + 0.7},
    }
    return make_result(1000.0 + np.arange(5) / 3, **(full | changed))


def saved(tmp_path, **fields):
    make_full_result(**fields).save(tmp_path)
    return tmp_path


def is_memory_mapped(array):
    while isinstance(array, np.ndarray) and not isinstance(array, np.memmap):
        array = array.base
    return isinstance(array, np.memmap)


def change_meta(folder, **changed):
    meta = json.loads((folder / "meta.json").read_text())
    (folder / "meta.json").write_text(json.dumps(meta | changed))


def test_result_comes_back_equal(tmp_path):
    result = make_full_result(ruined_bar=4)
    result.save(tmp_path)
    loaded = BacktestResult.load(tmp_path)
    assert all(np.array_equal(getattr(loaded, name), getattr(result, name)) for name in COLUMNS)
    for name in ("cash", "position", "commissions", "charges", "ruined_bar"):
        assert getattr(loaded, name) == getattr(result, name)


def test_result_that_tells_more_than_is_asked_comes_back(tmp_path):
    result = make_full_result()
    result.save(tmp_path)
    change_meta(tmp_path, n_ambiguous_bars=0)  # as results of an earlier time do
    assert BacktestResult.load(tmp_path).cash == result.cash


def test_result_without_orders_comes_back(tmp_path):
    loaded = BacktestResult.load(saved(tmp_path, trades=[], fills=[]))
    assert (len(loaded.orders), len(loaded.fills), len(loaded.trades)) == (0, 0, 0)


def test_result_loaded_is_memory_mapped_and_aligned(tmp_path):
    loaded = BacktestResult.load(saved(tmp_path))
    assert is_memory_mapped(loaded.equity)
    assert loaded.fills.dtype.isalignedstruct


def test_result_arrays_refuse_writing():
    result = make_full_result()
    with pytest.raises(ValueError, match="read-only"):
        result.equity[0] = 1.0


def test_result_leaves_the_given_arrays_writable():
    equity = np.ones(5)
    result = make_result(equity)
    equity[0] = 2.0
    assert result.equity[0] == 2.0


def test_result_tells_closed_from_open_trades():
    result = make_result(trades=[CLOSED, make_trade(1.0, exit_reason=Reason.END_OF_RUN), OPEN])
    assert (result.has_open_trade, result.n_closed_trades, len(result.closed_trades)) == (True, 2, 2)


def test_result_initial_cash_is_the_first_equity_when_nothing_filled_in_the_first_bar():
    assert make_result([1000.0, 1010.0], fills=[make_fill(1, 2.0, 95.0, 2.0)]).initial_cash == 1000.0


def test_result_initial_cash_undoes_the_fills_of_the_first_bar():
    # 2 bought at 100.5 against a close of 100, fee 3: the account fell from 1000 by 2 x 0.5 + 3 = 4.
    first = make_fill(0, 2.0, 100.5, 2.0, commission=3.0)
    assert make_result([996.0, 1010.0], fills=[first, make_fill(1, -2.0, 105.0, 0.0)]).initial_cash == 1000.0


def test_result_with_only_closed_trades_has_none_open():
    result = make_result(trades=[CLOSED])
    assert (result.has_open_trade, result.n_closed_trades) == (False, 1)


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"close": np.ones(4)}, "one value per bar"),
        ({"equity": np.zeros(0), "time": np.zeros(0, np.int64), "close": np.zeros(0)}, "at least one bar"),
        ({"close": np.ones(2, np.float32)}, "close must be a 1-D array of float64, not float32"),
        ({"fills": np.zeros(2, TRADE)}, "fills must be"),
        ({"time": np.zeros((2, 1), np.int64)}, "time must be a 1-D"),
    ],
)
def test_result_refuses_arrays_that_do_not_fit(changed, named):
    result = make_result()
    with pytest.raises(ResultError, match=named):
        replace(result, **changed)


@pytest.mark.parametrize("name", [*(f"{column}.npy" for column in COLUMNS), "meta.json"])
def test_load_names_the_missing_file(tmp_path, name):
    (saved(tmp_path) / name).unlink()
    with pytest.raises(ResultError, match=f"^{name} .* missing"):
        BacktestResult.load(tmp_path)


@pytest.mark.parametrize("keep", [0, 20, 140])
@pytest.mark.parametrize("name", ["equity.npy", "fills.npy"])
def test_load_names_the_truncated_file(tmp_path, name, keep):
    path = saved(tmp_path) / name
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(ResultError, match=f"^{name} .* damaged"):
        BacktestResult.load(tmp_path)


def test_load_refuses_a_pickle_in_place_of_an_array(tmp_path):
    np.save(saved(tmp_path) / "equity.npy", np.array([{"a": 1}] * 5, dtype=object), allow_pickle=True)
    with pytest.raises(ResultError, match=r"equity\.npy .* damaged"):
        BacktestResult.load(tmp_path)


def test_load_refuses_an_array_of_another_length(tmp_path):
    np.save(saved(tmp_path) / "trades.npy", np.zeros(3, TRADE))
    with pytest.raises(ResultError, match=r"trades\.npy .* not 2 rows"):
        BacktestResult.load(tmp_path)


@pytest.mark.parametrize("text", ["", "{", "[]", "\udcff", '{"version": 1}', "[" * 100_000, '{"a": "' + "x" * 70_000])
def test_load_refuses_a_damaged_meta_file(tmp_path, text):
    (saved(tmp_path) / "meta.json").write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(ResultError, match=r"^meta\.json .* damaged"):
        BacktestResult.load(tmp_path)


def test_load_refuses_a_cash_that_is_no_number(tmp_path):
    change_meta(saved(tmp_path), cash="much")
    with pytest.raises(ResultError, match=r"^meta\.json .* damaged"):
        BacktestResult.load(tmp_path)


def test_load_refuses_another_version(tmp_path):
    change_meta(saved(tmp_path), version=99)
    with pytest.raises(ResultError, match="has version 99, not 1"):
        BacktestResult.load(tmp_path)


def test_indicators_come_back_by_name_memory_mapped(tmp_path):
    fast, slow = np.array([np.nan, 1.0, 2.0, 3.0, 4.0]), np.arange(5.0)
    loaded = BacktestResult.load(saved(tmp_path, indicators={"fast": fast, "Fast": slow}))
    assert list(loaded.indicators) == ["fast", "Fast"]
    assert np.array_equal(loaded.indicators["fast"], fast, equal_nan=True)
    assert np.array_equal(loaded.indicators["Fast"], slow)
    assert is_memory_mapped(loaded.indicators["fast"])


def test_indicators_beyond_the_first_ten_are_not_kept(tmp_path):
    many = {f"i{number}": np.full(5, float(number)) for number in range(20)}
    assert list(BacktestResult.load(saved(tmp_path, indicators=many)).indicators) == [f"i{n}" for n in range(10)]


@pytest.mark.parametrize("name", ["indicators", "charges"])
def test_result_of_before_there_were_such_comes_back(tmp_path, name):
    saved(tmp_path)
    meta = json.loads((tmp_path / "meta.json").read_text())
    del meta[name]
    (tmp_path / "meta.json").write_text(json.dumps(meta))
    assert getattr(BacktestResult.load(tmp_path), name) == {}


@pytest.mark.parametrize("charges", [[], 5, {"rent": "much"}])
def test_damaged_charges_are_refused(tmp_path, charges):
    change_meta(saved(tmp_path), charges=charges)
    with pytest.raises(ResultError, match=r"^meta\.json .* damaged"):
        BacktestResult.load(tmp_path)


def test_damaged_indicator_is_named(tmp_path):
    saved(tmp_path, indicators={"fast": np.arange(5.0)})
    np.save(tmp_path / "indicator-0.npy", np.arange(4.0))
    with pytest.raises(ResultError, match=r"indicator-0\.npy"):
        BacktestResult.load(tmp_path)
