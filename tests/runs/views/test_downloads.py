"""The pages of downloads: the form, each state, and what may be done, by whom."""

import pytest

from algotrade.errors import MarketDataError
from algotrade.market.instruments import Instrument
from runs import artifacts, fragments
from runs.downloads import exchanges
from runs.models import Run, RunState
from tests.builders import make_download, make_user
from tests.runs.clients import browser
from tests.runs.downloads.test_execution import bars_of
from tests.runs.markup import close_up

pytestmark = pytest.mark.django_db

KNOWN = {
    "bitstamp": {"title": "Bitstamp", "timeframes": ["1m", "1h", "1d"]},
    "kraken": {"title": "Kraken <b>", "timeframes": ["4h"]},
}
FORM = {"exchange": "bitstamp", "asset": "BTC/USD", "timeframe": "1h", "start": "2020-01-01", "end": "2020-02-11"}
RESULT = {
    "dataset": {
        "asset": "BTC-USD", "exchange": "bitstamp", "timeframe": "1h", "version": "f" * 64, "n_bars": 995,
        "first_ns": 1_577_836_800 * 10**9, "last_ns": 1_581_433_200 * 10**9,
    },
    "n_fetched": 995, "n_added": 990, "n_changed": 2, "n_missing": 5, "n_requests": 1, "notes": ["A <note>."],
    "missing": [{"first_ns": 1_577_840_400 * 10**9, "last_ns": 1_577_854_800 * 10**9, "n_bars": 5}], "log": "",
}  # fmt: skip


@pytest.fixture
def known(site, monkeypatch):
    """Let two exchanges be known, and return the client of a logged-in user."""
    monkeypatch.setattr(exchanges, "known", lambda: KNOWN)
    monkeypatch.setattr(exchanges, "library", lambda: "ccxt 1")
    return site


@pytest.fixture
def page(known, user):
    """Return a function that gives the page of a download."""

    def page_(state, **fields):
        run = make_download(state, **{"user": user, **fields})
        return run, known.get(run.get_absolute_url()).content.decode()

    return page_


def live_parts(run):
    return close_up("".join(part.html() for part in fragments.live_parts(run).values()))


def text(html):
    return " ".join(html.split())


def test_data_page_leads_to_the_form(known):
    assert 'href="/data/download"' in known.get("/data").content.decode()


def test_form_opens_on_the_exchange_that_its_user_took_last(known, user, monkeypatch):
    many = {name: {"title": name, "timeframes": ["1h"]} for name in ("aftermath", "kraken", "binance", "bitstamp")}
    monkeypatch.setattr(exchanges, "known", lambda: many)
    assert '<option value="bitstamp" selected>' in known.get("/data/download").content.decode()
    make_download(RunState.FAILED, user=user, spec={"exchange": "kraken"})
    make_download(RunState.COMPLETED, user=make_user(), spec={"exchange": "aftermath"})
    assert '<option value="kraken" selected>' in known.get("/data/download").content.decode()


def test_blank_form_offers_exchanges_and_complains_of_nothing(known):
    html = known.get("/data/download").content.decode()
    assert '<option value="bitstamp" selected>Bitstamp</option>' in html
    assert '<option value="kraken">' in html
    assert "Kraken &lt;b&gt;" in html
    assert "aria-invalid" not in html


def test_blank_form_begins_with_another_exchange_where_the_usual_one_is_not_known(known, monkeypatch):
    monkeypatch.setattr(exchanges, "known", lambda: {"kraken": KNOWN["kraken"]})
    assert '<option value="kraken" selected>' in known.get("/data/download").content.decode()


def test_valid_form_starts_a_download_of_its_user(known, user):
    response = known.post("/data/download", FORM)
    run = Run.objects.get()
    assert (response.status_code, response["Location"]) == (302, f"/downloads/{run.id}")
    assert (run.kind, run.user, run.asset, run.total) == ("download", user, "BTC-USD", 1_008)


def test_same_form_twice_is_one_download(known):
    first, second = known.post("/data/download", FORM), known.post("/data/download", FORM)
    assert first["Location"] == second["Location"]
    assert Run.objects.count() == 1


def test_wrong_form_keeps_what_was_typed_and_names_the_fields(known):
    response = known.post("/data/download", FORM | {"asset": "../x", "end": "never"})
    html = response.content.decode()
    assert response.status_code == 422
    assert 'value="../x"' in html
    assert "Must be a market such as BTC/USD" in html
    assert not Run.objects.exists()


def test_empty_form_names_what_is_missing_and_starts_nothing(known):
    response = known.post("/data/download", {})
    assert response.status_code == 422
    for label in ("Exchange", "Market", "Timeframe"):
        assert f"<span>{label}: This field is required.</span>" in response.content.decode(), label
    assert not Run.objects.exists()


def test_form_tells_what_is_there_and_continues_it(known):
    artifacts.candle_store().add(bars_of([1.0] * 40), Instrument("BTC-USD", "bitstamp", 0.01), "1h")
    html = known.get("/data/download?dataset=BTC-USD|bitstamp|1h").content.decode()
    assert "There are 40 bars of BTC-USD 1h already" in text(html)
    assert "2 Jan 2020, 15:00" in text(html)  # the last bar that is there: hour 39


def test_check_says_how_many_bars_that_is_and_starts_nothing(known):
    html = text(known.post("/data/download/check", FORM).content.decode())
    assert "1,008 bars" in html
    assert 'id="timeframes"' not in html
    assert not Run.objects.exists()


def test_check_brings_the_timeframes_of_another_exchange(known):
    html = known.post("/data/download/check", FORM | {"exchange": "kraken", "timeframes_of": "bitstamp"}).content
    assert '<option value="4h" selected>' in html.decode()


def test_form_without_the_library_says_how_to_install_it(site, monkeypatch):
    def missing():
        raise MarketDataError("It needs the package ccxt.")

    monkeypatch.setattr(exchanges, "known", missing)
    assert "It needs the package ccxt." in site.get("/data/download").content.decode()
    assert site.post("/data/download", FORM).status_code == 409
    assert site.post("/data/download/check", FORM).status_code == 204


def test_running_download_shows_how_far_it_is_and_why_it_waits(page):
    live = {"rate": 150.0, "waiting": {"reason": "Bitstamp did not answer: <503>.", "seconds": 12.0}}
    _, html = page(RunState.RUNNING, processed=400, phase="fetching_bars", live=live)
    assert 'Fetched 400 <span class="of">/ 1,000 bars' in html
    assert "Bitstamp did not answer: &lt;503&gt;. Next try in 12 s." in html
    assert '<dd data-testid="rate">—</dd>' in html
    assert '<dd data-testid="eta">—</dd>' in html
    assert 'data-verbs="cancel"' in html


def test_running_download_that_does_not_wait_shows_its_rate(page):
    _, html = page(RunState.RUNNING, processed=400, phase="fetching_bars", live={"rate": 150.0})
    assert "150 <small>bars/s" in html
    assert '<dd data-testid="eta">—</dd>' not in html


def test_completed_download_shows_what_came_of_it(page):
    _, html = page(RunState.COMPLETED, processed=995, total=995, result=RESULT)
    for told in ("990 <small>bars", "2 <small>bars", "5 <small>bars", "A &lt;note&gt;.", "1 Jan 2020, 01:00"):
        assert told in html, told
    assert 'data-verbs="delete"' in html


def test_completed_download_leads_to_its_dataset_while_there_is_one(page):
    artifacts.candle_store().add(bars_of([1.0] * 40), Instrument("BTC-USD", "bitstamp", 0.01), "1h")
    run, html = page(RunState.COMPLETED, processed=995, total=995, result=RESULT)
    assert 'href="/data/BTC-USD-bitstamp-1h"' in html
    assert 'href="/backtests/new?dataset=BTC-USD%7Cbitstamp%7C1h"' in html
    artifacts.candle_store().delete(artifacts.candle_store().get("BTC-USD", "bitstamp", "1h"))
    html = live_parts(run)
    assert "The dataset was deleted" in html
    assert "/data/BTC-USD-bitstamp-1h" not in html


def test_downloaded_dataset_offers_newer_bars(site, user):
    dataset = artifacts.candle_store().add(bars_of([1.0] * 40), Instrument("BTC-USD", "bitstamp", 0.01), "1h")
    address, offer = f"/data/{dataset.key}", 'href="/data/download?dataset=BTC-USD%7Cbitstamp%7C1h"'
    make_download(RunState.FAILED, user=user)
    assert offer not in site.get(address).content.decode()
    make_download(RunState.COMPLETED, user=user)
    assert offer in site.get(address).content.decode()


def test_failed_download_shows_its_trace_and_can_be_resumed(page):
    error = {"error_type": "MarketDataError", "error_message": "<no>", "error_stack_trace": "Traceback <x>"}
    _, html = page(RunState.FAILED, processed=40, error_detail={}, **error)
    assert "&lt;no&gt;" in html
    assert "Traceback &lt;x&gt;" in html
    assert 'data-verbs="resume delete"' in html


def test_cancelled_download_says_what_is_kept(page):
    _, html = page(RunState.CANCELLED, processed=40)
    assert "Fetched bars are kept; Resume fetches only the rest." in html


def test_list_has_rows_of_downloads(known, user):
    make_download(RunState.COMPLETED, user=user, live={"added": 990})
    make_download(RunState.RUNNING, user=user, processed=500)
    html = known.get("/runs?kind=download").content.decode()
    assert html.count("Candles from Bitstamp") == 2
    assert "990 <small>new bars" in html


def test_live_parts_are_sent_when_they_are_newer(known, user):
    run = make_download(RunState.RUNNING, user=user, rev=7)
    assert known.get(f"/downloads/{run.id}/live?rev=7").status_code == 204
    assert 'id="run-outcome"' in known.get(f"/downloads/{run.id}/live?rev=6").content.decode()


def test_cancel_asks_first_and_then_does_it(known, user):
    run = make_download(RunState.RUNNING, user=user)
    assert "Cancel download" in known.get(f"/downloads/{run.id}/cancel").content.decode()
    assert known.post(f"/downloads/{run.id}/cancel").status_code == 302
    run.refresh_from_db()
    assert run.state == "cancelled"


def test_resume_goes_on_and_a_late_one_is_told(known, user):
    run = make_download(RunState.CANCELLED, user=user)
    known.post(f"/downloads/{run.id}/resume")
    run.refresh_from_db()
    assert run.state == "pending"
    html = known.post(f"/downloads/{run.id}/resume", follow=True).content.decode()
    assert "only a cancelled or failed download can be resumed" in html


def test_delete_asks_first_and_refuses_what_is_active(known, user):
    run = make_download(RunState.RUNNING, user=user)
    html = known.post(f"/downloads/{run.id}/delete", follow=True).content.decode()
    assert "is active; cancel it first" in html
    run.mark_cancelled()
    assert "Delete download" in known.get(f"/downloads/{run.id}/delete").content.decode()
    known.post(f"/downloads/{run.id}/delete")
    assert not Run.objects.exists()


@pytest.mark.parametrize("verb", ["cancel", "resume", "delete"])
def test_colleague_may_look_but_not_touch(known, verb):
    run = make_download(RunState.CANCELLED, user=make_user())
    client = browser(make_user())
    assert client.get(f"/downloads/{run.id}").status_code == 200
    assert client.post(f"/downloads/{run.id}/{verb}").status_code == 404


@pytest.mark.parametrize(
    "path", ["/backtests/{}", "/optimizations/{}", "/backtests/new?from={}", "/optimizations/new?from={}"]
)
def test_pages_of_other_runs_know_no_downloads(known, user, path):
    assert known.get(path.format(make_download(user=user).id)).status_code == 404
