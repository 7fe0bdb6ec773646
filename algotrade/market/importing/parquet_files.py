"""Parquet files as tables of text: judged by what they declare before a single value is read."""

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from algotrade.errors import MarketDataError
from algotrade.market.importing.tables import (
    MAX_BYTES,
    MAX_COLUMNS,
    Table,
    Tell,
    all_named,
    check_names,
    check_rows,
    tell_nobody,
)

MAGIC = b"PAR1"
_ROWS_AT_ONCE = 200_000
_METADATA_BYTES = 16 << 20
_METADATA_ITEMS = 100_000
LONGEST_TEXT = 64


def read_parquet(path: Path, wanted: frozenset[str], tell: Tell = tell_nobody) -> Table:
    """Read a Parquet file's columns as text: numbers in the fewest digits that mean the same, times as ISO 8601.

    Args:
        path: the file.
        wanted: the columns to read, by name; those of another name are not.
        tell: hears how far reading is, in rows.

    Raises:
        MarketDataError: it is damaged, declares more than is read, or a column is of a type that no candle has.
    """
    try:
        with pq.ParquetFile(
            path,
            memory_map=True,
            pre_buffer=False,
            thrift_string_size_limit=_METADATA_BYTES,
            thrift_container_size_limit=_METADATA_ITEMS,
        ) as file:
            _check_declared(path.name, file.metadata)
            given = file.schema_arrow.names
            check_names(given)
            names = all_named(given)
            chosen = {name: own for name, own in zip(names, given, strict=True) if name in wanted}
            columns = _columns(file, chosen, tell)
    except MemoryError as error:
        raise MarketDataError(f"{path.name} needs more memory than reading a file may take.") from error
    except (pa.ArrowException, OSError) as error:
        raise MarketDataError(f"{path.name} is not readable as Parquet: {_short(error)}") from error
    return Table(columns, first_row=1, format="Parquet", names=names)


def parquet_names(path: Path) -> tuple[str, ...]:
    """Return the names of a Parquet file's columns; raises as `read_parquet`."""
    return read_parquet(path, frozenset()).names


def _check_declared(name: str, metadata: pq.FileMetaData) -> None:
    """Refuse what would be too much once unpacked, by the file's own word."""
    if metadata.num_columns > MAX_COLUMNS:
        raise MarketDataError(f"The file has {metadata.num_columns:,} columns; candles have six.")
    check_rows(metadata.num_rows)
    unpacked = sum(metadata.row_group(at).total_byte_size for at in range(metadata.num_row_groups))
    if unpacked > MAX_BYTES:
        raise MarketDataError(f"{name} unpacks to {unpacked:,} bytes; at most {MAX_BYTES:,} are read.")
    if not metadata.num_rows:
        raise MarketDataError(f"{name} has no rows.")


def _columns(file: pq.ParquetFile, chosen: dict[str, str], tell: Tell) -> dict[str, pa.StringArray]:
    """Return columns as text; `chosen` has the file's own name of each by the one that it is called."""
    parts: dict[str, list[pa.StringArray]] = {name: [] for name in chosen}
    n_rows, total = 0, file.metadata.num_rows
    if not chosen:
        return {}
    for batch in file.iter_batches(_ROWS_AT_ONCE, columns=list(chosen.values()), use_threads=False):
        n_rows += len(batch)
        check_rows(n_rows)
        for name, own in chosen.items():
            parts[name].append(_as_text(batch.column(own), name))
        tell("Reading", n_rows, total)
    return {name: pa.concat_arrays(arrays) for name, arrays in parts.items()}


def _as_text(column: pa.Array, name: str) -> pa.StringArray:
    """Return a column's values as a CSV file would have them; a missing one is an empty text."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        column = column.dictionary_decode()
        kind = column.type
    if pa.types.is_timestamp(kind):
        text = _moments(column, kind)
    elif pa.types.is_date(kind):
        text = column.cast(pa.date32()).cast(pa.string())
    elif pa.types.is_string(kind) or pa.types.is_large_string(kind):
        _check_texts(column, name)
        text = pc.utf8_trim_whitespace(column.cast(pa.string()))
    elif pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        text = column.cast(pa.string())
    else:
        raise MarketDataError(f"The column {name!r} holds {kind}; candles are times and numbers.")
    return pc.fill_null(text, "")


def _moments(column: pa.Array, kind: pa.TimestampType) -> pa.StringArray:
    """Return moments as texts, with a Z when they are UTC moments and without when they are a wall clock's."""
    if kind.unit == "ns":
        # Nanoseconds below a microsecond would be lost in silence.
        column = column.cast(pa.timestamp("us", kind.tz))
    text = column.cast(pa.timestamp(column.type.unit)).cast(pa.string())
    return pc.binary_join_element_wise(text, "Z", "") if kind.tz else text


def _check_texts(column: pa.Array, name: str) -> None:
    longest = pc.max(pc.binary_length(column)).as_py() or 0
    if longest > LONGEST_TEXT:
        raise MarketDataError(
            f"The column {name!r} holds a text of {longest:,} bytes; no time and no number is longer."
        )


def _short(error: Exception) -> str:
    return str(error).split("\n", 1)[0][:200].rstrip(".") + "."
