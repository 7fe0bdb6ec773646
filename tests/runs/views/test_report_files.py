"""A report's tables as files: every row, every bit, nothing that a spreadsheet would run."""

import csv
import io
from dataclasses import replace

import numpy as np
import pytest

from algotrade.records import OrderStatus, Reason
from runs.display.spreadsheets import FORMULA_STARTS
from runs.models import RunState
from tests.result_builders import START_NS, make_result, make_trade
from tests.runs.clients import csv_text
from tests.runs.pages import N_BARS, make_arrays, make_completed, make_order, make_page_run

TABLES = ("trades", "orders", "equity")
THIRD = 1 / 3


def rows_of(site, run, table):
    """Return the rows of a file, header first, as a spreadsheet reads them."""
    response = site.get(f"/backtests/{run.id}/{table}.csv")
    assert response.status_code == 200
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert response["Content-Disposition"] == f'attachment; filename="backtest-{run.number}-{table}.csv"'
    assert response.streaming
    return list(csv.reader(io.StringIO(csv_text(response), newline="")))


def test_trades_are_exact_and_in_the_words_of_the_api(site, user):
    trades = [
        make_trade(-THIRD, bars=(0, 5), qty=0.1, entry=1e-7, commission=0.30000000000000004, slippage=0.01),
        make_trade(2.5, side=-1, bars=(7, N_BARS - 1), open_=True),
    ]
    run = make_completed(replace(make_arrays(), trades=np.array(trades)), user=user)
    header, closed, still_open = rows_of(site, run, "trades")
    assert header == [
        "number", "side", "quantity", "entry_time", "entry_price", "exit_time", "exit_price", "exit_reason", "is_open",
        "bars_held", "profit", "return", "commission", "slippage", "worst_profit", "best_profit",
    ]  # fmt: skip
    assert closed[:4] == ["1", "long", "0.1", "2024-01-01T00:00:00Z"]
    assert closed[5:10] == ["2024-01-01T05:00:00Z", repr(1e-7 - THIRD / 0.1), "signal", "False", "5"]
    assert [float(closed[at]) for at in (4, 10, 11, 12)] == [1e-7, -THIRD, -THIRD / (0.1 * 1e-7), 0.30000000000000004]
    assert still_open[:2] == ["2", "short"]
    assert still_open[5:9] == ["", "", "", "True"]


def test_file_of_trades_has_what_the_api_answers(site, user):
    run = make_completed(user=user)
    header, *rows = rows_of(site, run, "trades")
    items = site.get(f"/api/backtests/{run.id}/trades?limit=100").json()["items"]
    assert [dict(zip(header, row, strict=True)) for row in rows] == [
        {name: "" if value is None else str(value) for name, value in item.items()} for item in items
    ]


def test_orders_come_with_their_fill_or_without(site, user):
    orders = np.array([make_order(0, 0), make_order(1, 10, OrderStatus.REJECTED)])
    orders[1]["reason"] = Reason.NOT_PAYABLE
    run = make_completed(replace(make_arrays(n_trades=1), orders=orders), user=user)
    header, filled, rejected = rows_of(site, run, "orders")
    assert header[:3] == ["number", "time", "kind"]
    told = dict(zip(header, filled, strict=True))
    assert (told["number"], told["verb"], told["size"], told["status"]) == ("1", "buy", "1.0", "filled")
    assert (told["done_time"], told["quantity"], told["price"]) == ("2024-01-01T01:00:00Z", "3.0", "101.25")
    told = dict(zip(header, rejected, strict=True))
    assert (told["status"], told["reason"], told["price"], told["quantity"]) == ("rejected", "not_payable", "", "")


def test_equity_has_every_bar_to_the_last_bit(site, user):
    n_bars = 5_000  # more than one part of the file
    equity = 10_000.0 + np.cumsum(np.random.default_rng(1).normal(0, 7, n_bars))
    close = 100.0 + np.arange(n_bars) / 3
    time = START_NS + np.arange(n_bars, dtype=np.int64) * 1_500_000_000
    arrays = make_result(equity, close=close, time=time)
    header, *rows = rows_of(site, make_completed(arrays, user=user), "equity")
    assert header == ["time", "equity", "hold", "drawdown"]
    assert [rows[0][0], rows[1][0], len(rows)] == ["2024-01-01T00:00:00Z", "2024-01-01T00:00:01.500000Z", n_bars]
    told = np.array([row[1:] for row in rows], dtype=float)
    assert np.array_equal(told[:, 0], equity)
    assert np.array_equal(told[:, 1], close * (10_000.0 / close[0]))
    peaks = np.maximum(np.maximum.accumulate(equity), 10_000.0)
    assert np.array_equal(told[:, 2], equity / peaks - 1.0)


@pytest.mark.parametrize("table", TABLES)
def test_no_cell_is_a_formula(site, user, table):
    for row in rows_of(site, make_completed(user=user), table):
        for text in row:
            assert not text.startswith(FORMULA_STARTS) or np.isfinite(float(text)), text


@pytest.mark.parametrize("table", TABLES)
def test_file_is_linked_below_its_table(site, user, table):
    run = make_completed(user=user)
    for headers in ({}, {"HX-Request": "true"}):
        content = site.get(f"/backtests/{run.id}/{table}", headers=headers).content.decode()
        assert f'href="/backtests/{run.id}/{table}.csv" download' in content


@pytest.mark.parametrize("state", [RunState.RUNNING, RunState.FAILED, RunState.CANCELLED])
def test_run_that_is_not_completed_has_no_file(site, user, state):
    response = site.get(f"/backtests/{make_page_run(state, user=user).id}/trades.csv")
    assert response.status_code == 409
    assert "only a completed backtest has tables" in response.json()["error"]


def test_arrays_that_are_gone_are_told(site, user):
    run = make_page_run(RunState.COMPLETED, user=user, artifact="gone")
    response = site.get(f"/backtests/{run.id}/equity.csv")
    assert response.status_code == 404
    assert "cannot be read" in response.json()["error"]


def test_file_is_read_and_nothing_else(site, user):
    run = make_completed(user=user)
    assert site.post(f"/backtests/{run.id}/trades.csv").status_code == 405
    assert site.get(f"/backtests/{run.id}/candles.csv").status_code == 404
