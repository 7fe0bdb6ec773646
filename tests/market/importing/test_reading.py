"""The process that reads files of strangers has little memory, no secrets, and answers whatever the file does to it."""

import json
import os
import signal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from algotrade.child import Child, ChildEnded
from algotrade.market.store import CandleStore

MEMORY = 3 << 30
NAMES = {"asset": "SPY", "exchange": "NYSE", "timeframe": "1d"}
ROWS = "timestamp,open,high,low,close\n" + "".join(f"2020-01-0{day},1,2,0.5,1.5\n" for day in range(1, 6))


@pytest.fixture
def read(tmp_path):
    """Return a function that has a child do a job; it answers the question of the child by `may_store`."""
    children = []

    def read(content, job="inspect", *, may_store=True, options=NAMES, cpu_seconds=60, memory=MEMORY):
        path = tmp_path / "candles.csv"
        if content is not None:
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        child = Child(module="algotrade.market.importing.reading", memory_bytes=memory, cpu_seconds=cpu_seconds)
        children.append(child)
        child.send({"job": job, "path": str(path), "root": str(tmp_path / "candles"), "options": options})
        phases = []
        while True:
            message = child.receive(60.0)
            assert message is not None
            if "ask" in message:
                child.send({"store": may_store})
            elif "phase" in message:
                phases.append(message["phase"])
            else:
                return message, phases

    yield read
    for child in children:
        child.close()


def test_inspection_tells_phases_and_what_the_file_holds(read, tmp_path):
    answer, phases = read(ROWS)
    assert (answer["preview"]["n_bars"], answer["preview"]["timeframe"]) == (5, "1d")
    assert phases[0] == "Reading"
    assert "Checking" in phases
    assert not (tmp_path / "candles").exists()


def test_import_stores_after_it_was_allowed(read, tmp_path):
    answer, _ = read(ROWS, "import")
    assert (answer["stored"]["key"], answer["stored"]["is_new"]) == ("SPY-NYSE-1d", True)
    assert len(CandleStore(tmp_path / "candles").datasets()) == 1


def test_import_that_is_not_allowed_stores_nothing(read, tmp_path):
    answer, _ = read(ROWS, "import", may_store=False)
    assert answer["refused"]["errors"] == ["The import was cancelled; nothing was stored."]
    assert not (tmp_path / "candles").exists()


def test_bomb_of_text_meets_the_limit_of_memory(read, tmp_path):
    rows = pa.array([0] * 1_000, pa.int32())
    text = pa.DictionaryArray.from_arrays(rows, pa.array(["9" * 10_000_000]))  # 10 GB of a few kilobytes
    ones = [1.0] * 1_000
    columns = {"timestamp": text, "open": ones, "high": ones, "low": ones, "close": ones}
    pq.write_table(pa.table(columns), tmp_path / "candles.csv", compression="zstd")
    assert (tmp_path / "candles.csv").stat().st_size < 100_000
    answer, _ = read(None)
    assert answer["refused"]["errors"] == ["candles.csv needs more memory than reading a file may take."]


def test_reader_has_no_more_than_its_limits(read, tmp_path, monkeypatch):
    monkeypatch.setenv("ALGOTRADE_SECRET_OF_A_TEST", "planted")
    child = Child(module="algotrade.market.importing.reading", memory_bytes=MEMORY, cpu_seconds=7)
    try:
        with open(f"/proc/{child.pid}/environ") as environment:
            assert "planted" not in environment.read()
        os.kill(child.pid, signal.SIGXCPU)
        with pytest.raises(ChildEnded, match="SIGXCPU"):
            child.receive(30.0)
    finally:
        child.close()


def test_answer_is_json_whatever_the_rows_are(read):
    answer, _ = read(ROWS + "2020-01-06,\N{SNOWMAN},2,0.5,1.5\n")
    assert json.loads(json.dumps(answer))["preview"]["errors"][0].startswith("Row 7, column 'open': '\N{SNOWMAN}'")
