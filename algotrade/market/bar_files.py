"""Bars in files: Arrow IPC, uncompressed, one record batch, so that each column is one contiguous memory map."""

import hashlib
from pathlib import Path
from typing import Any

import pyarrow as pa

from algotrade.market.bars import COLUMNS, Bars

_SCHEMA = pa.schema([("time", pa.int64()), *((name, pa.float64()) for name in COLUMNS)])


def content_hash(bars: Bars) -> str:
    """Return the SHA-256 (hex) of the six columns, little-endian, in the order time, open, high, low, close, volume."""
    digest = hashlib.sha256()
    for name in ("time", *COLUMNS):
        column = getattr(bars, name)
        digest.update(memoryview(column.astype(column.dtype.newbyteorder("<"), copy=False)).cast("B"))
    return digest.hexdigest()


def read_bars(path: Path) -> Bars:
    """Return a file's bars, memory-mapped."""
    with pa.memory_map(str(path)) as source:
        table = pa.ipc.open_file(source).read_all()
    if table.schema != _SCHEMA or table["time"].num_chunks != 1:
        raise pa.ArrowInvalid(f"{path.name} has other columns")
    return Bars(*(table[name].chunk(0).to_numpy(zero_copy_only=True) for name in ("time", *COLUMNS)))


def holds_version(path: Path, version: str) -> bool:
    """Whether the file is there and whole: candles that are imported again mend a damaged one."""
    try:
        return content_hash(read_bars(path)) == version
    except (OSError, pa.ArrowException):
        return False


def write_bars(bars: Bars, file: Any) -> None:
    """Write bars into an open file."""
    arrays = [pa.array(getattr(bars, name)) for name in ("time", *COLUMNS)]
    with pa.ipc.new_file(file, _SCHEMA) as writer:
        writer.write_batch(pa.record_batch(arrays, schema=_SCHEMA))
