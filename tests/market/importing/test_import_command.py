"""`manage.py import_candles` tells what came in, or why nothing did."""

import os
import subprocess
import sys

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from algotrade.market.store import CandleStore
from runs import artifacts
from tests.environment import ROOT

ROWS = [f"2020-01-0{day},97.31,98,97,97.5,10" for day in (1, 2, 3, 6, 7)]
NAMES = ("--asset", "SPY", "--exchange", "NYSE", "--timeframe", "1d")


@pytest.fixture
def store(tmp_path, monkeypatch):
    store = CandleStore(tmp_path / "candles")
    monkeypatch.setattr(artifacts, "candle_store", lambda: store)
    return store


@pytest.fixture
def write(tmp_path):
    """Return a function that writes rows below a header and returns the file's path."""

    def write(rows, header="timestamp,open,high,low,close,volume"):
        path = tmp_path / "spy.csv"
        path.write_text("\n".join([header, *rows]) + "\n")
        return path

    return write


@pytest.fixture
def imported(store, capsys):
    """Return a function that runs the command and returns the lines it printed."""

    def imported(path, *options):
        call_command("import_candles", str(path), *(options or NAMES))
        return capsys.readouterr().out.splitlines()

    return imported


def test_import_tells_bars_range_gaps_days_and_duplicates(imported, write, store):
    rows = [*ROWS[:4], ROWS[3], "2020-01-09,97.31,98,97,97.5,10", "2020-01-10,97.31,98,97,97.5,10",
            "2020-01-13,97.31,98,97,97.5,10", "2020-01-14,97.31,98,97,97.5,10"]  # fmt: skip
    lines = imported(write(rows))
    version = store.get("SPY", "NYSE", "1d").version[:12]
    assert lines == [
        f"SPY 1d on NYSE: 8 bars, 2020-01-01 00:00 to 2020-01-14 00:00 UTC, version {version}",
        "Gaps: 0 (0 bars missing)",
        "Weekdays without bars: 2 (2020-01-07, 2020-01-08)",
        "Duplicates left out: 1",
        "Times have no offset; taken as UTC.",
        "Tick size 0.01 is a guess: all prices are multiples of it.",
    ]


def test_import_tells_the_first_gaps_and_counts_the_others(imported, write):
    hours = [2 * hour for hour in range(12)]  # eleven gaps of one hour each
    rows = [f"2020-01-02T{hour:02}:00,97.31,98,97,97.5,10" for hour in hours]
    lines = imported(write(rows), *NAMES[:-1], "1h")
    assert lines[1] == "Gaps: 11 (11 bars missing)"
    assert lines[2] == "  after 2020-01-02 00:00: 1 missing"
    assert lines[11:13] == ["  after 2020-01-02 18:00: 1 missing", "  … and 1 more"]
    assert lines[13] == "Weekdays without bars: 0"


def test_options_are_the_datasets_instrument(imported, write, store):
    path = write(ROWS)
    imported(path, *NAMES, "--tick-size", "0.05", "--lot-size", "1", "--currency", "EUR")
    dataset = store.get("SPY", "NYSE", "1d")
    assert dataset.instrument.to_dict() == {"tick_size": 0.05, "lot_size": 1.0, "currency": "EUR"}
    assert (dataset.source, dataset.synthetic, dataset.n_bars) == ("spy.csv", False, 5)


def test_defaults_are_the_tick_seen_and_the_smallest_lot(imported, write, store):
    imported(write(ROWS))
    assert store.get("SPY", "NYSE", "1d").instrument.to_dict() == {
        "tick_size": 0.01,
        "lot_size": 1e-8,
        "currency": "USD",
    }


def test_second_import_is_the_newest_version_and_the_first_stays(imported, write, store):
    imported(write(ROWS[:3]))
    old = store.get("SPY", "NYSE", "1d")
    imported(write(ROWS))
    assert store.get("SPY", "NYSE", "1d").n_bars == 5
    assert len(store.load(store.get("SPY", "NYSE", "1d", version=old.version))) == 3


def test_faulty_rows_are_told_with_row_and_column_and_nothing_is_stored(imported, write, store):
    path = write([*ROWS, "2020-01-08,x,98,97,97.5,10", "2020-01-09,97.31,98,97,97.5,-1"])
    with pytest.raises(CommandError) as caught:
        imported(path)
    assert str(caught.value).split("\n") == [
        "Nothing was imported.",
        "Row 7, column 'open': 'x' is not a finite number above 0 and at most 1e+12.",
        "Row 8, column 'volume': '-1' is not a finite number of at least 0.",
    ]
    assert store.datasets() == []


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ((*NAMES[:-1], "1 hour"), "The timeframe '1 hour' must be like"),
        (("--asset", "../SPY", *NAMES[2:]), "The asset '../SPY' must be"),
        (("--asset", "SPY", "--exchange", "", *NAMES[4:]), "The exchange '' must be"),
        ((*NAMES, "--tick-size", "0"), "The tick size must be a number above 0"),
        ((*NAMES, "--tick-size", "nan"), "The tick size must be a number above 0"),
        ((*NAMES, "--lot-size=-1"), "The lot size must be a number of at least 0"),
        ((*NAMES, "--currency", "US$"), "The currency 'US$' must be"),
        ((*NAMES, "--tick-size", "x"), "argument --tick-size: invalid float value: 'x'"),
        (NAMES[2:], "the following arguments are required: --asset"),
        (NAMES[:2] + NAMES[4:], "the following arguments are required: --exchange"),
        (NAMES[:4], "the following arguments are required: --timeframe"),
    ],
)
def test_option_that_is_missing_or_not_allowed_is_told(imported, write, store, options, told):
    with pytest.raises(CommandError) as caught:
        imported(write(ROWS), *options)
    assert told in str(caught.value)
    assert not store.root.exists()


@pytest.mark.parametrize(
    ("name", "told"), [("none.csv", "none.csv cannot be read: No such file"), (".", "is not a file")]
)
def test_path_without_a_file_is_told(imported, tmp_path, name, told):
    with pytest.raises(CommandError, match=told):
        imported(tmp_path / name)


def test_exit_status_is_zero_for_success_and_not_for_a_refusal(tmp_path, write):
    home = tmp_path / "home"
    command = [sys.executable, "manage.py", "import_candles", str(write(ROWS)), *NAMES]
    outcomes = []
    for arguments in (command, [*command, "--tick-size", "0"], command[:-2]):
        done = subprocess.run(
            arguments,
            cwd=ROOT,
            env={"PATH": os.environ["PATH"], "ALGOTRADE_HOME": str(home)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
        )
        outcomes.append((done.returncode, "5 bars" in done.stdout, "Traceback" in done.stderr))
    assert outcomes == [(0, True, False), (1, False, False), (2, False, False)]
    assert [dataset.n_bars for dataset in CandleStore(home / "candles").datasets()] == [5]


@pytest.mark.parametrize(
    ("file", "exchange", "n_bars", "range_told", "gaps_told"),
    [
        ("SPY-1h.csv", "NYSE", 40_832, "1998-01-02", "Gaps: 0 (0 bars missing)"),
        ("EURUSD-1h.csv", "OANDA", 74_439, "2007", "Gaps: 4 (35 bars missing)"),
        ("BTCUSD-1d.csv", "COINBASE", 1_318, "2014-12-01 00:00 to 2018-08-13 00:00 UTC", "(34 bars missing)"),
        ("BTCUSD-1m.csv", "COINBASE", 1_007, "2018-04-04", "Gaps: 1 (1 bars missing)"),
    ],
)
def test_real_candles_come_in_whole(shared_data, imported, store, file, exchange, n_bars, range_told, gaps_told):
    asset, timeframe = file.removesuffix(".csv").split("-")
    lines = imported(shared_data / file, "--asset", asset, "--exchange", exchange, "--timeframe", timeframe)
    assert lines[0].startswith(f"{asset} {timeframe} on {exchange}: {n_bars:,} bars, ")
    assert range_told in lines[0]
    assert gaps_told in lines[1]
    assert "Duplicates left out: 0" in lines
    store.verify(store.get(asset, exchange, timeframe))


def test_column_is_named_by_role(imported, write, store):
    path = write([row.replace("97.5,", "97.5,97.4,") for row in ROWS], header=",Open,High,Low,Close,Adj Close,Volume")
    imported(path, *NAMES, "--column", "time=(column 1)", "--column", "close=Adj Close")
    assert store.load(store.get("SPY", "NYSE", "1d")).close.tolist() == [97.4] * 5


@pytest.mark.parametrize("text", ["time", "when=Date", "time="])
def test_column_of_no_role_is_refused(imported, write, text):
    with pytest.raises(CommandError, match="must be like time=Date"):
        imported(write(ROWS), *NAMES, "--column", text)
