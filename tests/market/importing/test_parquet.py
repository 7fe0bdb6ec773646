"""Parquet files come in as CSV files do, and are judged by what they declare before a value is read."""

from datetime import UTC, date, datetime
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from algotrade.errors import MarketDataError
from algotrade.market.bars import COLUMNS
from algotrade.market.importing import parquet_files
from algotrade.market.importing.imports import import_candles
from algotrade.market.store import CandleStore

DAY_1 = 1_577_836_800  # 2020-01-01T00:00Z
DAYS = [DAY_1 + 86_400 * at for at in range(3)]
MOMENTS = [datetime.fromtimestamp(second, UTC) for second in DAYS]
PRICES = {
    "open": [97.31, 98.0, 97.5],
    "high": [98.5, 98.2, 98.0],
    "low": [97.0, 97.3, 97.25],
    "close": [98.0, 97.5, 98.0],
}


@pytest.fixture
def store(tmp_path):
    return CandleStore(tmp_path / "candles")


@pytest.fixture
def take(tmp_path, store):
    """Return a function that writes columns as Parquet and imports them."""

    def take(columns, timeframe="1d", **options):
        written = {name: options.pop(name) for name in ("compression", "row_group_size") if name in options}
        pq.write_table(pa.table(columns), tmp_path / "candles.parquet", **written)
        names = {"asset": "SPY", "exchange": "NYSE", "timeframe": timeframe}
        return import_candles(tmp_path / "candles.parquet", store, **(names | options))

    return take


@pytest.fixture
def refusal(take, store):
    def refusal(columns, **options):
        with pytest.raises(MarketDataError) as caught:
            take(columns, **options)
        assert not store.root.exists()
        return str(caught.value)

    return refusal


def columns(**changes):
    return {"timestamp": pa.array(MOMENTS, pa.timestamp("us", "UTC")), **PRICES, "volume": [1.5, 2.0, 0.0]} | changes


@pytest.mark.parametrize(
    "times",
    [
        pa.array(MOMENTS, pa.timestamp("ns", "UTC")),
        pa.array(MOMENTS, pa.timestamp("ms", "America/New_York")),  # a moment, whatever zone it is shown in
        pa.array([moment.replace(tzinfo=None) for moment in MOMENTS], pa.timestamp("s")),
        pa.array([date(2020, 1, day) for day in (1, 2, 3)], pa.date32()),
        pa.array([date(2020, 1, day) for day in (1, 2, 3)], pa.date64()),
        pa.array(DAYS, pa.int64()),
        pa.array([second * 10**9 for second in DAYS], pa.int64()),
        pa.array(["2020-01-01", "2020-01-02", "2020-01-03"]),
        pa.array(["2020-01-01", "2020-01-02", "2020-01-03"], pa.large_string()),
        pa.array(["2020-01-01", "2020-01-02", "2020-01-03"]).dictionary_encode(),
    ],
    ids=str,
)
def test_times_of_every_type_are_the_same_moments(take, store, times):
    assert (store.load(take(columns(timestamp=times)).dataset).time // 10**9).tolist() == DAYS


@pytest.mark.parametrize("kind", [pa.float64(), pa.float32(), pa.decimal128(9, 2), pa.string()], ids=str)
def test_prices_of_every_type_are_the_same_numbers(take, store, kind):
    changed = {
        name: pa.array([str(value) for value in values]).cast(kind) if kind != pa.float32() else pa.array(values, kind)
        for name, values in PRICES.items()
    }
    report = take(columns(**changed))
    bars = store.load(report.dataset)
    assert {name: getattr(bars, name).tolist() for name in PRICES} == PRICES
    assert report.dataset.instrument.tick_size == 0.01


def test_wall_clock_is_of_the_zone_that_is_named(take, store):
    naive = pa.array(["2020-01-15T09:30", "2020-01-15T09:31", "2020-01-15T09:32"]).cast(pa.timestamp("s"))
    report = take(columns(timestamp=naive), timeframe="1m", time_zone="America/New_York")
    first = datetime.fromtimestamp(store.load(report.dataset).time[0] // 10**9, UTC)
    assert f"{first:%H:%M}" == "14:30"


def test_index_that_pandas_leaves_without_a_name_is_the_time(take):
    whole = columns()
    whole["__index_level_0__"] = whole.pop("timestamp")
    assert take(whole).dataset.n_bars == 3


def test_csv_and_parquet_of_the_same_candles_are_one_version(take, store, tmp_path):
    parquet = take(columns()).dataset
    lines = ["timestamp,open,high,low,close,volume"]
    whole = columns()
    for at, moment in enumerate(MOMENTS):
        lines.append(",".join([moment.isoformat(), *(str(whole[name][at]) for name in COLUMNS)]))
    (tmp_path / "same.csv").write_text("\n".join(lines))
    report = import_candles(tmp_path / "same.csv", store, asset="SPY", exchange="NYSE", timeframe="1d")
    assert (report.dataset.version, report.is_new) == (parquet.version, False)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"low": [97.0, float("nan"), 97.0]}, "Row 2, column 'low': 'nan' is not a finite number above 0"),
        ({"low": [97.0, None, 97.0]}, "Row 2, column 'low': '' is not a finite number above 0"),
        ({"close": [98.0, 97.5, float("inf")]}, "Row 3, column 'close': 'inf' is not a finite number"),
        ({"high": [98.5, 90.0, 98.0]}, "Row 2, column 'high': 90 is below another price of its bar."),
        ({"timestamp": pa.array([*MOMENTS[:2], None], pa.timestamp("us", "UTC"))}, "Row 3, column 'timestamp': ''"),
        ({"timestamp": pa.array(MOMENTS[::2] + MOMENTS[1:2], pa.timestamp("us", "UTC"))}, "Row 3, column 'timestamp'"),
        ({"open": [[1.0], [2.0], [3.0]]}, "The column 'open' holds list<element: double>; candles are"),
        ({"open": ["9" * 100, "1", "1"]}, "The column 'open' holds a text of 100 bytes"),
        ({"open": [b"1", b"1", b"1"]}, "The column 'open' holds binary"),
    ],
)  # fmt: skip
def test_faulty_value_is_told_with_row_and_column(refusal, changes, told):
    assert refusal(columns(**changes)).startswith(told)


def test_file_without_a_needed_column_is_refused(refusal):
    whole = columns()
    del whole["close"]
    assert refusal(whole).startswith("There is no column for close. The file has 'timestamp', 'open', 'high'")


def test_column_that_is_no_candle_is_not_even_read(take):
    assert take(columns(notes=[["x"], ["y" * 1000], None])).dataset.n_bars == 3


def test_file_without_rows_is_refused(refusal):
    empty = {name: pa.array([], pa.float64()) for name in ("timestamp", *COLUMNS)}
    assert refusal(empty) == "candles.parquet has no rows."


def test_bomb_is_refused_by_what_it_declares(refusal, monkeypatch):
    monkeypatch.setattr(parquet_files, "MAX_BYTES", 1_000_000)
    sawtooth = np.arange(100_000.0)
    told = refusal(dict.fromkeys(("timestamp", *COLUMNS), sawtooth), compression="zstd")
    assert "bytes; at most 1,000,000 are read" in told
    assert told.startswith("candles.parquet unpacks to ")


def test_too_many_rows_or_columns_are_refused_by_what_is_declared(refusal, monkeypatch):
    monkeypatch.setattr("algotrade.market.importing.tables.MAX_ROWS", 2)
    assert refusal(columns()) == "The file has 3 rows or more; at most 2 are read."
    wide = {f"c{at}": [1.0] for at in range(1_001)}
    assert refusal(wide) == "The file has 1,001 columns; candles have six."


@pytest.mark.parametrize("damage", ["cut", "foot", "junk"])
def test_damaged_file_is_told(tmp_path, store, damage):
    path = tmp_path / "bad.parquet"
    pq.write_table(pa.table(columns()), path)
    whole = path.read_bytes()
    foot = whole[:-40] + b"\xff" * 32 + whole[-8:]
    path.write_bytes({"cut": whole[:200], "foot": foot, "junk": b"PAR1" * 100}[damage])
    with pytest.raises(MarketDataError, match="is not readable as Parquet"):
        import_candles(path, store, asset="SPY", exchange="NYSE", timeframe="1d")
    assert not store.root.exists()


def test_price_in_decimals_keeps_its_digits(take, store):
    exact = [Decimal("0.12345678"), Decimal("0.12345679"), Decimal("0.12345680")]
    kind = pa.decimal128(12, 8)
    report = take(columns(**{name: pa.array(exact, kind) for name in PRICES}))
    assert store.load(report.dataset).open.tolist() == [0.12345678, 0.12345679, 0.1234568]
    assert report.dataset.instrument.tick_size == 1e-8


def test_unnamed_first_column_of_times_is_the_time(take, store):
    named = columns()
    take({"": named.pop("timestamp"), **named})
    assert store.load(store.get("SPY", "NYSE", "1d")).time.tolist() == [second * 10**9 for second in DAYS]


def test_unnamed_first_column_of_numbers_is_no_time(refusal):
    told = refusal({"": [0, 1, 2], **{name: column for name, column in columns().items() if name != "timestamp"}})
    assert told.startswith("There is no column for time. The file has '(column 1)', 'open'")


def test_newest_first_is_turned_around_across_row_groups(take, store):
    turned = {name: list(reversed(column if isinstance(column, list) else column.to_pylist()))
              for name, column in columns().items()}  # fmt: skip
    report = take(turned, row_group_size=1)
    assert "The file is newest first; it was turned around." in report.notes
    assert store.load(report.dataset).close.tolist() == PRICES["close"]
