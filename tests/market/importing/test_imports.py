"""Candles come in right or not at all: every form of file and time, faulty rows named, nothing half-written."""

import numpy as np
import pytest

from algotrade.errors import MarketDataError
from algotrade.market.bars import COLUMNS
from algotrade.market.importing import imports
from algotrade.market.importing.imports import ImportRefused, import_candles
from algotrade.market.store import CandleStore

HEADER = "timestamp,open,high,low,close,volume"
ROWS = [f"2020-01-0{day},1,2,0.5,1.5,10" for day in range(1, 6)]
DAY_1 = 1_577_836_800  # 2020-01-01T00:00Z
DAY_NS = 86_400 * 10**9


@pytest.fixture
def store(tmp_path):
    return CandleStore(tmp_path / "candles")


@pytest.fixture
def take(tmp_path, store):
    """Return a function that imports bytes, or lines of text, as a file."""

    def take(content, timeframe="1d", **names):
        if isinstance(content, list):
            content = "\n".join(content) + "\n"
        path = tmp_path / "candles.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return import_candles(path, store, **({"asset": "SPY", "exchange": "NYSE", "timeframe": timeframe} | names))

    return take


@pytest.fixture
def refusal(take, store):
    """Return a function that says why a file was refused, after looking that nothing was stored."""

    def refusal(content, timeframe="1d", **names):
        with pytest.raises(MarketDataError) as caught:
            take(content, timeframe, **names)
        assert not store.root.exists()
        return str(caught.value)

    return refusal


@pytest.fixture
def bars(take, store):
    """Return a function that imports a file and loads what was stored."""
    return lambda content, timeframe="1d", **names: store.load(take(content, timeframe, **names).dataset)


def rows_of(loaded):
    return list(zip(*(getattr(loaded, name).tolist() for name in COLUMNS), strict=True))


@pytest.mark.parametrize(
    "header",
    [
        HEADER,
        "Date,Open,High,Low,Close,Volume",
        " Time , OPEN , HIGH , LOW , CLOSE , VOL ",
        '"datetime","open","high","low","close","volume"',
        "open_time,o,h,l,c,v",
        "Open Time,Open,High,Low,Close,Volume",
        "unix,open,high,low,close,volume",
        "t,o,h,l,c,v",
    ],
)
def test_columns_are_found_under_their_usual_names(bars, header):
    assert rows_of(bars([header, "2020-01-01,1,2,0.5,1.5,10"])) == [(1, 2, 0.5, 1.5, 10)]


def test_columns_may_stand_in_any_order_among_others(bars):
    loaded = bars(["symbol,volume,close,low,high,open,date,adj close", "SPY,10,1.5,0.5,2,1,2020-01-01,9"])
    assert rows_of(loaded) == [(1, 2, 0.5, 1.5, 10)]
    assert loaded.time.tolist() == [DAY_1 * 10**9]


def test_timestamp_is_taken_before_a_column_called_date(bars):
    loaded = bars(["date,timestamp,open,high,low,close", f"1999-01-01,{DAY_1},1,2,0.5,1.5"])
    assert loaded.time.tolist() == [DAY_1 * 10**9]


def test_date_and_clock_in_two_columns_are_one_time(bars):
    loaded = bars(
        ["Date,Time,Open,High,Low,Close", "2020-01-02,09:30,1,2,0.5,1.5", "2020-01-02,09:31,1,2,0.5,1.5"], "1m"
    )
    assert (loaded.time // 10**9 - DAY_1).tolist() == [86_400 + 9 * 3600 + 30 * 60, 86_400 + 9 * 3600 + 31 * 60]


def test_file_without_volume_has_zero_and_says_so(take, store):
    report = take(["date,open,high,low,close", "2020-01-01,1,2,0.5,1.5"])
    assert store.load(report.dataset).volume.tolist() == [0.0]
    assert "There is no volume column; volume is 0." in report.notes


@pytest.mark.parametrize(
    "file",
    [
        "\r\n".join([HEADER, *ROWS]) + "\r\n",
        "\ufeff" + "\n".join([HEADER, *ROWS]),
        "\n".join([HEADER, *ROWS]) + "\n\r\n\n",
        "\n".join([HEADER, *ROWS]).replace(",", ";"),
        "\n".join([HEADER, *ROWS]).replace(",", "\t"),
        "\n".join([HEADER, *ROWS]).replace(",", " , "),
        "\n".join([HEADER, *('"' + row.replace(",", '","') + '"' for row in ROWS)]),
        "\n".join([HEADER + ",", *(row + "," for row in ROWS)]),
        "\n".join([HEADER, *reversed(ROWS)]),
        "\n".join([HEADER, *(row.replace(",1,", ",+1.000,") for row in ROWS)]),
        "\n".join([HEADER, *(row.replace(",10", ",1e1") for row in ROWS)]),
    ],
    ids=[
        "crlf",
        "bom",
        "blank end",
        "semicolons",
        "tabs",
        "spaces",
        "quotes",
        "comma at end",
        "newest first",
        "+",
        "1e1",
    ],
)
def test_same_candles_come_of_every_form_of_file(bars, file):
    loaded = bars(file)
    assert (loaded.time // DAY_NS - DAY_1 // 86_400).tolist() == [0, 1, 2, 3, 4]
    assert rows_of(loaded) == [(1, 2, 0.5, 1.5, 10)] * 5


def test_row_out_of_order_in_a_file_that_is_newest_first_is_the_only_one_told(refusal):
    rows = [*reversed(ROWS)]
    rows[1], rows[2] = rows[2], rows[1]  # 5, 3, 4, 2, 1: the fourth of January rises in row 4
    told = refusal([HEADER, *rows])
    assert (
        told == "Row 4, column 'timestamp': the time 2020-01-04 is after that of row 3, in a file that is newest first."
    )


def test_newest_first_is_turned_around_where_a_clock_is_put_back(bars):
    hours = ("00:30", "01:30", "01:30", "02:30")  # New York, 1 November 2020: half past one comes twice
    rows = [f"2020-11-01 {hour},1,2,0.5,1.5,{at}" for at, hour in enumerate(hours)]
    loaded = bars([HEADER, *reversed(rows)], "1h", time_zone="America/New_York")
    assert np.diff(loaded.time).tolist() == [3600 * 10**9] * 3
    assert loaded.volume.tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize("header", [",Open,High,Low,Close,Volume", "Unnamed: 0,Open,High,Low,Close,Volume"])
def test_index_without_a_name_is_the_time(bars, header):
    loaded = bars([header, *(f"2020-01-0{day} 00:00:00,1,2,0.5,1.5,10" for day in range(1, 4))])
    assert loaded.time.tolist() == [(DAY_1 + 86_400 * day) * 10**9 for day in range(3)]


def test_index_of_numbers_is_no_time(refusal):
    told = refusal([",when,open,high,low,close", "0,2020-01-01,1,2,0.5,1.5"])
    assert told.startswith("There is no column for time. The file has '(column 1)', 'when', 'open'")


def test_unnamed_column_is_chosen_by_its_place(bars):
    columns = {"time": "(column 2)"}
    loaded = bars(["id,,open,high,low,close,", "7,2020-01-01,1,2,0.5,1.5,"], columns=columns)
    assert loaded.time.tolist() == [DAY_1 * 10**9]


@pytest.mark.parametrize(
    "row",
    [
        "2020-01-01,1,2,0.5,1.5,10",
        "1577836800,1,2,0.5,1.5,10",
        "2020.01.01,00:00,1,2,0.5,1.5,10",
        "20200101 000000;1;2;0.5;1.5;10",
        "1577836800000,1.0,2.0,0.5,1.5,10,1577923199999,15.5,3,5,7,0",
        "01.01.2020;1,0;2,0;0,5;1,5;10,0",
    ],
    ids=["date", "seconds", "MetaTrader", "HistData", "Binance", "decimal commas"],
)
def test_file_without_a_header_is_read_by_place(take, store, row):
    next_row = row.replace("1577836800", "1577923200").replace("2020.01.01", "2020.01.02")
    next_row = next_row.replace("2020-01-01", "2020-01-02").replace("20200101", "20200102").replace("01.01.", "02.01.")
    report = take([row, next_row])
    loaded = store.load(report.dataset)
    assert loaded.time.tolist() == [DAY_1 * 10**9, (DAY_1 + 86_400) * 10**9]
    assert rows_of(loaded) == [(1, 2, 0.5, 1.5, 10)] * 2
    assert any(note.startswith("There is no header") for note in report.notes)


def test_first_row_of_a_file_without_a_header_is_row_1(refusal):
    told = refusal(["2020-01-01,1,2,0.5,1.5,10", "2020-01-02,x,2,0.5,1.5,10"])
    assert told.startswith("Row 2, column '(column 2)': 'x' is not a finite number")


COMMA_ROWS = [f"0{day}.01.2020;1.397,31;1.398;1.396,5;1.397,5;10,25" for day in range(1, 4)]


def test_decimal_commas_are_read_and_told(take, store):
    report = take(["Datum;Open;High;Low;Close;Volume", *COMMA_ROWS], columns={"time": "Datum"})
    assert rows_of(store.load(report.dataset)) == [(1397.31, 1398, 1396.5, 1397.5, 10.25)] * 3
    assert "Decimal comma: 97,31 in the file is 97.31." in report.notes


def test_point_among_decimal_commas_is_a_fault_of_its_row(refusal):
    rows = [f"2020-01-{day:02};1,5;2,5;0,5;1,5;10" for day in range(1, 21)]
    told = refusal([HEADER.replace(",", ";"), *rows, "2020-01-21;1.5;2,5;0,5;1,5;10"])
    assert told == "Row 22, column 'open': '1.5' is not a finite number above 0 and at most 1e+12."


def test_quoted_thousands_of_a_file_separated_by_commas_are_no_decimals(refusal):
    assert "'1,397' is not a finite number" in refusal([HEADER, '2020-01-01,"1,397","1,398","1,396","1,397",10'])


def test_decimal_commas_that_break_columns_apart_are_told(refusal):
    told = refusal([HEADER, *(f"2020-01-0{day},1,5,2,5,0,5,1,5,10" for day in (1, 2))])
    assert "decimal commas need columns set off by semicolons" in told.splitlines()[0]


def test_turned_around_file_is_told(take):
    assert "The file is newest first; it was turned around." in take([HEADER, *reversed(ROWS)]).notes


@pytest.mark.parametrize("column", ["open", "high", "low", "close"])
@pytest.mark.parametrize(
    "value",
    ["", "nan", "NaN", "inf", "-inf", "Infinity", "0", "-1", "1e13", "1e400", "1e-400", "null", "N/A", "-", "=1+1",
     "1,5", "1.5$", "0x10", "1_0", "\u0661", "1 000", "1.2.3", "@SUM(A1)"],
)  # fmt: skip
def test_price_that_is_none_is_refused_with_row_and_column(refusal, column, value):
    row = dict(zip(HEADER.split(","), ROWS[2].split(","), strict=True)) | {column: f'"{value}"'}
    told = refusal([HEADER, *ROWS[:2], ",".join(row.values()), *ROWS[3:]])
    assert told == f"Row 4, column '{column}': {value!r} is not a finite number above 0 and at most 1e+12."


@pytest.mark.parametrize("value", ["", "nan", "inf", "-1", "1e400", "many", "=1+1"])
def test_volume_that_is_none_is_refused_with_row_and_column(refusal, value):
    told = refusal([HEADER, *ROWS, f"2020-01-06,1,2,0.5,1.5,{value}"])
    assert told == f"Row 7, column 'volume': {value!r} is not a finite number of at least 0."


def test_time_that_is_none_is_refused_with_row_and_column(refusal):
    told = refusal([HEADER, *ROWS, "2020-02-30,1,2,0.5,1.5,10"])
    wanted = "a time such as 2020-01-31T14:00:00Z or Unix seconds"
    assert told == f"Row 7, column 'timestamp': '2020-02-30' is not {wanted}."


@pytest.mark.parametrize(
    ("prices", "told"),
    [
        ("10,9,8,8.5", ["'high': 9 is below"]),
        ("8.5,9,8,10", ["'high': 9 is below"]),
        ("8,12,9,10", ["'low': 9 is above"]),
        ("10,12,9,8", ["'low': 9 is above"]),
        ("10,8,12,10", ["'high': 8 is below", "'low': 12 is above"]),
        ("123456.78,123456.77,1,5", ["'high': 123456.77 is below"]),
    ],
)
def test_bar_whose_prices_contradict_each_other_is_refused(refusal, prices, told):
    lines = refusal([HEADER, *ROWS, f"2020-01-06,{prices},10"]).split("\n")
    assert lines == [f"Row 7, column {fault} another price of its bar." for fault in told]


@pytest.mark.parametrize("prices", ["1,1,1,1", "1,2,1,2", "2,2,1,1", "1e12,1e12,1e-12,1"])
def test_bar_on_the_edge_of_what_is_possible_is_taken(bars, prices):
    assert rows_of(bars([HEADER, f"2020-01-01,{prices},0"])) == [(*map(float, prices.split(",")), 0.0)]


def test_rows_out_of_order_are_refused_with_both_rows(refusal):
    told = refusal([HEADER, ROWS[0], ROWS[2], ROWS[1], ROWS[3]])
    assert told == "Row 4, column 'timestamp': the time 2020-01-02 is before that of row 3."


def test_repeated_rows_are_left_out_and_counted(take, store):
    report = take([HEADER, ROWS[0], ROWS[0], ROWS[1], ROWS[1], ROWS[1]])
    assert (report.n_duplicates, report.dataset.n_bars) == (3, 2)
    assert len(store.load(report.dataset)) == 2


def test_repeated_time_in_another_zone_is_a_repetition(take):
    report = take([HEADER, "2020-01-02T00:00:00Z,1,2,0.5,1.5,10", "2020-01-01T19:00:00-05:00,1,2,0.5,1.5,10"])
    assert (report.n_duplicates, report.dataset.n_bars) == (1, 1)


@pytest.mark.parametrize(("old", "new"), [("1.5", "1.6"), (",10", ",11")])
def test_one_time_with_two_values_is_refused_with_both_rows(refusal, old, new):
    told = refusal([HEADER, ROWS[0], ROWS[1], ROWS[1].replace(old, new)])
    assert told == "Row 4, column 'timestamp': the time 2020-01-02 is there already in row 3, with other values."


@pytest.mark.parametrize(
    ("header", "told"),
    [
        ("timestamp,open,high,low,volume", "There is no column for close."),
        ("open,high,low,close", "There is no column for time."),
        ("time|open|high|low|close", "There is no column for time, open, high, low, close."),
        ("timestamp,open,open,high,low,close", "The header names 'open' more than once."),
        ("1,2,3,4,5,6", "There is no column for time, open, high, low, close. The file has '(column 1)', '(column 2)'"),
        (",,,,,", "The first row is empty"),
        (",".join(f"c{at}" for at in range(1001)), "The file has 1,001 columns; candles have six."),
        (",".join(f"column{at}" for at in range(20_000)), "has a first line of more than 64 KB"),
    ],
)
def test_header_that_does_not_name_the_columns_is_refused(refusal, header, told):
    n_columns = header.count(",") + 1
    assert told in refusal([header, ",".join(["1"] * n_columns)])


@pytest.mark.parametrize(
    ("file", "told"),
    [
        (b"", "is empty"),
        (b" \n\r\n ", "is empty"),
        (f"{HEADER}\n".encode(), "has a single line; a header and rows are needed"),
        (f"{HEADER}\n , ,,,,\n".encode(), "has a header and no rows"),
        ("\r".join([HEADER, *ROWS]).encode(), "has a single line"),
        (("\n" + "\n".join([HEADER, *ROWS])).encode(), "The first row is empty"),
        ("\n".join([HEADER, *ROWS]).encode("utf-16"), "is UTF-16; save it as UTF-8"),
        ("\n".join([HEADER, *ROWS]).encode("utf-16-le"), "Row 1: candles.csv holds NUL bytes"),
        (b"PK\x03\x04 zip", "is a ZIP archive; unpack it first"),
        (b"\x1f\x8b gzip", "is a gzip archive; unpack it first"),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "Row 1: candles.csv is not UTF-8"),
        (b"x" * 100_000, "has a first line of more than 64 KB"),
        (f"Zeit\u00fc,{HEADER}\n".encode("latin-1") + b"1,2020-01-01,1,2,0.5,1.5,10\n", "Row 1: candles.csv is"),
    ],
)  # fmt: skip
def test_file_that_holds_no_candles_is_refused(refusal, file, told):
    assert told in refusal(file)


@pytest.mark.parametrize(
    ("row", "told"),
    [
        (b"2020-01-06,1,2", "Row 7: 3 columns where the header has 6."),
        (b"2020-01-06,1,2,0.5,1.5,10,11", "Row 7: 7 columns where the header has 6."),
        (b"2020-01-06", "Row 7: 1 columns where the header has 6."),
        (b"2020-01-06,1,2,0.5,1.5,1\0", "Row 7: candles.csv holds NUL bytes here; it is not CSV text."),
        (b"\0" * 50, "Row 7: candles.csv holds NUL bytes here; it is not CSV text."),
        (b"\xff,\x80", "Row 7: candles.csv is not UTF-8 here; save it as UTF-8."),
        (b"2020-01-06,1,2,0.5,1.5,\xc3", "Row 7: candles.csv is not UTF-8 here; save it as UTF-8."),
        (b"\n2020-01-06,1,2,0.5,1.5,10", "Row 7: the row is empty."),
        (b" , , , , , \n2020-01-06,1,2,0.5,1.5,10", "Row 7: the row is empty."),
        (b"# note", "Row 7: 1 columns where the header has 6."),
    ],
)
def test_row_that_is_no_row_of_candles_is_refused_with_its_number(refusal, row, told):
    assert refusal("\n".join([HEADER, *ROWS, ""]).encode() + row) == told


def test_huge_field_is_refused_with_a_short_message(refusal):
    told = refusal([HEADER, *ROWS, f"2020-01-06,{'9' * 10**6},2,0.5,1.5,10"])
    assert told.startswith("Row 7, column 'open': '9999")
    assert len(told) < 200


@pytest.mark.parametrize("size", [(1 << 20) + 1, 10**7])
@pytest.mark.parametrize("end", ["", "\n", "\n" + ROWS[-1]])
def test_line_that_no_candle_fills_is_refused_with_its_row(refusal, size, end):
    told = refusal(("\n".join([HEADER, *ROWS, ""]) + "9" * size + end).encode())
    assert told == "Row 7: the line is longer than 1,048,576 bytes; it is not a candle."


def test_rows_are_counted_right_far_down_a_long_file(refusal):
    rows = [f"{DAY_1 + 60 * at},1.00000000000000,2.00000000000000,0.5,1.5,10" for at in range(180_000)]
    assert sum(map(len, rows)) > 9 << 20  # more than one block of the reader
    assert refusal([HEADER, *rows, "1,2"], "1m") == "Row 180002: 2 columns where the header has 6."
    assert refusal([HEADER, *rows, f"{DAY_1 * 2},0,2,0.5,1.5,10"], "1m").startswith("Row 180002, column 'open': '0'")


def test_first_faults_are_listed_and_the_others_counted(take, store):
    with pytest.raises(ImportRefused) as caught:
        take([HEADER, *(f"2020-01-01,x,2,0.5,{close},10" for close in ["-1"] * 30)])
    assert len(caught.value.errors) == 20
    assert caught.value.errors[0].startswith("Row 2, column 'open': 'x'")
    assert str(caught.value).endswith("… and 40 more.")  # 30 opens and 30 closes, 20 of them shown


@pytest.mark.parametrize("kind", ["missing", "directory", "device"])
def test_path_that_is_no_file_is_refused(tmp_path, store, kind):
    path = {"missing": tmp_path / "none.csv", "directory": tmp_path, "device": tmp_path / "zero"}[kind]
    if kind == "device":
        path.symlink_to("/dev/zero")
    with pytest.raises(MarketDataError, match=r"is not a file|cannot be read: No such file"):
        import_candles(path, store, asset="SPY", exchange="NYSE", timeframe="1d")
    assert not store.root.exists()


def test_file_above_the_largest_size_is_refused_unread(refusal, monkeypatch):
    monkeypatch.setattr(imports, "MAX_BYTES", 100)
    assert "at most 100 are read" in refusal([HEADER, *ROWS])


@pytest.mark.parametrize(
    ("names", "told"),
    [
        ({"asset": "../x"}, "The asset '../x' must be"),
        ({"exchange": "a/b"}, "The exchange 'a/b' must be"),
        ({"currency": ""}, "The currency '' must be"),
        ({"timeframe": "1 hour"}, "The timeframe '1 hour' must be like"),
        ({"tick_size": 0.0}, "The tick size must be a number above 0; it is 0.0."),
        ({"tick_size": -0.01}, "The tick size must be a number above 0"),
        ({"tick_size": float("nan")}, "The tick size must be a number above 0"),
        ({"lot_size": -1.0}, "The lot size must be a number of at least 0"),
        ({"lot_size": float("inf")}, "The lot size must be a number of at least 0"),
    ],
)
def test_names_and_steps_that_are_not_allowed_are_refused(refusal, names, told):
    assert refusal([HEADER, *ROWS], **names).startswith(told)


def test_bars_closer_than_the_timeframe_are_refused(refusal):
    assert "apart, which is less than the timeframe 1w" in refusal([HEADER, *ROWS], "1w")


def test_bars_farther_apart_than_the_timeframe_are_told(take):
    notes = take([HEADER, *ROWS], "1h").notes
    assert any(
        note.startswith("Most bars are 1 day") and note.endswith("more than the timeframe 1h.") for note in notes
    )


def test_gaps_inside_days_are_told_with_counts(take):
    hours = [0, 1, 2, 5, 6, 8, 24, 25]  # 3 and 4, then 7 are missing; the night from 8 to 24 is no gap
    report = take([HEADER, *(f"{DAY_1 + 3600 * hour},1,2,0.5,1.5,10" for hour in hours)], "1h")
    after = [((gap.after_ns // 10**9 - DAY_1) // 3600, gap.n_missing) for gap in report.gaps]
    assert after == [(2, 2), (6, 1)]
    assert (report.dataset.n_gaps, report.dataset.n_missing_bars) == (2, 3)


def test_tick_size_is_guessed_and_told(take):
    report = take([HEADER, "2020-01-01,97.31,97.4,97.3,97.3,0.123456"])
    assert report.dataset.instrument.tick_size == 0.01
    assert "Tick size 0.01 is a guess: all prices are multiples of it." in report.notes


def test_tick_size_that_is_given_is_taken(take):
    dataset = take([HEADER, *ROWS], tick_size=0.25, lot_size=0.0, currency="EUR").dataset
    assert (dataset.instrument.tick_size, dataset.instrument.lot_size, dataset.instrument.currency) == (
        0.25,
        0.0,
        "EUR",
    )


def test_refused_file_leaves_the_candles_that_were_there(take, store):
    dataset = take([HEADER, *ROWS]).dataset
    before = sorted(path.name for path in dataset.path.parent.iterdir())
    with pytest.raises(ImportRefused):
        take([HEADER, *ROWS, "2020-01-06,1,2,3,4,5"])
    assert store.datasets() == [dataset]
    assert sorted(path.name for path in dataset.path.parent.iterdir()) == before
