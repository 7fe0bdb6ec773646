"""Before anything is stored one sees what a file holds: rows, columns, times, faults, and what it would replace."""

from datetime import date

import pytest

from algotrade.errors import MarketDataError
from algotrade.market.importing.imports import import_candles
from algotrade.market.importing.preview import Preview, inspect
from algotrade.market.store import CandleStore

HEADER = "timestamp,open,high,low,close,volume"
ROWS = [f"2020-01-{day:02},1,2,0.5,1.5,10" for day in range(1, 13)]
NAMES = {"asset": "SPY", "exchange": "NYSE", "timeframe": "1d"}


@pytest.fixture
def store(tmp_path):
    return CandleStore(tmp_path / "candles")


@pytest.fixture
def look(tmp_path, store):
    """Return a function that looks a file through, and makes sure that nothing was stored."""

    def look(lines, **options):
        (tmp_path / "file.csv").write_text("\n".join(lines))
        before = store.datasets()
        preview = inspect(tmp_path / "file.csv", store, options)
        assert store.datasets() == before
        assert Preview.from_dict(preview.to_dict()) == preview
        return preview

    return look


def test_first_and_last_rows_are_shown_with_their_numbers(look):
    seen = look([HEADER, *ROWS])
    assert [number for number, _ in seen.head + seen.tail] == [2, 3, 4, 5, 6, 9, 10, 11, 12, 13]
    assert seen.head[0][1] == ["2020-01-01", "1", "2", "0.5", "1.5", "10"]
    assert (seen.n_rows, seen.shown) == (12, HEADER.split(","))


def test_short_file_shows_no_row_twice(look):
    seen = look([HEADER, *ROWS[:7]])
    assert [number for number, _ in seen.head + seen.tail] == [2, 3, 4, 5, 6, 7, 8]


def test_what_was_detected_is_told(look):
    seen = look([HEADER.replace(",", ";"), *(row.replace(",", ";") for row in ROWS)])
    assert seen.format == "CSV, separated by semicolon"
    assert seen.found == {"time": "timestamp", **{name: name for name in ("open", "high", "low", "close", "volume")}}
    assert (seen.timeframe, seen.needs_zone, seen.tick_size, seen.n_bars) == ("1d", True, 0.1, 12)


def test_wide_file_shows_its_candles_and_few_others(look):
    others = [f"c{at}" for at in range(30)]
    seen = look([",".join([*others, HEADER]), *(",".join(["x" * 100] * 30 + [row]) for row in ROWS)])
    assert len(seen.shown) == 12
    assert set(HEADER.split(",")) < set(seen.shown)
    assert len(seen.head[0][1][0]) == 40


def test_missing_column_is_a_fault_that_can_be_mended(look):
    rows = [HEADER.replace("close", "last"), *ROWS]
    seen = look(rows)
    assert seen.errors[0].startswith("There is no column for close.")
    assert seen.head[0][1][4] == "1.5"
    mended = look(rows, columns={"close": "last"})
    assert (mended.n_errors, mended.n_bars, mended.found["close"]) == (0, 12, "last")


def test_column_that_was_taken_wrongly_can_be_given_up(look):
    seen = look([HEADER, *(row.replace(",10", ",many") for row in ROWS)])
    assert (seen.n_errors, len(seen.errors)) == (12, 12)
    assert look([HEADER, *ROWS], columns={"volume": ""}).n_errors == 0


@pytest.mark.parametrize(
    ("columns", "told"),
    [
        ({"close": "nothing"}, "The file has no column 'nothing' for close."),
        ({"close": "open"}, "The column 'open' is chosen for open and close"),
        ({"closing": "close"}, "A column cannot be 'closing'"),
    ],
)
def test_column_that_cannot_be_chosen_is_told(look, columns, told):
    with pytest.raises(MarketDataError, match=told):
        look([HEADER, *ROWS], columns=columns)


def test_first_faults_are_told_and_all_are_counted(look):
    seen = look([HEADER, *(row.replace("0.5", "x") for row in ROWS), *(row.replace("0.5", "-1") for row in ROWS)])
    assert (len(seen.errors), seen.n_errors, seen.n_bars) == (20, 24, 0)


def test_timeframe_that_does_not_fit_is_a_fault(look):
    assert "less than the timeframe 1w" in look([HEADER, *ROWS], timeframe="1w").errors[0]


def test_what_would_be_replaced_is_counted(look, store, tmp_path):
    (tmp_path / "old.csv").write_text("\n".join([HEADER, *ROWS[:10]]))
    import_candles(tmp_path / "old.csv", store, **NAMES)
    seen = look([HEADER, ROWS[1].replace("10", "11"), *ROWS[2:]], **NAMES)
    assert seen.replaces == 10
    assert (seen.changes.n_changed, seen.changes.n_added, seen.changes.n_removed) == (1, 2, 1)
    same = look([HEADER, *ROWS[:10]], **NAMES)
    assert (same.replaces, same.changes) == (10, None)


def test_gaps_and_days_are_those_of_the_calendar(look):
    hours = [f"2020-01-02T{hour:02}:00,1,2,0.5,1.5,1" for hour in (0, 1, 5, 23)]
    assert look([HEADER, *hours]).n_missing_bars == 3 + 17
    assert look([HEADER, *hours], calendar="Australia/Sydney").n_missing_bars == 3


@pytest.mark.parametrize("name", ["BTCUSD-1m", "BTCUSD-1d", "SPY-1h", "EURUSD-1h"])
def test_real_candles_are_looked_through_as_plain_counting_does(shared_data, store, name):
    seen = inspect(shared_data / f"{name}.csv", store, {})
    lines = (shared_data / f"{name}.csv").read_text().split()[1:]
    days = {}
    for line in lines:
        days.setdefault(line[:10], []).append(int(line[11:13]) * 60 + int(line[14:16]))
    step = {"m": 1, "h": 60, "d": 1440}[name[-1]]
    missing = sum((minutes[-1] - minutes[0]) // step + 1 - len(minutes) for minutes in days.values())
    if name == "BTCUSD-1d":  # a market that never closes: every day between the first and the last has a bar
        missing = (date.fromisoformat(max(days)) - date.fromisoformat(min(days))).days + 1 - len(days)
    assert (seen.n_errors, seen.n_bars, seen.timeframe) == (0, len(lines), name.split("-")[1])
    assert seen.n_missing_bars == missing
    assert (seen.n_empty_weekdays > 0) == (name in ("SPY-1h", "EURUSD-1h"))
