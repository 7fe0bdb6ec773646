"""The pages on which candles come in: choose, see, correct, import; whatever is wrong is told where it is."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from runs import artifacts
from runs.datasets import files, reading
from runs.models import Upload, UploadState
from tests.builders import make_user
from tests.runs import readers
from tests.runs.readers import NAMES, ROWS, InlineChild, csv

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def inline(monkeypatch):
    readers.install(monkeypatch)


@pytest.fixture
def send(site):
    """Return a function that sends a file through the form and follows to its page."""

    def send(content=None, name="SPY-1d.csv", **headers):
        file = SimpleUploadedFile(name, csv() if content is None else content)
        return site.post("/data/import", {"file": file}, follow="HX_Request" not in headers, headers=headers)

    return send


def page_of(response):
    return response.content.decode()


def test_form_is_shown_and_sends_files(site):
    assert 'enctype="multipart/form-data"' in page_of(site.get("/data/import"))


def test_file_leads_to_what_it_holds(send):
    response = send()
    page = page_of(response)
    assert response.redirect_chain[-1][0] == Upload.objects.get().get_absolute_url()
    for part in (
        "5 bars",
        "97.31",
        "SPY-1d.csv",
        "CSV, separated by comma",
        "1 Jan 2020",
        "Name the exchange first.",
    ):
        assert part in page, part
    assert 'value="SPY"' in page
    assert 'value="1d"' in page


def test_script_is_told_where_to_go(send):
    response = send(HX_Request="true")
    assert (response.status_code, response["HX-Redirect"]) == (204, Upload.objects.get().get_absolute_url())


def test_unreadable_file_is_told_with_the_form_and_leaves_nothing(send, settings):
    before = readers.left_over(settings.ALGOTRADE_HOME)
    response = send(b"PK\x03\x04 zip", name="<script>.zip")
    assert response.status_code == 422
    assert "_script_.zip is a ZIP archive; unpack it first." in page_of(response)
    assert 'id="upload-form"' in page_of(response)
    assert not Upload.objects.exists()
    assert readers.left_over(settings.ALGOTRADE_HOME) == before


def test_script_gets_the_message_alone(send):
    response = send(b"", HX_Request="true")
    assert response.status_code == 422
    assert "is empty" in page_of(response)
    assert "<html" not in page_of(response)


def test_form_without_a_file_is_told(site):
    response = site.post("/data/import", {})
    assert (response.status_code, "Choose a file." in page_of(response)) == (400, True)


def test_faulty_rows_are_listed_and_counted(send):
    page = page_of(send(csv([f"2020-01-{day:02},x,98,97,97.5,10" for day in range(1, 26)])))
    assert "Row 2, column &#x27;open&#x27;: &#x27;x&#x27; is not a finite number" in page
    assert "Nothing was imported: 25 errors." in page
    assert "… and 5 more." in page
    assert "Nothing yet: 25 errors." in page
    assert 'name="do" value="import" disabled>' in page
    assert "first.</p>" not in page


def test_import_leads_to_the_dataset_and_says_what_was_stored(send, site, settings):
    send()
    upload = Upload.objects.get()
    response = site.post(upload.get_absolute_url(), {**NAMES, "do": "import"}, follow=True)
    assert response.redirect_chain[-1][0] == f"/data/SPY-NYSE-1d?imported={upload.id}"
    assert "SPY-1d.csv: 5 bars stored." in page_of(response)
    assert not any("uploads/" in name for name in readers.left_over(settings.ALGOTRADE_HOME))


def test_second_import_is_seen_before_it_replaces_bars(send, site):
    send()
    site.post(Upload.objects.get().get_absolute_url(), {**NAMES, "do": "import"})
    send(csv([*ROWS[:3], "2020-01-04,97.31,99,97,97.5,10", "2020-01-06,97.31,99,97,97.5,10"]))
    upload = Upload.objects.first()
    page = page_of(site.post(upload.get_absolute_url(), {**NAMES, "do": "import"}, follow=True))
    assert "There are 5 bars under this name. This file makes a new version: 1 bar changed, 1 added, 1 removed." in page
    page = page_of(site.post(upload.get_absolute_url(), {**NAMES, "do": "import"}, follow=True))
    assert "5 bars stored; 1 changed, 1 added, 1 removed." in page
    assert len(artifacts.candle_store().versions(artifacts.candle_store().get("SPY", "NYSE", "1d"))) == 2


def test_identical_import_makes_no_version_and_says_so(send, site):
    for _ in range(2):
        send()
        upload = Upload.objects.first()
        site.post(upload.get_absolute_url(), {**NAMES, "do": "import"})
        upload.refresh_from_db()
    assert upload.state == UploadState.CHECKED
    assert "Importing them makes no new version." in page_of(site.get(upload.get_absolute_url()))
    page = page_of(site.post(upload.get_absolute_url(), {**NAMES, "do": "import"}, follow=True))
    assert "the same 5 bars were stored already; no new version was made." in page


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("exchange", "", "The exchange is missing."),
        ("asset", "../x", "The asset &#x27;../x&#x27; must be 1 to 40 letters"),
        ("timeframe", "1 hour", "must be like 1m"),
        ("tick_size", "-1", "The tick size must be a number above 0; it is -1.0."),
        ("lot_size", "many", "The lot size must be a number; it is &#x27;many&#x27;."),
        ("calendar", "Mars", "The time zone &#x27;Mars&#x27; is unknown"),
    ],
)
def test_wrong_field_is_told_beside_it_and_keeps_what_was_typed(send, site, field, value, told):
    send()
    response = site.post(Upload.objects.get().get_absolute_url(), {**NAMES, field: value, "do": "import"})
    page = page_of(response)
    assert response.status_code == 422
    assert told in page
    assert f'id="field-{field.replace("_", "-")}-error" data-error-for' in page
    if value and field != "calendar":
        assert f'value="{value}"' in page


def test_columns_and_zone_are_corrected(send, site):
    rows = [f"2020-01-15 09:{minute},97.31,98,97,97.5,10" for minute in (30, 31, 32)]
    send(csv(rows, header="when,open,high,low,last,volume"))
    upload = Upload.objects.get()
    assert "There is no column for time, close." in page_of(site.get(upload.get_absolute_url()))
    options = {
        **NAMES,
        "timeframe": "1m",
        "time_zone": "America/New_York",
        "columns.time": "when",
        "columns.close": "last",
    }
    roles = {f"columns.{name}": name for name in ("open", "high", "low", "volume")}
    site.post(upload.get_absolute_url(), {**options, **roles, "columns.clock": "", "do": "import"})
    dataset = artifacts.candle_store().get("SPY", "NYSE", "1m")
    assert dataset.first_ns == 1_579_098_600 * 10**9  # 14:30 UTC
    assert artifacts.candle_store().load(dataset).close.tolist() == [97.5] * 3


def test_progress_is_polled_and_ends_with_the_page(send, site):
    send()
    upload = Upload.objects.get()
    owner = upload.mark_importing({})
    upload.beat(owner, "Reading", 31, 100)
    for page in (page_of(site.get(f"{upload.get_absolute_url()}/live")), page_of(site.get(upload.get_absolute_url()))):
        assert "Reading…" in page
        assert "31%" in page
    assert '<meta http-equiv="refresh" content="2">' in page_of(site.get(upload.get_absolute_url()))
    upload.mark_refused(owner, ["no"], 1)
    response = site.get(f"{upload.get_absolute_url()}/live")
    assert (response.status_code, response["HX-Redirect"]) == (204, upload.get_absolute_url())


def test_import_is_cancelled(send, site):
    send()
    upload = Upload.objects.get()
    upload.mark_importing({})
    page = page_of(site.post(f"{upload.get_absolute_url()}/cancel", follow=True))
    assert "It was cancelled; nothing was stored." in page
    assert "Too late to cancel" in page_of(site.post(f"{upload.get_absolute_url()}/cancel", follow=True))


def test_file_is_discarded(send, site, settings):
    send()
    page = page_of(site.post(f"{Upload.objects.get().get_absolute_url()}/discard", follow=True))
    assert "SPY-1d.csv was discarded; nothing was stored." in page
    assert not any("uploads/" in name for name in readers.left_over(settings.ALGOTRADE_HOME))


def test_file_that_is_being_stored_is_not_discarded(send, site):
    send()
    upload = Upload.objects.get()
    upload.mark_storing(upload.mark_importing({}))
    page = page_of(site.post(f"{upload.get_absolute_url()}/discard", follow=True))
    assert "It was too late to discard SPY-1d.csv: its candles are being stored." in page
    assert Upload.objects.exists()


def test_discarding_an_imported_file_does_not_say_that_nothing_was_stored(send, site):
    send()
    upload = Upload.objects.get()
    site.post(upload.get_absolute_url(), {**NAMES, "do": "import"})
    page = page_of(site.post(f"{upload.get_absolute_url()}/discard", follow=True))
    assert "SPY-1d.csv was discarded; its candles were stored already and are kept." in page
    assert artifacts.candle_store().newest("SPY", "NYSE", "1d") is not None


@pytest.mark.parametrize("do", ["import", "check"])
def test_page_that_waits_for_a_file_that_is_discarded_leads_to_the_datasets(send, site, monkeypatch, do):
    send()
    upload = Upload.objects.get()
    monkeypatch.setattr(reading, "_run", lambda _deed, _seconds: files.discard(upload))
    response = site.post(upload.get_absolute_url(), {**NAMES, "do": do}, follow=True)
    assert response.redirect_chain[-1][0] == "/data"
    assert "SPY-1d.csv was discarded meanwhile." in page_of(response)


def test_form_that_waits_for_a_file_that_is_discarded_says_so(send, monkeypatch):
    monkeypatch.setattr(reading, "_run", lambda _deed, _seconds: Upload.objects.all().delete())
    response = send()
    assert response.status_code == 409
    assert "SPY-1d.csv was discarded meanwhile." in page_of(response)


def test_imported_upload_leads_to_its_dataset_even_when_that_is_gone(send, site):
    send()
    upload = Upload.objects.get()
    site.post(upload.get_absolute_url(), {**NAMES, "do": "import"})
    assert site.get(upload.get_absolute_url())["Location"].startswith("/data/SPY-NYSE-1d")
    artifacts.candle_store().delete(artifacts.candle_store().get("SPY", "NYSE", "1d"))
    assert site.get(upload.get_absolute_url())["Location"] == "/data"


@pytest.mark.parametrize("way", ["", "/live", "/cancel", "/discard"])
def test_file_of_somebody_else_is_not_there(send, site, client, way):
    send()
    client.force_login(make_user())
    address = Upload.objects.get().get_absolute_url() + way
    assert (client.get if way in ("", "/live") else client.post)(address).status_code == 404
    assert Upload.objects.exists()


def test_text_of_a_file_is_text_on_the_page(send):
    page = page_of(
        send(csv(["2020-01-01,<script>alert(1)</script>,98,97,97.5,10"], header="t,open,high,low,close,<b>v"))
    )
    assert "<script>alert" not in page
    assert "<b>v" not in page
    assert "&lt;b&gt;v" in page


def test_cancel_while_the_rows_are_read_stores_nothing(send, site, monkeypatch):
    send()
    upload = Upload.objects.get()
    monkeypatch.setattr(InlineChild, "before_storing", lambda: site.post(f"{upload.get_absolute_url()}/cancel"))
    page = page_of(site.post(upload.get_absolute_url(), {**NAMES, "do": "import"}, follow=True))
    assert "It was cancelled; nothing was stored." in page
    assert artifacts.candle_store().newest("SPY", "NYSE", "1d") is None


BARE = [f"2020-01-15 09:{minute},97.31,98,97,97.5,10" for minute in (30, 31, 32)]


def test_check_needs_no_names_and_the_preview_follows_the_zone(send, site):
    send(csv(BARE))
    upload = Upload.objects.get()
    blank = {"asset": "", "exchange": "", "timeframe": "", "time_zone": "America/New_York", "do": "check"}
    response = site.post(upload.get_absolute_url(), blank, follow=True)
    page = page_of(response)
    assert response.status_code == 200
    assert "Times have no offset; taken as America/New_York." in page
    assert "15 Jan 2020, 14:30" in page
    assert "Name the asset and exchange first." in page
    assert "is missing" not in page


def test_import_without_names_is_told_and_the_preview_follows_the_rest(send, site):
    send(csv(BARE))
    upload = Upload.objects.get()
    typed = {"asset": "SPY", "exchange": "", "timeframe": "1m", "time_zone": "America/New_York", "do": "import"}
    response = site.post(upload.get_absolute_url(), typed)
    page = page_of(response)
    assert response.status_code == 422
    assert "The exchange is missing." in page
    assert "15 Jan 2020, 14:30" in page


def test_missing_name_alone_does_not_have_the_file_looked_through_again(send, site, monkeypatch):
    send()
    monkeypatch.setattr(reading, "begin", None)
    address = Upload.objects.get().get_absolute_url()
    response = site.post(address, {"asset": "SPY", "exchange": "", "timeframe": "1d", "do": "import"})
    assert response.status_code == 422
    assert "The exchange is missing." in page_of(response)
    assert Upload.objects.get().state == UploadState.CHECKED


def test_check_with_a_wrong_field_tells_a_script_so(send, site):
    send()
    typed = {"timeframe": "1 hour", "do": "check"}
    response = site.post(Upload.objects.get().get_absolute_url(), typed, headers={"HX-Request": "true"})
    assert (response.status_code, "must be like 1m" in page_of(response)) == (200, True)
    assert "is missing" not in page_of(response)


def test_chosen_zone_stays_chosen_among_hundreds(send, site):
    send(csv(BARE))
    typed = {"asset": "SPY", "exchange": "", "timeframe": "1m", "time_zone": "America/New_York", "do": "import"}
    page = page_of(site.post(Upload.objects.get().get_absolute_url(), typed))
    select = page[page.index('<select name="time_zone"') :]
    assert '<option value="America/New_York" selected>America/New York</option>' in select
    assert select[: select.index("</select>")].count(" selected") == 1


def test_form_checks_itself_when_a_choice_changes(send):
    page = page_of(send())
    assert 'hx-trigger="change from:(#options-form select), change from:#field-timeframe"' in page
    assert 'hx-select="#upload-body"' in page


def test_words_that_come_while_a_check_runs_take_its_place(send, site):
    send()
    upload = Upload.objects.get()
    slow = upload.mark_checking({})
    site.post(upload.get_absolute_url(), {**NAMES, "do": "import"})
    assert artifacts.candle_store().newest("SPY", "NYSE", "1d").n_bars == 5
    assert not upload.beat(slow, "Reading", 1, 2)


def test_unnamed_index_and_decimal_commas_are_read_and_offered(send):
    rows = [f"2020-01-0{day};97,31;98,5;97;97,5;10" for day in range(1, 6)]
    page = page_of(send(csv(rows, header=";Open;High;Low;Close;Volume")))
    for part in ("5 bars", "CSV, separated by semicolon, decimal comma", "Decimal comma: 97,31 in the file is 97.31."):
        assert part in page, part
    assert '<option value="(column 1)" selected>(column 1)</option>' in page


def test_steps_are_written_without_an_exponent_and_the_guess_is_called_one(send):
    page = page_of(send(csv(["2020-01-01,1.31927,1.31955,1.3187,1.31935,0"])))
    assert '<dd data-testid="tick">0.00001 <span class="quiet">a guess</span></dd>' in page
    assert 'value="0.00000001"' in page
    assert "1e-0" not in page


@pytest.mark.parametrize(("then", "target"), [("", "/data"), ("upload_new", "/data/import"), ("//x", "/data")])
def test_discard_leads_back_to_where_the_file_was_listed(send, site, then, target):
    send()
    response = site.post(f"{Upload.objects.get().get_absolute_url()}/discard", {"then": then})
    assert response["Location"] == target


def test_files_that_wait_are_folded_after_three_and_discarded_in_the_list(send, site):
    for at in range(5):
        send(name=f"SPY{at}-1d.csv")
    for address, then in (("/data", "data"), ("/data/import", "upload_new")):
        page = page_of(site.get(address))
        shown, folded = page.split('<details class="more waiting-more"><summary>2 more</summary>')
        assert [shown.count('aria-label="Discard SPY'), folded.count('aria-label="Discard SPY')] == [3, 2]
        assert page.count(f'name="then" value="{then}"') == 5


def test_page_of_a_file_that_nothing_can_be_made_of_offers_another_one(site, user):
    told = "x.zip is a ZIP archive; unpack it first."
    upload = Upload.objects.create(
        user=user, name="x.zip", size_bytes=8, state=UploadState.CHECKED, errors=[told], n_errors=1
    )
    page = page_of(site.get(upload.get_absolute_url()))
    assert told in page
    assert "Choose another file" in page
