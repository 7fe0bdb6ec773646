"""Datasets by program: imported in one request or step by step, read, resampled, deleted; every attack is answered."""

import io
import zipfile

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from runs import artifacts
from runs.datasets import files, reading
from runs.models import Upload
from tests.builders import make_run, make_user
from tests.runs import readers
from tests.runs.clients import program
from tests.runs.readers import NAMES, ROWS, csv

pytestmark = pytest.mark.django_db

HEADER = "timestamp,open,high,low,close,volume"


def zipped():
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb.csv", b"0" * 10_000_000)
    return content.getvalue()


ATTACKS = {
    "nul": (csv() + b"\n\0\0", "Row 7: spy.csv holds NUL bytes"),
    "utf16": (csv().decode().encode("utf-16"), "is UTF-16"),
    "long line": (csv() + b"\n" + b"9" * 3_000_000, "Row 7: the line is longer than"),
    "long first line": (b"9" * 3_000_000, "first line of more than 64 KB"),
    "columns": (",".join(f"c{at}" for at in range(10**6)).encode() + b"\n1", "first line of more than 64 KB"),
    "columns in a row": (csv() + b"\n" + b"1," * 300_000, "Row 7: 300001 columns where the header has 6."),
    "nan": (csv([*ROWS, "2020-01-06,nan,98,97,97.5,10"]), "Row 7, column 'open': 'nan' is not"),
    "inf": (csv([*ROWS, "2020-01-06,97.31,inf,97,97.5,10"]), "Row 7, column 'high': 'inf' is not"),
    "1e400": (csv([*ROWS, "2020-01-06,97.31,98,1e400,97.5,10"]), "Row 7, column 'low': '1e400' is not"),
    "twice": (csv([*ROWS, ROWS[-1].replace("97.5", "97.6")]), "is there already in row 6, with other values."),
    "backwards": (csv([*ROWS, "2019-01-06,97.31,98,97,97.5,10"]), "the time 2019-01-06 is before that of row 6."),
    "zones": (
        csv([*ROWS, "2020-01-06T00:00Z,97.31,98,97,97.5,10"]),
        "has an offset from UTC, while",
    ),
    "zip": (zipped(), "is a ZIP archive; unpack it first."),
    "gzip": (b"\x1f\x8b\x08" + b"\0" * 100, "is a gzip archive; unpack it first."),
    "tar": (b"x" * 257 + b"ustar", "is a tar archive; unpack it first."),
    "parquet": (b"PAR1" + b"\xff" * 100 + b"PAR1", "is not readable as Parquet"),
    "empty": (b"", "is empty"),
}


@pytest.fixture(autouse=True)
def inline(monkeypatch):
    readers.install(monkeypatch)


@pytest.fixture
def api(site, user):
    """Return a function that calls as a program does, and gives status and body."""
    client = program(user)

    def call(method, path, body=None, **options):
        is_file = isinstance(body, dict) and "file" in body
        kind = {} if is_file else {"content_type": "application/json"}
        response = getattr(client, method)(f"/api/datasets/{path}", body or {}, **kind, **options)
        return response.status_code, response.json() if response.content else None

    return call


def file(content=None, name="spy.csv"):
    return SimpleUploadedFile(name, csv() if content is None else content)


def test_import_in_one_request(api):
    status, body = api("post", "", {"file": file(), **NAMES, "lot_size": "1", "currency": "EUR"})
    assert (status, body["status"], body["result"]["key"], body["result"]["n_bars"]) == (
        201,
        "imported",
        "SPY-NYSE-1d",
        5,
    )
    status, dataset = api("get", "SPY-NYSE-1d")
    assert (status, dataset["bars"], dataset["lot_size"], dataset["currency"]) == (200, 5, 1.0, "EUR")
    assert (dataset["start"], dataset["source"], dataset["runs"]) == ("2020-01-01T00:00:00Z", "spy.csv", 0)
    assert [one["version"] for one in dataset["versions"]] == [dataset["version"]]


def test_import_step_by_step(api):
    rows = [row.replace("2020-01-0", "2020-01-1") for row in ROWS]
    status, body = api("post", "imports/", {"file": file(csv(rows, header="timestamp,open,high,low,last,volume"))})
    assert (status, body["status"], body["error_count"]) == (201, "checked", 1)
    assert body["preview"]["first_rows"][0] == {"row": 2, "cells": ["2020-01-11", "97.31", "98", "97", "97.5", "10"]}
    roles = {**body["preview"]["roles"], "close": "last"}
    status, body = api("post", f"imports/{body['id']}/check", {**NAMES, "columns": roles})
    assert (status, body["error_count"], body["preview"]["bars"], body["preview"]["tick_size"]) == (200, 0, 5, 0.01)
    status, body = api("post", f"imports/{body['id']}/import", {**NAMES, "columns": roles})
    assert (status, body["status"]) == (200, "imported")
    assert api("get", f"imports/{body['id']}")[1] == body
    assert api("post", f"imports/{body['id']}/import", NAMES)[0] == 409
    assert api("post", f"imports/{body['id']}/cancel")[0] == 409


@pytest.mark.parametrize("attack", ATTACKS)
def test_hostile_file_is_answered_and_leaves_nothing(api, settings, attack):
    content, told = ATTACKS[attack]
    before = readers.left_over(settings.ALGOTRADE_HOME)
    status, body = api("post", "", {"file": file(content), **NAMES})
    assert status == 400
    assert told in body["error"]
    assert body["fields"] == {"file": body["error"]}
    assert readers.left_over(settings.ALGOTRADE_HOME) == before
    assert not Upload.objects.exists()


def test_faults_are_told_with_how_many_more(api):
    rows = [f"2020-01-{day:02},x,98,97,97.5,10" for day in range(1, 26)]
    error = api("post", "", {"file": file(csv(rows)), **NAMES})[1]["error"]
    assert len(error.split("\n")) == 21
    assert error.endswith("… and 5 more.")


@pytest.mark.parametrize(
    ("changes", "field", "told"),
    [
        ({"asset": ""}, "asset", "The asset is missing."),
        ({"timeframe": "x"}, "timeframe", "must be like 1m"),
        ({"tick_size": "0"}, "tick_size", "The tick size must be a number above 0"),
        ({"time_zone": "Mars"}, "time_zone", "The time zone 'Mars' is unknown"),
        ({"state": "imported"}, "state", "Unknown."),
        ({"columns.bogus": "open"}, "columns.bogus", "Unknown."),
        ({"tick_size": "1e300"}, "tick_size", "must be from 1e-30 to 1e+12; it is 1e+300."),
        ({"tick_size": "1e-320"}, "tick_size", "must be from 1e-30 to 1e+12"),
        ({"lot_size": "1e308"}, "lot_size", "The lot size must be from 1e-30 to 1e+12"),
    ],
)
def test_wrong_field_is_told_and_no_file_is_kept(api, changes, field, told):
    status, body = api("post", "", {"file": file(), **NAMES, **changes})
    assert (status, told in body["fields"][field]) == (400, True)
    assert not Upload.objects.exists()


def test_request_without_a_file_is_told(api, site, user):
    response = program(user).post("/api/datasets/", NAMES)
    assert (response.status_code, response.json()["fields"]) == (400, {"file": "Choose a file."})


@pytest.mark.parametrize("path", ["/api/datasets/", "/api/datasets/imports/", "/data/import"])
def test_who_sends_too_many_files_is_told_when_to_come_back(site, user, monkeypatch, path):
    monkeypatch.setattr(files, "UPLOADS_PER_MINUTE", 1)
    client = program(user) if path.startswith("/api") else site
    _, response = [client.post(path, {"file": file(), **NAMES}) for _ in range(2)]
    assert response.status_code == 429
    assert 0 < int(response["Retry-After"]) <= 120


def test_longer_bars_by_program(api):
    status, body = api("post", "ACME-TEST-1h/resample", {"timeframe": "4h"})
    assert (status, body["bars"], body["derived_from"]["id"]) == (201, 150, "ACME-TEST-1h")
    assert api("post", "ACME-TEST-1h/resample", {"timeframe": "4h"})[0] == 200
    status, body = api("post", "ACME-TEST-1h/resample", {"timeframe": "90m"})
    assert (status, body["fields"]["timeframe"]) == (400, "The timeframe 90m is no multiple of 1h.")
    assert api("post", "ACME-TEST-1h/resample", {})[0] == 400


def test_candles_by_program(api):
    status, body = api("get", "ACME-TEST-1h/candles")
    assert (status, len(body["time"]), set(body) >= {"open", "high", "low", "close", "volume"}) == (200, 600, True)
    first = body["time"][0]
    assert api("get", f"ACME-TEST-1h/candles?from={first}&to={first + 3600}")[1]["time"] == [first, first + 3600]


def test_dataset_is_deleted_unless_a_run_used_it(api):
    api("post", "", {"file": file(), **NAMES})
    assert api("delete", "SPY-NYSE-1d") == (204, None)
    assert api("get", "SPY-NYSE-1d")[0] == 404
    make_run(asset="ACME", exchange="TEST", timeframe="1h")
    status, body = api("delete", "ACME-TEST-1h")
    assert (status, "is used by 1 run" in body["error"]) == (409, True)


def test_import_of_somebody_else_is_not_there(api):
    body = api("post", "imports/", {"file": file()})[1]
    stranger = program(make_user())
    for method, path in (("get", ""), ("post", "/import"), ("post", "/cancel"), ("delete", "")):
        assert getattr(stranger, method)(f"/api/datasets/imports/{body['id']}{path}").status_code == 404
    assert api("delete", f"imports/{body['id']}") == (204, None)
    assert not Upload.objects.exists()


def test_import_that_is_being_stored_is_not_discarded(api):
    body = api("post", "imports/", {"file": file()})[1]
    upload = Upload.objects.get()
    upload.mark_storing(upload.mark_importing({}))
    status, answer = api("delete", f"imports/{body['id']}")
    assert (status, "its candles are being stored" in answer["error"]) == (409, True)
    assert upload.path.exists()


@pytest.mark.parametrize("path", ["", "imports/"])
def test_program_that_waits_for_a_file_that_is_discarded_is_told(api, monkeypatch, path):
    monkeypatch.setattr(reading, "_run", lambda _deed, _seconds: files.discard(Upload.objects.get()))
    status, answer = api("post", path, {"file": file(), **({} if path else NAMES)})
    assert (status, answer["error"]) == (409, "spy.csv was discarded meanwhile.")


def test_role_of_a_column_that_there_is_not_is_told(api):
    body = api("post", "imports/", {"file": file()})[1]
    told = {**NAMES, "columns": {"bogus": "open"}}
    status, answer = api("post", f"imports/{body['id']}/check", told)
    assert (status, answer["fields"]) == (400, {"columns.bogus": "Unknown."})
    assert "there are columns.time, columns.clock, columns.open" in answer["error"]


def test_timeframe_is_called_by_its_largest_unit(api):
    assert api("post", "", {"file": file(), **NAMES, "timeframe": "24h"})[1]["result"]["key"] == "SPY-NYSE-1d"
    status, body = api("get", "SPY-NYSE-1440m")
    assert (status, body["timeframe"]) == (200, "1d")
    status, body = api("post", "SPY-NYSE-1d/resample", {"timeframe": "48h"})
    assert (status, body["timeframe"]) == (201, "2d")


@pytest.mark.parametrize("version", ["current", "x", "a" * 300, "A" * 64, "../current"])
@pytest.mark.parametrize("path", ["", "/candles"])
def test_version_that_is_none_is_told(api, path, version):
    status, body = api("get", f"ACME-TEST-1h{path}?version={version}")
    assert (status, "it must be 64 digits from 0 to 9 and a to f" in body["error"]) == (404, True)


def test_list_tells_runs_and_versions(api):
    make_run(asset="ACME", exchange="TEST", timeframe="1h")
    status, body = api("get", "")
    assert (status, body["total"]) == (200, 1)
    assert (body["items"][0]["id"], body["items"][0]["runs"]) == ("ACME-TEST-1h", 1)
    assert body["items"][0]["version"] == artifacts.candle_store().datasets()[0].version


def test_check_needs_no_names_and_an_import_does(api):
    body = api("post", "imports/", {"file": file()})[1]
    status, seen = api("post", f"imports/{body['id']}/check", {"calendar": "America/New_York"})
    assert (status, seen["options"]["calendar"], seen["preview"]["bars"]) == (200, "America/New_York", 5)
    assert api("post", f"imports/{body['id']}/import", {"asset": "SPY"})[0] == 400


def test_key_that_is_none_is_told_with_those_that_are(api):
    status, body = api("get", "nope")
    assert status == 404
    assert "There is no dataset 'nope'. There are: ACME-TEST-1h" in str(body)


def test_column_without_a_name_is_chosen_by_its_place(api):
    sent = {"file": file(csv(header=",open,high,low,close,volume")), **NAMES, "columns.time": "(column 1)"}
    assert api("post", "", sent)[0] == 201
