"""Any candles come in equal, and any file is taken whole or refused: what holds for files nobody thought of."""

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from algotrade.errors import MarketDataError
from algotrade.market.importing.imports import import_candles
from algotrade.market.store import CandleStore
from algotrade.market.ticks import guess_tick
from tests.market.importing.test_imports import rows_of

HEADER = "timestamp,open,high,low,close,volume"
ROWS = [f"2020-01-0{day},1,2,0.5,1.5,10" for day in range(1, 6)]
DAY_1 = 1_577_836_800  # 2020-01-01T00:00Z
DAY_NS = 86_400 * 10**9

ticks = st.integers(1, 10**9)
bar = st.tuples(ticks, ticks, ticks, ticks, st.integers(0, 10**9))
TIME_FORMS = {
    "seconds": lambda second: str(second),
    "milliseconds": lambda second: f"{second}000",
    "nanoseconds": lambda second: f"{second}000000000",
    "iso": lambda second: datetime.fromtimestamp(second, UTC).isoformat(),
    "plain": lambda second: f"{datetime.fromtimestamp(second, UTC):%Y-%m-%d %H:%M:%S}",
    "slashes": lambda second: f"{datetime.fromtimestamp(second, UTC):%Y/%m/%d %H:%M}",
}


@pytest.mark.parametrize("form", TIME_FORMS)
@hypothesis_settings(max_examples=30)
@given(
    minutes=st.sets(st.integers(0, 10**6), min_size=1, max_size=30),
    values=st.lists(bar, min_size=30, max_size=30),
    decimals=st.integers(0, 8),
    order=st.permutations(range(6)),
    delimiter=st.sampled_from(",;\t"),
    is_reversed=st.booleans(),
)
def test_any_valid_candles_come_back_equal(
    tmp_path_factory, form, minutes, values, decimals, order, delimiter, is_reversed
):
    minutes, scale = sorted(minutes), 10**decimals
    written, expected = [], []
    for minute, (open_, one, two, close, volume) in zip(minutes, values, strict=False):
        high, low = max(open_, one, two, close), min(open_, one, two, close)
        prices = [f"{price // scale}.{price % scale:0{decimals}d}" if decimals else str(price)
                  for price in (open_, high, low, close)]  # fmt: skip
        written.append([TIME_FORMS[form](DAY_1 + 60 * minute), *prices, str(volume)])
        expected.append((*(float(price) for price in prices), float(volume)))
    header = HEADER.split(",")
    lines = [
        delimiter.join(row[at] for at in order) for row in ([header] + (written[::-1] if is_reversed else written))
    ]
    folder = tmp_path_factory.mktemp("random")
    (folder / "random.csv").write_text("\n".join(lines))
    store = CandleStore(folder / "candles")
    report = import_candles(folder / "random.csv", store, asset="A", exchange="X", timeframe="1m")
    loaded = CandleStore(store.root).load(report.dataset)
    assert (loaded.time // (60 * 10**9) - DAY_1 // 60).tolist() == minutes
    assert rows_of(loaded) == expected
    assert report.dataset.instrument.tick_size == guess_tick(loaded).size


@hypothesis_settings(max_examples=200)
@given(
    st.one_of(
        st.binary(max_size=300),
        st.text(max_size=300).map(str.encode),
        st.lists(st.text(",;\n\r\"'0123456789.-+eTZ:=\0 ", max_size=40), max_size=8).map(
            lambda lines: "\n".join([HEADER, *lines]).encode()
        ),
        st.tuples(st.integers(0, 180), st.binary(min_size=1, max_size=4)).map(
            lambda change: (
                (whole := "\n".join([HEADER, *ROWS]).encode())[: change[0]]
                + change[1]
                + whole[change[0] + len(change[1]) :]
            )
        ),
    )
)
def test_hostile_file_is_taken_whole_or_refused_without_a_trace(tmp_path_factory, content):
    folder = tmp_path_factory.mktemp("hostile")
    (folder / "hostile.csv").write_bytes(content)
    store = CandleStore(folder / "candles")
    try:
        report = import_candles(folder / "hostile.csv", store, asset="A", exchange="X", timeframe="1d", tick_size=0.1)
    except MarketDataError:
        assert not store.root.exists()
        return
    loaded = store.load(report.dataset)
    prices = np.array([loaded.open, loaded.high, loaded.low, loaded.close])
    assert np.isfinite(prices).all()
    assert (prices > 0).all()
    assert (prices.max(axis=0) == loaded.high).all()
    assert (prices.min(axis=0) == loaded.low).all()
    assert (np.diff(loaded.time) > 0).all()
