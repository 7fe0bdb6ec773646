"""A file is received within limits, worked on by one claim at a time, given up without a trace, and cleared away."""

import os
import subprocess
import sys
import time
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from runs import artifacts
from runs.datasets import files, reading
from runs.datasets.options import WrongOptions, guessed, read_options
from runs.models import Upload, UploadState
from runs.models.access import ApiToken
from runs.models.upload import STORING
from runs.server import admission
from tests.builders import make_user
from tests.runs import readers
from tests.runs.readers import NAMES, ROWS, InlineChild, csv

pytestmark = pytest.mark.django_db

OPTIONS = read_options(NAMES)


@pytest.fixture
def home(tmp_path, settings, monkeypatch):
    settings.ALGOTRADE_HOME = tmp_path
    artifacts.candle_store.cache_clear()
    readers.install(monkeypatch)
    yield tmp_path
    artifacts.candle_store.cache_clear()


@pytest.fixture
def receive(home, user):
    """Return a function that receives a file and gives its row and claim."""

    def receive(content=None, name="spy.csv", options=None, owner=user):
        file = SimpleUploadedFile(name, csv() if content is None else content)
        return files.receive(owner, file, OPTIONS if options is None else options)

    return receive


@pytest.fixture
def checked(receive):
    """Return an upload that was looked through."""
    upload, owner = receive()
    reading.begin(upload, owner)
    assert upload.is_importable
    return upload


def test_file_lies_where_nobody_else_reads_it(receive, home):
    upload, _ = receive()
    assert upload.path.read_bytes() == csv()
    for folder in (upload.path.parent, home / "uploads"):
        assert folder.stat().st_mode & 0o777 == 0o700
    assert (upload.state, upload.size_bytes, upload.name) == ("checking", len(csv()), "spy.csv")


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("SPY 1h.csv", "SPY 1h.csv"),
        ("../../etc/passwd", "passwd"),
        ("..\\..\\x.csv", "x.csv"),
        ("<b>é\n\t.csv", "_b_.csv"),
        ("..", "candles"),
        ("--help", "help"),
        ("x" * 300 + ".csv", "x" * 96 + ".csv"),
    ],
)
def test_name_of_a_file_leads_nowhere_else(name, kept):
    assert files.safe_name(name) == kept


def test_file_that_is_too_large_or_missing_is_not_received(receive, settings, home, user):
    settings.MAX_UPLOAD_BYTES = 100
    with pytest.raises(files.UploadRefused, match="at most 100 are accepted") as caught:
        receive()
    assert caught.value.status == 413
    with pytest.raises(files.UploadRefused, match="Choose a file"):
        files.receive(user, None, {})
    assert readers.left_over(home) == []


def test_too_many_waiting_files_are_not_received(receive, monkeypatch):
    monkeypatch.setattr(files, "MOST_WAITING", 2)
    receive()
    receive()
    with pytest.raises(files.UploadRefused, match="2 of your files wait"):
        receive()
    receive(owner=make_user())  # somebody else may


def test_too_many_files_in_a_minute_are_not_received(receive, monkeypatch):
    monkeypatch.setattr(files, "UPLOADS_PER_MINUTE", 1)
    receive()
    with pytest.raises(files.UploadRefused, match="Try again in") as caught:
        receive()
    assert caught.value.status == 429
    assert 0 < int(caught.value.headers["Retry-After"]) <= 120


def test_full_disk_takes_no_file(receive, monkeypatch, home):
    monkeypatch.setattr(files, "ROOM_LEFT_BYTES", 1 << 60)
    with pytest.raises(files.UploadRefused, match="nearly full"):
        receive()
    assert readers.left_over(home) == []


def test_good_file_is_checked_and_nothing_is_stored(checked, home):
    assert (checked.seen.n_bars, checked.seen.timeframe, checked.seen.tick_size) == (5, "1d", 0.01)
    assert artifacts.candle_store().datasets() == []


def test_import_stores_the_candles_and_removes_the_file(checked, home):
    reading.begin(checked, checked.mark_importing(OPTIONS))
    assert (checked.state, checked.stored["n_bars"], checked.stored["is_new"]) == ("imported", 5, True)
    assert artifacts.candle_store().get("SPY", "NYSE", "1d").source == "spy.csv"
    assert [name for name in readers.left_over(home) if "uploads" in name] == []


def test_unreadable_file_is_removed_at_once(receive, home):
    upload, owner = receive(b"PK\x03\x04 zip")
    reading.begin(upload, owner)
    assert (upload.state, upload.preview, upload.errors) == (
        "checked",
        None,
        ["spy.csv is a ZIP archive; unpack it first."],
    )
    assert readers.left_over(home) == []


def test_faulty_rows_are_kept_for_correction(receive):
    upload, owner = receive(csv([*ROWS, "2020-01-06,x,98,97,97.5,10"]))
    reading.begin(upload, owner)
    assert not upload.is_importable
    assert upload.errors == ["Row 7, column 'open': 'x' is not a finite number above 0 and at most 1e+12."]
    assert upload.path.exists()


def test_check_goes_on_to_import_when_that_was_wanted_and_replaces_nothing(receive):
    upload, owner = receive()
    reading.begin(upload, owner, then_import=True)
    assert upload.state == UploadState.IMPORTED


def test_check_stops_where_the_import_would_replace_bars(receive):
    for rows, state in ((ROWS, "imported"), (ROWS[:3], "checked")):
        upload, owner = receive(csv(rows))
        reading.begin(upload, owner, then_import=True)
        assert upload.state == state
    assert (upload.seen.replaces, upload.seen.changes.n_removed) == (5, 2)


def test_only_one_claim_wins(checked):
    twin = Upload.objects.get(pk=checked.pk)
    assert checked.mark_importing(OPTIONS)
    assert not twin.mark_checking(OPTIONS)
    assert not twin.mark_importing(OPTIONS)


def test_cancelled_import_stores_nothing(checked, monkeypatch):
    monkeypatch.setattr(InlineChild, "before_storing", lambda: Upload.objects.get(pk=checked.pk).mark_cancelled())
    reading.begin(checked, checked.mark_importing(OPTIONS))
    assert (checked.state, checked.errors) == ("checked", ["It was cancelled; nothing was stored."])
    assert artifacts.candle_store().datasets() == []


def test_import_that_is_being_stored_is_not_cancelled(checked):
    owner = checked.mark_importing(OPTIONS)
    assert checked.mark_storing(owner)
    assert checked.phase == STORING
    assert not checked.mark_cancelled()
    assert checked.mark_imported(owner, {"key": "SPY-NYSE-1d"})


def test_discarded_upload_stores_nothing(checked, monkeypatch, home):
    monkeypatch.setattr(InlineChild, "before_storing", lambda: files.discard(checked))
    job = reading.Job(checked, checked.mark_importing(OPTIONS), then_import=False)
    job.carry_out()
    assert not Upload.objects.exists()
    assert readers.left_over(home) == []


def test_whoever_waits_for_a_discarded_upload_is_told(checked, monkeypatch):
    monkeypatch.setattr(InlineChild, "before_storing", lambda: files.discard(checked))
    with pytest.raises(reading.Discarded, match=r"spy\.csv was discarded meanwhile"):
        reading.begin(checked, checked.mark_importing(OPTIONS))
    with pytest.raises(reading.Discarded):
        reading.begin(checked, "nobody")
    assert artifacts.candle_store().datasets() == []


def test_upload_that_is_being_stored_is_not_discarded(checked):
    owner = checked.mark_importing(OPTIONS)
    assert checked.mark_storing(owner)
    with pytest.raises(files.TooLate, match="its candles are being stored"):
        files.discard(checked)
    assert checked.path.exists()
    assert checked.mark_imported(owner, {"key": "SPY-NYSE-1d"})
    assert not files.discard(checked)  # something was stored
    assert files.discard(checked)  # there is nothing any more
    assert not checked.beat(owner, "Reading", 1, 2)


def test_storing_and_discarding_exclude_each_other_in_the_database(checked, django_assert_num_queries):
    checked.mark_importing(OPTIONS)
    with django_assert_num_queries(1) as asked:  # looked at and removed in one statement
        files.discard(checked)
    assert "phase" in asked[0]["sql"]


def test_tidying_leaves_what_is_being_stored(checked):
    checked.mark_storing(checked.mark_importing(OPTIONS))
    Upload.objects.update(updated_at=timezone.now() - files.KEPT * 2)
    files.tidy()
    assert Upload.objects.get().path.exists()


def test_claim_of_an_ended_process_is_given_up(checked):
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    owner = checked.mark_importing(OPTIONS)
    place, _, rest = owner.split(":", 2)
    Upload.objects.filter(pk=checked.pk).update(owner=f"{place}:{dead.pid}:{rest}")
    files.rescue()
    checked.refresh_from_db()
    assert (checked.state, checked.owner) == ("checked", "")
    assert checked.errors[0].startswith("It was interrupted.")
    assert checked.mark_importing(OPTIONS)  # it may be tried again


def test_claim_that_is_silent_is_given_up_and_a_live_one_is_not(checked):
    checked.mark_importing(OPTIONS)
    files.rescue()
    checked.refresh_from_db()
    assert checked.state == "importing"
    Upload.objects.update(updated_at=timezone.now() - timedelta(seconds=61))
    files.rescue()
    checked.refresh_from_db()
    assert checked.state == "checked"


def test_process_that_was_taken_for_dead_stores_nothing_more(checked):
    owner = checked.mark_importing(OPTIONS)
    checked.mark_interrupted(owner)
    assert not checked.mark_storing(owner)
    assert not checked.mark_imported(owner, {})
    assert not checked.beat(owner, "Reading", 1, 2)


def test_files_that_nobody_imports_go_after_a_day(receive, home):
    kept, _ = receive()
    old, _ = receive()
    Upload.objects.filter(pk=old.pk).update(updated_at=timezone.now() - timedelta(days=1, seconds=1))
    files.tidy()
    assert list(Upload.objects.all()) == [kept]
    assert [path.name for path in (home / "uploads").iterdir()] == [str(kept.id)]


def test_files_without_a_row_go_after_an_hour(receive, home):
    upload, _ = receive()
    for name, age in (("00000000-0000-4000-8000-000000000000", 7_200), ("junk", 7_200), ("fresh", 0)):
        (home / "uploads" / name).mkdir()
        os.utime(home / "uploads" / name, (time.time() - age,) * 2)
    os.utime(upload.path.parent, (time.time() - 7_200,) * 2)
    files.tidy()
    assert {path.name for path in (home / "uploads").iterdir()} == {str(upload.id), "fresh"}


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("SPY-1h.csv", {"asset": "SPY", "timeframe": "1h"}),
        ("SPY-NYSE-1h.parquet", {"asset": "SPY", "exchange": "NYSE", "timeframe": "1h"}),
        ("btcusdt_5M_2024.csv", {"asset": "btcusdt", "timeframe": "5m"}),
        ("prices.csv", {"asset": "prices"}),
        ("", {}),
    ],
)
def test_name_of_a_file_tells_what_it_can(name, told):
    assert guessed(name) == told


def test_every_wrong_option_is_told_at_its_field():
    wrong = {
        "asset": "../x",
        "exchange": "",
        "timeframe": "1 hour",
        "tick_size": "0",
        "lot_size": "x",
        "currency": "US$",
    }
    with pytest.raises(WrongOptions) as caught:
        read_options({**wrong, "time_zone": "Mars", "calendar": "Venus"})
    assert set(caught.value.fields) == {*wrong, "time_zone", "calendar"}
    assert caught.value.fields["exchange"] == "The exchange is missing."


@pytest.fixture
def sender(monkeypatch, user, client):
    """Return a function that asks as the web server does, who sends a large body."""
    monkeypatch.setattr(admission.connection, "close", lambda: None)  # the test's transaction lives on it
    client.force_login(user)
    cookie = client.cookies["algotrade_session"].value
    return lambda cookies=f"a=b; algotrade_session={cookie}", token="": admission.sender_of(cookies, token)


def test_large_body_is_taken_of_a_session_and_of_a_token(sender, user):
    assert sender() == user.pk
    assert sender("", f"Bearer {ApiToken.objects.issue(user)}") == user.pk


@pytest.mark.parametrize(
    "cookies",
    [
        "",
        "algotrade_session=x",
        "algotrade_session=",
        'algotrade_session="nul\\000 within"',
        "sessionid=1",
        "\0;=;",
        "a" * 9_000,
    ],
)
@pytest.mark.parametrize("token", ["", "Bearer", "Bearer x", "Basic YTpi"])
def test_large_body_of_a_stranger_is_not_taken(sender, cookies, token):
    assert sender(cookies, token) is None


def test_session_is_found_beside_an_odd_cookie_of_somebody_else(sender, user, client):
    key = client.cookies["algotrade_session"].value
    assert sender(f'theirs={{"a": [1, 2]}}; algotrade_session={key}') == user.pk


def test_large_body_of_a_session_from_before_the_password_changed_is_not_taken(sender, user):
    user.set_password("another one")
    user.save()
    assert sender() is None


def test_large_body_of_somebody_deactivated_is_not_taken(sender, user):
    token = ApiToken.objects.issue(user)
    user.is_active = False
    user.save()
    assert sender() is None
    assert sender("", f"Bearer {token}") is None
