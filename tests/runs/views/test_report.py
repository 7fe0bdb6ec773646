"""What a report loads on demand: tables by the page, the log, the series."""

import re

import numpy as np
import pytest

from runs.models import RunState
from tests.result_builders import HOUR_NS, START_NS
from tests.runs.pages import N_BARS, make_arrays, make_completed, make_failed, make_page_run

SCRIPT = {"HX-Request": "true"}


def n_rows(response):
    body = re.search(r"<tbody>(.*)</tbody>", response.content.decode(), re.DOTALL)
    return body[1].count("<tr") if body else 0


@pytest.mark.parametrize(
    ("table", "name"), [("trades", "trades-table"), ("orders", "orders-table"), ("equity", "equity-table")]
)
def test_table_is_a_part_for_scripts_and_a_page_without(site, user, table, name):
    run = make_completed(user=user)
    part = site.get(f"/backtests/{run.id}/{table}", headers=SCRIPT).content.decode()
    whole = site.get(f"/backtests/{run.id}/{table}").content.decode()
    assert part.lstrip().startswith('<section id="run-tables"')
    assert whole.lstrip().startswith("<!doctype html>")
    assert f'data-testid="{name}"' in part
    assert f'data-testid="{name}"' in whole


def test_part_and_page_are_not_mixed_up_by_caches(site, user):
    run = make_completed(user=user)
    assert "HX-Request" in site.get(f"/backtests/{run.id}/trades")["Vary"]


@pytest.mark.parametrize(
    ("page", "expected"), [("1", 12), ("3", 6), ("99", 6), ("0", 12), ("-1", 12), ("x", 12), ("9" * 40, 12)]
)
def test_part_has_pages_of_twelve(site, user, page, expected):
    run = make_completed(user=user)  # 30 trades: 12, 12, 6
    assert n_rows(site.get(f"/backtests/{run.id}/trades?page={page}", headers=SCRIPT)) == expected


def test_orders_are_counted_from_one_like_trades(site, user):
    run = make_completed(user=user)
    for table in ("orders", "trades"):
        content = site.get(f"/backtests/{run.id}/{table}").content.decode()
        first = re.search(r"<tbody>\s*<tr[^>]*><td[^>]*>(?:<a[^>]*>)?(\d+)<", content)
        assert first[1] == "1"


def test_page_has_fifty_rows(site, user):
    run = make_completed(make_arrays(n_trades=55), user=user)
    assert n_rows(site.get(f"/backtests/{run.id}/trades")) == 50


def test_trade_was_held_through_nights_and_weekends(site, user):
    time = START_NS + np.cumsum(np.where(np.arange(N_BARS) == 3, 65, 1)) * HOUR_NS  # Friday evening to Monday
    run = make_completed(make_arrays(n_trades=1, time=time), user=user)
    content = site.get(f"/backtests/{run.id}/trades").content.decode()
    # Five bars from entry to exit: four hours, and 65 over the weekend.
    assert '<td class="num" title="5 bars">2d 21h</td>' in content


def test_trade_shows_profit_and_return(site, user):
    run = make_completed(user=user)
    content = site.get(f"/backtests/{run.id}/trades").content.decode()
    # The first trade loses 40.00 on 3 units bought at 100: 40 / 300 = 13.33 %.
    assert "\N{MINUS SIGN}40.00" in content
    assert "\N{MINUS SIGN}13.33%" in content


def test_order_shows_its_fill(site, user):
    content = site.get(f"/backtests/{make_completed(user=user).id}/orders").content.decode()
    assert "100.00% of equity" in content
    assert "101.25" in content


def test_equity_has_a_row_for_each_day(site, user):
    run = make_completed(user=user)
    assert n_rows(site.get(f"/backtests/{run.id}/equity")) == N_BARS // 24


def test_empty_table_says_so(site, user):
    run = make_completed(make_arrays(n_trades=0), user=user)
    assert "No trades." in site.get(f"/backtests/{run.id}/trades", headers=SCRIPT).content.decode()


def test_tables_of_an_unfinished_run_are_told_to_come(site, user):
    run = make_page_run(RunState.RUNNING, user=user)
    assert "appear when the backtest finishes" in site.get(f"/backtests/{run.id}/trades").content.decode()


@pytest.mark.parametrize("state", [RunState.FAILED, RunState.CANCELLED])
def test_tables_of_a_run_that_never_finished_are_not_promised(site, user, state):
    run = make_page_run(state, user=user)
    content = site.get(f"/backtests/{run.id}/equity").content.decode()
    assert "the backtest did not finish" in content
    assert "appear when" not in content


def test_log_is_shown_as_text(site, user):
    run = make_completed(user=user)
    assert "printed &lt;i&gt;text&lt;/i&gt;" in site.get(f"/backtests/{run.id}/log", headers=SCRIPT).content.decode()


@pytest.mark.parametrize(
    ("state", "said"),
    [
        (RunState.RUNNING, "is shown when it has ended"),
        (RunState.CANCELLED, "What a cancelled run printed is not kept."),
        (RunState.FAILED, "The strategy printed nothing."),
    ],
)
def test_log_page_says_why_there_is_none(site, user, state, said):
    run = make_page_run(state, user=user)
    assert said in site.get(f"/backtests/{run.id}/log").content.decode()


def test_log_of_a_failed_run_is_on_its_page(site, user):
    run = make_failed(user=user)
    assert "before the fall" in site.get(f"/backtests/{run.id}").content.decode()


def test_series_covers_the_range(site, user):
    series = site.get(f"/backtests/{make_completed(user=user).id}/series.json").json()
    assert series["time"][0] == START_NS // 10**9
    assert series["equity"][-1] == 10_599.0
    assert len({len(column) for column in series.values()}) == 1


def test_series_is_cut_to_the_window(site, user):
    run = make_completed(user=user)
    start = START_NS // 10**9 + 3600 * 10
    series = site.get(f"/backtests/{run.id}/series.json", {"from": start, "to": start + 3600 * 4}).json()
    assert series["time"] == [start + 3600 * i for i in range(5)]


@pytest.mark.parametrize(
    "query", ["px=1e9", "px=-5", "px=nan", "from=x", "to=" + "9" * 50, "from=5&to=1", "from=-99999999999"]
)
def test_series_survives_nonsense(site, user, query):
    run = make_completed(user=user)
    assert site.get(f"/backtests/{run.id}/series.json?{query}").status_code == 200


def test_unknown_table_is_not_found(site, user):
    run = make_completed(user=user)
    assert site.get(f"/backtests/{run.id}/secrets").status_code == 404
