"""`manage.py download_candles`: what options mean, what is refused, what is told. Real downloads: tests/integration."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from algotrade.errors import MarketDataError
from runs import shutdown
from runs.downloads import exchanges
from runs.management import foreground
from runs.models import Run, RunState
from tests.builders import make_download
from tests.runs.views.test_downloads import KNOWN, RESULT

WHERE = (
    "--exchange",
    "bitstamp",
    "--asset",
    "BTC/USD",
    "--timeframe",
    "1h",
    "--start",
    "2020-01-01",
    "--end",
    "2020-02-11",
)


@pytest.fixture
def ends(site, monkeypatch, transactional_db):
    """Return what the next download ends with."""
    monkeypatch.setattr(exchanges, "known", lambda: KNOWN)
    monkeypatch.setattr(exchanges, "library", lambda: "ccxt 1")
    monkeypatch.setattr(shutdown, "begin", lambda: None)
    monkeypatch.setattr("logging.disable", lambda _level: None)
    outcome = {"state": RunState.COMPLETED, "result": RESULT, "processed": 995, "total": 1_008}
    monkeypatch.setattr(foreground, "execute", lambda run_id: Run.objects.filter(id=run_id).update(**outcome) and None)
    return outcome


def run(*arguments):
    out = StringIO()
    call_command("download_candles", *arguments, stdout=out)
    return out.getvalue()


def test_options_become_the_spec(ends):
    run(*WHERE)
    (one,) = Run.objects.all()
    assert (one.exchange, one.asset, one.timeframe, one.total) == ("bitstamp", "BTC-USD", "1h", 1_008)


def test_people_are_told_what_came_of_it(ends):
    told = run(*WHERE).splitlines()
    assert told[0].startswith("BTC-USD 1h on bitstamp: 995 bars, 2020-01-01 00:00 to 2020-02-11 15:00 UTC, version fff")
    assert told[1:] == [
        "Fetched: 995, new: 990, corrected: 2",
        "Missing at the exchange: 5",
        "  from 2020-01-01 01:00: 5",
        "A <note>.",
    ]


def test_programs_are_told_the_same_as_by_the_api(ends):
    told = json.loads(run(*WHERE, "--json"))
    assert (told["status"], told["result"]["added_bars"]) == ("completed", 990)


@pytest.mark.parametrize(
    ("outcome", "told"),
    [
        ({"state": "failed", "error_type": "MarketDataError", "error_message": "No."}, "failed. 40 of 1,008 bars"),
        ({"state": "cancelled"}, "was cancelled. 40 of 1,008 bars were fetched and are kept."),
    ],
)
def test_download_that_does_not_complete_ends_with_status_1_and_says_how_to_go_on(ends, outcome, told):
    ends.update(outcome, result=None, processed=40)
    out, err = StringIO(), StringIO()
    with pytest.raises(SystemExit) as info:
        call_command("download_candles", *WHERE, stdout=out, stderr=err)
    assert info.value.code == foreground.FAILED
    assert told in out.getvalue()
    assert ("MarketDataError: No." in err.getvalue()) == ("error_type" in outcome)
    assert f"--resume {Run.objects.get().number}" in out.getvalue()


def test_resume_goes_on_with_the_same_run(ends):
    one = make_download(RunState.CANCELLED)
    run("--resume", str(one.number))
    one.refresh_from_db()
    assert one.state == "completed"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--exchange", "x", "--asset", "BTC/USD", "--timeframe", "1h"), "exchange: There is no exchange 'x'"),
        (("--exchange", "bitstamp"), "asset: This field is required."),
        (("--resume", "77"), "resume: There is no download 77."),
    ],
)
def test_bad_input_starts_nothing_and_ends_with_status_2(ends, arguments, told):
    with pytest.raises(CommandError, match="Nothing was started") as info:
        run(*arguments)
    assert info.value.returncode == foreground.BAD_INPUT
    assert told in str(info.value)
    assert not Run.objects.exists()


def test_exchanges_are_listed(ends):
    assert run("--exchanges").splitlines()[0].split() == ["bitstamp", "Bitstamp:", "1m,", "1h,", "1d"]
    assert json.loads(run("--exchanges", "--json")) == KNOWN


def test_missing_library_is_told(ends, monkeypatch):
    def missing():
        raise MarketDataError("It needs the package ccxt.")

    monkeypatch.setattr(exchanges, "known", missing)
    for arguments in (WHERE, ("--exchanges",)):
        with pytest.raises(CommandError, match="It needs the package ccxt"):
            run(*arguments)
