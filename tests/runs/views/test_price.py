"""The price chart's data: the pinned candles, the indicators of the artifact, the trades; over the page and the API."""

import gzip
import json
import shutil

import numpy as np
import pytest

from runs import artifacts
from runs.backtests.price import windowed
from runs.models import RunState
from tests.builders import INPUTS
from tests.optimizations import INPUTS as OPTIMIZATION_INPUTS
from tests.result_builders import START_NS
from tests.runs import pages
from tests.runs.clients import program
from tests.runs.pages import N_BARS, make_arrays, make_completed
from tests.runs.trials import add_trials, make_optimization, make_trial

SECOND = START_NS // 10**9
MEAN = np.where(np.arange(N_BARS) < 9, np.nan, 100.0 + np.arange(N_BARS) / 8)


@pytest.fixture
def pinned(site):
    """Return the inputs of a run on the installation's dataset."""
    return INPUTS | {"dataset_hash": artifacts.candle_store().get("ACME", "TEST", "1h").version}


@pytest.fixture
def charted(user, pinned):
    """Return a completed run of 30 trades with one indicator."""
    run = make_completed(make_arrays(indicators={"mean": MEAN}), user=user, inputs=pinned)
    run.result |= {"panes": {"mean": "averages"}}
    run.save()
    return run


def candles(site, run, query=""):
    return site.get(f"/backtests/{run.id}/candles.json?{query}").json()


def test_candles_are_those_of_the_range_with_indicators_and_trades(site, charted):
    body = candles(site, charted)
    assert (body["n_bars"], body["bars_per_candle"], len(body["time"])) == (N_BARS, 1, N_BARS)
    assert body["time"][:2] == [SECOND, SECOND + 3_600]
    assert body["close"][20] == pytest.approx(100 + 10 * np.sin(1.0), abs=1e-5)
    assert body["indicators"][0]["values"][8:10] == [None, 101.125]
    assert (body["indicators"][0]["name"], body["indicators"][0]["pane"]) == ("mean", "averages")
    # Trade i enters at bar 10 i and ends at 10 i + 5; the first loses 40 of 300.
    assert body["markers"]["candle"][:4] == [0, 5, 10, 15]
    assert body["markers"]["return"][:2] == [None, -0.1333333]


@pytest.mark.parametrize(
    ("query", "first", "n", "view"),
    [
        (f"from={SECOND + 36_000}&to={SECOND + 50_400}", 10, 5, [10, 15]),
        ("first=590&last=9999", 590, 10, [590, 600]),
        ("bars=80", 226, 100, [236, 316]),  # the last trade ends at bar 295: a quarter of the view comes after it
        ("bars=5000", 0, 600, [0, 600]),
        ("first=9&last=3", 9, 0, [9, 9]),
        ("first=x&last=&from=nan&to=1e9&bars=--", 0, 600, [0, 600]),
        ("px=-4&from=" + "9" * 60, 0, 600, [0, 600]),
        ("from=99999999999&to=-99999999999", 600, 0, [600, 600]),
    ],
)
def test_window_is_what_the_address_says(site, charted, query, first, n, view):
    body = candles(site, charted, query)
    assert (body["first_bar"], len(body["time"]), body["view"]) == (first, n, view)
    assert len(body["indicators"][0]["values"]) == n


@pytest.mark.parametrize(
    ("query", "view"),
    [
        # The last three trades are bars 270 to 295. 8 / 4 + 1 bars come after them: to 298. From there back to 270, and
        # 8 / 8 bars more, are 29, of which 3 * 8 are shown.
        ("bars=8", [274, 298]),
        # 12 / 4 + 1 after: to 299; from there back to 270, and 12 / 8 more, are 30.
        ("bars=12", [269, 299]),
    ],
)
def test_view_is_widened_for_the_last_trades(site, charted, query, view):
    assert candles(site, charted, query)["view"] == view


def test_failed_run_has_candles_and_the_bar_at_which_it_ended(site, user, pinned):
    body = candles(site, pages.make_failed(user=user, inputs=pinned), "bars=80")
    assert (body["ended_bar"], body["ended"]) == (41, "Failed here")
    assert (body["markers"], body["indicators"]) == (None, [])
    assert body["view"] == [0, 80]


def test_cancelled_run_ended_at_its_last_bar(site, user, pinned):
    run = pages.make_page_run(RunState.CANCELLED, user=user, inputs=pinned, processed=300)
    body = candles(site, run, "bars=80")
    assert (body["ended_bar"], body["ended"], body["view"]) == (299, "Cancelled here", [240, 320])


def test_run_that_never_began_ended_at_no_bar(site, user, pinned):
    run = pages.make_page_run(RunState.CANCELLED, user=user, inputs=pinned)
    assert candles(site, run)["ended_bar"] is None


def test_candles_remain_when_the_arrays_are_gone(site, charted):
    shutil.rmtree(artifacts.folder(charted))
    body = candles(site, charted)
    assert (len(body["time"]), body["indicators"], body["markers"]) == (N_BARS, [], None)


def test_candles_that_are_gone_are_told(site, user):
    response = site.get(f"/backtests/{make_completed(user=user).id}/candles.json")
    assert response.status_code == 404
    assert "have no version 'dddddddddddd' any more" in response.json()["error"]
    page = site.get(f"/backtests/{make_completed(user=user, artifact='two').id}/candles").content.decode()
    assert "The candles cannot be read: " in page


def test_candles_travel_compressed(site, charted):
    response = site.get(f"/backtests/{charted.id}/candles.json", headers={"Accept-Encoding": "gzip"})
    assert response["Content-Encoding"] == "gzip"
    assert len(json.loads(gzip.decompress(response.content))["time"]) == N_BARS
    assert len(response.content) < 25_000


def test_table_of_candles_shows_indicators(site, charted):
    content = site.get(f"/backtests/{charted.id}/candles").content.decode()
    assert content.count('<td class="num quiet">') == 50
    assert 'class="num mono">mean</th>' in content
    assert "101.125" in content  # at bar 9; before it is not ready
    assert ">\N{EM DASH}</td>" in content


def test_trade_leads_to_its_bars(site, charted):
    content = site.get(f"/backtests/{charted.id}/trades").content.decode()
    assert f'href="/backtests/{charted.id}#bars=10-15"' in content


def test_program_gets_what_the_chart_draws(site, user, charted):
    start = "2024-01-01T10:00:00Z"
    address = f"/api/backtests/{charted.id}/candles?from={start}&to=2024-01-01T16:00:00Z"
    body = program(user).get(address).json()
    page = candles(site, charted, f"from={SECOND + 36_000}&to={SECOND + 57_600}")
    assert body["time"][0] == start
    assert len(body["time"]) == 7
    for name in ("open", "close", "indicators", "markers", "n_bars", "first_bar", "ended_bar"):
        assert body[name] == page[name]


@pytest.mark.parametrize("query", ["px=0", "from=yesterday", "last=5"])
def test_program_is_told_what_is_wrong(user, charted, query):
    response = program(user).get(f"/api/backtests/{charted.id}/candles?{query}")
    assert response.status_code == 400
    assert list(response.json()["fields"]) == [query.partition("=")[0]]


def test_program_is_told_that_candles_are_gone(user, site):
    response = program(user).get(f"/api/backtests/{make_completed(user=user).id}/candles")
    assert response.status_code == 404
    assert "any more" in response.json()["error"]


@pytest.fixture
def failed_trial(user, pinned):
    """Return a trial that failed at bar 41 of the installation's dataset."""
    names = {"asset": "ACME", "exchange": "TEST", "timeframe": "1h", "total_bars": N_BARS}
    dataset = names | {name: pages.PAGE_SPEC[name] for name in ("start_ns", "end_ns")}
    candles_of = {name: pinned[name] for name in ("dataset_hash", "instrument")}
    run = make_optimization(
        user=user, spec={"datasets": [dataset]}, inputs=OPTIMIZATION_INPUTS | {"datasets": [candles_of]}
    )
    add_trials(run, [make_trial(run, 0)])
    return run.trials.get()


def test_failed_trial_has_candles_and_the_bar_at_which_it_failed(site, failed_trial):
    address = f"/optimizations/{failed_trial.run.id}/trials/1"
    assert f'data-url="{address}/candles.json"' in site.get(address).content.decode()
    body = site.get(f"{address}/candles.json?bars=80").json()
    assert (body["ended_bar"], body["ended"], body["view"], body["n_bars"]) == (41, "Failed here", [0, 80], N_BARS)
    assert "markers" not in body


def test_failed_trial_without_candles_tells_so(site, user):
    run = make_optimization(user=user)
    add_trials(run, [make_trial(run, 0)])
    response = site.get(f"/optimizations/{run.id}/trials/1/candles.json")
    assert response.status_code == 404
    assert "There are no candles for SPY 1h on NYSE." in response.json()["error"]


def test_bare_candles_are_windowed_likewise(site):
    store = artifacts.candle_store()
    bars = store.load(store.get("ACME", "TEST", "1h"))
    body = windowed(bars, {"bars": "80"})
    assert (len(body["time"]), body["view"], "indicators" in body) == (90, [520, 600], False)
