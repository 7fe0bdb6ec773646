"""The pages of datasets: what is there, its versions and gaps, longer bars of it, and when it may go."""

import numpy as np
import pytest

from algotrade.errors import SpecError
from algotrade.market.bars import Bars
from algotrade.market.holding import StoreBusy, exclusive
from algotrade.market.instruments import Instrument
from algotrade.resolve import resolve_backtest
from runs import artifacts
from runs.models import Run, Upload
from tests.builders import SPEC, make_run, make_user
from tests.result_builders import HOUR_NS, START_NS

pytestmark = pytest.mark.django_db

ACME = {"asset": "ACME", "exchange": "TEST", "timeframe": "1h"}


def page_of(response):
    return response.content.decode()


def store_hours(hours, asset="HOLEY", price=100.0, **options):
    """Store flat hourly bars at these hours after 1 January 2024."""
    flat = np.full(len(hours), price)
    bars = Bars(START_NS + np.array(hours, np.int64) * HOUR_NS, flat, flat, flat, flat, flat)
    return artifacts.candle_store().add(bars, Instrument(asset, "X-Y", 0.01), "1h", **options)


def test_list_tells_bars_range_gaps_size_and_runs(site):
    make_run(**ACME)
    store_hours([0, 1, 5])
    page = page_of(site.get("/data"))
    for part in ("ACME 1h", ">600<", "1 run<", "HOLEY 1h", "(3 bars)", "/data/HOLEY-X~Y-1h", "no run", "Backtest this"):
        assert part in page, part


def test_list_names_files_that_wait(site, user):
    Upload.objects.create(user=user, name="mine.csv", size_bytes=1_000, state="checked", n_errors=3)
    Upload.objects.create(user=make_user(), name="theirs.csv", size_bytes=1_000)
    page = page_of(site.get("/data"))
    assert "mine.csv" in page
    assert "3 errors" in page
    assert "theirs.csv" not in page


def test_optimization_over_several_datasets_uses_each(site):
    other = {"asset": "HOLEY", "exchange": "X-Y", "timeframe": "1h", "start_ns": 0, "end_ns": 1, "total_bars": 1}
    store_hours([0, 1])
    make_run(kind="optimization", spec=SPEC | {"datasets": [{**other, **ACME}, other, other]}, **ACME)
    assert page_of(site.get("/data")).count("1 run<") == 2


def test_page_tells_facts_versions_and_gaps(site):
    store_hours([0, 1, 2])
    dataset = store_hours([0, 1, 5, 6, 8, 24], source="holey.csv")
    page = page_of(site.get(f"/data/{dataset.key}"))
    for part in (
        "holey.csv",
        "3 bars</td>",
        "1 bar</td>",
        "1 Jan 2024, 01:00",
        "0 bars changed, 4 added, 1 removed",
        "newest",
    ):
        assert part in page, part


def test_gap_leads_to_the_bars_around_it(site):
    dataset = store_hours([*range(12), *range(15, 24)])
    page = page_of(site.get(f"/data/{dataset.key}"))
    assert 'data-bars="11 12"' in page
    assert "at=2024-01-01T11%3A00%3A00Z#bars" in page
    page = page_of(site.get(f"/data/{dataset.key}?at=2024-01-01T11:00:00Z"))
    table = page.split('data-testid="bars-table"')[1].split("</table>")[0]
    assert table.count("<tr>") == 1 + 20
    assert "3 bars missing" in table
    assert "11:00</time>" in table
    assert "15:00</time>" in table


def test_chart_gets_the_candles_of_a_range_and_of_a_version(site):
    old = store_hours([0, 1, 2], price=50.0)
    store_hours([0, 1, 2, 3])
    whole = site.get("/data/HOLEY-X~Y-1h/candles.json").json()
    assert (len(whole["time"]), whole["close"][0]) == (4, 100.0)
    start = START_NS // 10**9
    part = site.get(f"/data/HOLEY-X~Y-1h/candles.json?from={start + 3600}&to={start + 7200}&px=400").json()
    assert part["time"] == [start + 3600, start + 7200]
    assert site.get(f"/data/HOLEY-X~Y-1h/candles.json?version={old.version}").json()["close"][0] == 50.0
    for version in ("x", "current", "a" * 300):
        assert site.get(f"/data/HOLEY-X~Y-1h/candles.json?version={version}").status_code == 404
        assert site.post("/data/HOLEY-X~Y-1h/resample", {"timeframe": "4h", "version": version}).status_code == 404


@pytest.mark.parametrize("at", ["", "x", "9999-12-31T23:59:59Z", "0001-01-01", "2024-01-01T11:00", "\0"])
def test_moment_that_is_none_shows_no_bars_and_no_error(site, at):
    dataset = store_hours([0, 1])
    assert site.get(f"/data/{dataset.key}", {"at": at}).status_code == 200


def test_many_gaps_are_paged(site):
    dataset = store_hours([2 * hour for hour in range(500) if hour % 12])
    first = page_of(site.get(f"/data/{dataset.key}"))
    assert first.count("Go to gap") == 20
    assert "page=2#gaps" in first
    assert site.get(f"/data/{dataset.key}?page=x").status_code == 200


def test_older_version_is_shown_as_such(site):
    old = store_hours([0, 1])
    new = store_hours([0, 2])
    page = page_of(site.get(f"/data/{old.key}?version={old.version}"))
    assert "Older version" in page
    assert "Older version" not in page_of(site.get(f"/data/{new.key}?version={new.version}"))


@pytest.mark.parametrize(
    "address",
    [
        "NO-SUCH-1h",
        "ACME-TEST-1h?version=x",
        "ACME-TEST-1h?version=../x",
        "ACME-TEST-1h?version=current",
        "ACME-TEST-1h?version=" + "a" * 300,
        "..%2Fx-y-1h",
        "x",
    ],
)
def test_unknown_dataset_is_not_there(site, address):
    assert site.get(f"/data/{address}").status_code == 404


def test_longer_bars_are_a_dataset_that_knows_where_it_came_from(site):
    dataset = store_hours(list(range(48)))
    response = site.post(f"/data/{dataset.key}/resample", {"timeframe": "4h", "version": dataset.version}, follow=True)
    page = page_of(response)
    assert response.redirect_chain[-1][0] == "/data/HOLEY-X~Y-4h"
    assert "HOLEY 4h: 12 bars, a new version." in page
    assert "Resampled from" in page
    page = page_of(site.post(f"/data/{dataset.key}/resample", {"timeframe": "4h"}, follow=True))
    assert "no new version" in page


def test_longer_bars_of_an_older_version_say_so_and_are_made_again(site):
    dataset = store_hours(list(range(48)))
    site.post(f"/data/{dataset.key}/resample", {"timeframe": "4h"})
    store_hours(list(range(72)))
    assert "HOLEY 1h has a newer version since." in page_of(site.get("/data/HOLEY-X~Y-4h"))
    page = page_of(site.post(f"/data/{dataset.key}/resample", {"timeframe": "4h"}, follow=True))
    assert "HOLEY 4h: 18 bars, a new version." in page
    assert "newer version since" not in page


def test_longer_bars_replace_no_dataset_from_elsewhere(site):
    store = artifacts.candle_store()
    dataset = store_hours(list(range(48)))
    store.add(store.load(dataset), dataset.instrument, "4h", source="bought.csv")
    response = site.post(f"/data/{dataset.key}/resample", {"timeframe": "4h"})
    assert response.status_code == 409
    assert "HOLEY 4h on X-Y is there already, from bought.csv." in page_of(response)


@pytest.mark.parametrize("timeframe", ["1h", "90m", "x", "", "1" * 300])
def test_timeframe_that_does_not_fit_is_told(site, timeframe):
    response = site.post("/data/ACME-TEST-1h/resample", {"timeframe": timeframe})
    assert response.status_code == 422
    assert 'data-testid="dataset-problem"' in page_of(response)


def test_dataset_without_runs_is_deleted_after_a_question(site):
    dataset = store_hours([0, 1])
    assert "No run used them." in page_of(site.get(f"/data/{dataset.key}/delete"))
    assert artifacts.candle_store().newest("HOLEY", "X-Y", "1h") == dataset
    page = page_of(site.post(f"/data/{dataset.key}/delete", follow=True))
    assert "HOLEY 1h on X-Y was deleted." in page
    assert artifacts.candle_store().newest("HOLEY", "X-Y", "1h") is None


def test_dataset_that_a_run_used_stays_with_the_reason(site):
    make_run(**ACME)
    assert "/delete" not in page_of(site.get("/data/ACME-TEST-1h"))
    assert "is used by 1 run" in page_of(site.get("/data/ACME-TEST-1h/delete"))
    response = site.post("/data/ACME-TEST-1h/delete")
    assert response.status_code == 409
    assert "ACME 1h on TEST is used by 1 run." in page_of(response)
    assert artifacts.candle_store().newest("ACME", "TEST", "1h") is not None


def test_run_that_comes_between_look_and_deletion_keeps_its_dataset(site, monkeypatch):
    delete = type(artifacts.candle_store()).delete

    def late(store, dataset, may_go):
        make_run(**ACME)
        return delete(store, dataset, may_go)

    monkeypatch.setattr(type(artifacts.candle_store()), "delete", late)
    assert site.post("/data/ACME-TEST-1h/delete").status_code == 409
    assert artifacts.candle_store().newest("ACME", "TEST", "1h") is not None
    assert Run.objects.count() == 1


def test_run_is_submitted_while_nobody_deletes_its_candles(site, user, monkeypatch):
    announce, tried = Run.announce, []

    def look(run):
        with pytest.raises(StoreBusy), exclusive(artifacts.candle_store().root, 0.0):
            pytest.fail("the store could be had alone")
        tried.append(run)
        announce(run)

    monkeypatch.setattr(Run, "announce", look)
    Run.objects.submit(resolved_backtest(), user)
    assert len(tried) == 1
    with exclusive(artifacts.candle_store().root, 0.0):
        pass


def test_run_of_candles_that_were_deleted_meanwhile_is_not_submitted(site, user):
    resolved = resolved_backtest()
    dataset = artifacts.candle_store().get("ACME", "TEST", "1h")
    assert artifacts.candle_store().delete(dataset)
    with pytest.raises(SpecError, match="There are no candles for ACME 1h on TEST"):
        Run.objects.submit(resolved, user)
    assert not Run.objects.exists()


def resolved_backtest():
    request = {"strategy_name": "sma_cross", **ACME}
    return resolve_backtest(request, artifacts.catalog(), artifacts.candle_store())


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (StoreBusy("Candles are being stored."), "was not deleted. Candles are being stored."),
        (PermissionError(13, "Permission denied", "/secret/place"), "cannot be deleted: Permission denied."),
    ],
)
def test_deletion_that_cannot_be_is_told_without_places_of_the_disk(site, monkeypatch, error, told):
    def fails(*_args):
        raise error

    dataset = store_hours([0, 1])
    monkeypatch.setattr(type(artifacts.candle_store()), "delete", fails)
    response = site.post(f"/data/{dataset.key}/delete")
    assert response.status_code == 409
    assert f"HOLEY 1h on X-Y {told}" in page_of(response)
    assert "/secret" not in page_of(response)


def test_damaged_candles_are_told_on_their_page(site):
    dataset = store_hours([0, 1])
    dataset.path.write_bytes(b"x")
    assert "cannot be read" in page_of(site.get(f"/data/{dataset.key}"))


def store_days(numbers, asset="DAILY"):
    """Store flat daily bars at these days after Monday, 1 January 2024."""
    flat = np.full(len(numbers), 100.0)
    bars = Bars(START_NS + np.array(numbers, np.int64) * 24 * HOUR_NS, flat, flat, flat, flat, flat)
    return artifacts.candle_store().add(bars, Instrument(asset, "X", 0.01), "1d")


def test_missing_days_of_a_market_that_never_closes_are_gaps(site):
    dataset = store_days([day for day in range(60) if day not in (5, 6, 20)])
    page = page_of(site.get(f"/data/{dataset.key}"))
    assert page.count("Go to gap") == 2
    assert "Days missing between the first and the last" in page
    assert "without any bar" not in page
    assert '<span class="quiet">(3 bars)</span>' in page_of(site.get("/data"))


def test_weekdays_without_bars_are_called_so_and_lead_to_their_place(site):
    dataset = store_days([day for day in range(60) if day % 7 < 5 and day not in (9, 30)])
    page = page_of(site.get(f"/data/{dataset.key}"))
    assert "2 weekdays without any bar, such as holidays; each leads to its place:" in page
    days = page.split('data-testid="empty-days"')[1].split("</ul>")[0]
    assert days.count('title="Go to gap"') == 2
    assert 'data-bars="6 7" data-label="no bar on 2024-01-10"' in days  # Monday to Friday, Monday and Tuesday: 0 to 6
    assert "at=2024-01-09T00%3A00%3A00Z#bars" in days


def test_days_without_bars_of_a_market_that_trades_on_weekends_are_no_weekdays(site):
    dataset = store_hours([hour for hour in range(24 * 30) if hour // 24 not in (5, 6)])
    page = page_of(site.get(f"/data/{dataset.key}"))
    assert "2 days without any bar; each leads to its place:" in page
    assert "weekday" not in page


def test_used_dataset_says_why_it_cannot_be_deleted(site):
    make_run(**ACME)
    page = page_of(site.get("/data/ACME-TEST-1h"))
    reason = "ACME 1h on TEST is used by 1 run. Delete it first: the results rest on these bars."
    assert f'disabled aria-describedby="why-kept" title="{reason}"' in page
    assert f'data-testid="why-kept">{reason}</p>' in page
