"""The result of a backtest: what it refuses, and that a folder gives back what was saved or says what is wrong."""

import json

import numpy as np
import pytest

from algotrade.records import FILL, ORDER, TRADE, Reason
from algotrade.results import COLUMNS, BacktestResult, ResultError


def make_result(n_bars=5, *, trades=(), **changed):
    """Return a small complete result; `trades` are exit reasons."""
    rows = np.zeros(len(trades), TRADE)
    rows["exit_reason"] = trades
    values = {
        "time": np.arange(n_bars, dtype=np.int64) * 3_600_000_000_000,
        "close": np.linspace(10.0, 11.0, n_bars),
        "equity": np.linspace(1000.0, 1100.0, n_bars),
        "orders": np.zeros(3, ORDER),
        "fills": np.zeros(2, FILL),
        "trades": rows,
        "cash": 1000.1,
        "position": -2.0,
        "commissions": 0.1 + 0.2,
    }
    return BacktestResult(**(values | changed))


def saved(tmp_path, **fields):
    make_result(**fields).save(tmp_path)
    return tmp_path


def is_memory_mapped(array):
    while isinstance(array, np.ndarray) and not isinstance(array, np.memmap):
        array = array.base
    return isinstance(array, np.memmap)


def change_meta(folder, **changed):
    meta = json.loads((folder / "meta.json").read_text())
    (folder / "meta.json").write_text(json.dumps(meta | changed))


def test_result_comes_back_equal(tmp_path):
    result = make_result(trades=[Reason.SIGNAL, Reason.NONE], ruined_bar=4, n_ambiguous_bars=7)
    result.save(tmp_path)
    loaded = BacktestResult.load(tmp_path)
    assert all(np.array_equal(getattr(loaded, name), getattr(result, name)) for name in COLUMNS)
    for name in ("cash", "position", "commissions", "n_ambiguous_bars", "ruined_bar"):
        assert getattr(loaded, name) == getattr(result, name)


def test_result_without_orders_comes_back(tmp_path):
    loaded = BacktestResult.load(saved(tmp_path, orders=np.zeros(0, ORDER), fills=np.zeros(0, FILL)))
    assert (len(loaded.orders), len(loaded.fills), len(loaded.trades)) == (0, 0, 0)


def test_result_loaded_is_memory_mapped_and_aligned(tmp_path):
    loaded = BacktestResult.load(saved(tmp_path))
    assert is_memory_mapped(loaded.equity)
    assert loaded.fills.dtype.isalignedstruct


def test_result_arrays_refuse_writing():
    result = make_result()
    with pytest.raises(ValueError, match="read-only"):
        result.equity[0] = 1.0


def test_result_leaves_the_given_arrays_writable():
    equity = np.ones(5)
    make_result(equity=equity)
    equity[0] = 2.0
    assert equity.flags.writeable


def test_result_tells_closed_from_open_trades():
    result = make_result(trades=[Reason.SIGNAL, Reason.END_OF_RUN, Reason.NONE])
    assert (result.has_open_trade, result.n_closed_trades, len(result.closed_trades)) == (True, 2, 2)


def test_result_with_only_closed_trades_has_none_open():
    result = make_result(trades=[Reason.SIGNAL])
    assert (result.has_open_trade, result.n_closed_trades) == (False, 1)


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"equity": np.ones(4)}, "one value per bar"),
        ({"n_bars": 0}, "at least one bar"),
        ({"close": np.ones(5, np.float32)}, "close must be a 1-D array of float64, not float32"),
        ({"fills": np.zeros(2, TRADE)}, "fills must be"),
        ({"time": np.zeros((5, 1), np.int64)}, "time must be a 1-D"),
    ],
)
def test_result_refuses_arrays_that_do_not_fit(changed, named):
    with pytest.raises(ResultError, match=named):
        make_result(**changed)


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
    with pytest.raises(ResultError, match=r"trades\.npy .* not 0 rows"):
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
