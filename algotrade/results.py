"""Results: the arrays that a backtest leaves behind, and how they lie on disk.

A result is raw. Metrics, tables and charts are computed from it by higher layers, so a new metric needs no new run. On
disk it is one `.npy` file per array and `meta.json`, written last: a folder without it is a write that never ended.
Arrays come back memory-mapped and are never unpickled, so a report of half a million bars opens in milliseconds and a
forged file can run nothing.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from algotrade.errors import AlgotradeError
from algotrade.records import FILL, ORDER, TRADE, Reason

VERSION = 1
"""Version of the folder's layout; a folder of another version is refused, not guessed at."""

META_FILE = "meta.json"
META_BYTES = 64 * 1024
"""No `meta.json` of ours comes near this; a larger one is damage and is not read."""

COLUMNS: dict[str, np.dtype[Any]] = {
    "time": np.dtype(np.int64),
    "close": np.dtype(np.float64),
    "equity": np.dtype(np.float64),
    "orders": ORDER,
    "fills": FILL,
    "trades": TRADE,
}
"""Arrays of a result by field name, with their dtypes; each is the file `<name>.npy`."""

PER_BAR = ("time", "close", "equity")

MOST_INDICATORS = 10
"""Indicators that a folder keeps, the first ones; a strategy may compute hundreds, and no chart shows them."""


class ResultError(AlgotradeError):
    """A result's arrays do not fit together, or its files are missing or damaged; the message names which."""


@dataclass(frozen=True, slots=True, eq=False)
class BacktestResult:
    """Everything a backtest recorded, over the bars of its range. Bar indices count from the range's first bar.

    The arrays are exposed as read-only views.

    Attributes:
        time: int64[n_bars], UTC ns, each bar's open, strictly increasing; n_bars >= 1.
        close: float64[n_bars], quote currency per unit.
        equity: float64[n_bars], account currency, marked at each bar's close; the last includes a close at the end.
        orders: ORDER[n_orders], in the order they were given.
        fills: FILL[n_fills], in the order they happened.
        trades: TRADE[n_trades], closed ones in exit order, then the open one, if any, marked at the last close.
        cash: account currency after the last bar.
        position: units of the asset after the last bar, signed.
        commissions: account currency, everything paid, the open trade's entry included.
        charges: account currency by the name of the Charge, everything that was charged by the time.
        ruined_bar: bar at which the account was liquidated and the run ended, or None.
        indicators: float64[n_bars] by name, as the strategy saw them; NaN where one is not ready.

    Raises:
        ResultError: an array has another dtype or shape than said here, or there is no bar.
    """

    time: NDArray[np.int64]
    close: NDArray[np.float64]
    equity: NDArray[np.float64]
    orders: NDArray[np.void]
    fills: NDArray[np.void]
    trades: NDArray[np.void]
    cash: float
    position: float
    commissions: float
    charges: Mapping[str, float] = field(default_factory=dict)
    ruined_bar: int | None = None
    indicators: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, dtype in COLUMNS.items():
            column = getattr(self, name)
            if column.ndim != 1 or column.dtype != dtype:
                found = f"{_describe(column.dtype)} of shape {column.shape}"
                raise ResultError(f"{name} must be a 1-D array of {_describe(dtype)}, not {found}.")
            # The view restores the record's alignment flag, which a .npy file does not keep and compiled code asks for.
            view = np.ascontiguousarray(column).view(dtype)
            view.flags.writeable = False
            object.__setattr__(self, name, view)
        lengths = {name: len(getattr(self, name)) for name in PER_BAR}
        if len(set(lengths.values())) != 1 or not len(self.time):
            raise ResultError(f"time, close and equity need one value per bar and at least one bar, not {lengths}.")

    @property
    def n_bars(self) -> int:
        """Bars of the run's range."""
        return len(self.time)

    @property
    def initial_cash(self) -> float:
        """Account currency before the first bar: its equity less what the fills in it made or cost.

        Exact when orders fill at the next open, because then no fill can be in the first bar.
        """
        fills = self.fills[: int(np.searchsorted(self.fills["bar"], 0, side="right"))]
        gains = fills["qty"] * (self.close[0] - fills["price"]) - fills["commission"]
        return float(self.equity[0]) - math.fsum(gains.tolist())

    @property
    def n_closed_trades(self) -> int:
        """Trades that have ended."""
        return len(self.trades) - self.has_open_trade

    @property
    def has_open_trade(self) -> bool:
        """Whether the last trade was still open after the last bar."""
        return len(self.trades) > 0 and int(self.trades[-1]["exit_reason"]) == Reason.NONE

    @property
    def closed_trades(self) -> NDArray[np.void]:
        """TRADE[n_closed_trades], in exit order."""
        return self.trades[: self.n_closed_trades]

    @property
    def average_held_seconds(self) -> float | None:
        """Mean seconds between the open times of a closed trade's two bars, nights and weekends too; None: none."""
        trades = self.closed_trades
        if not len(trades):
            return None
        return float((self.time[trades["exit_bar"]] - self.time[trades["entry_bar"]]).mean()) / 1e9

    def save(self, folder: Path) -> None:
        """Write the result into an existing, empty folder; the caller makes it durable and moves it into place.

        Args:
            folder: where the files go.

        Raises:
            OSError: the folder cannot be written.
        """
        for name in COLUMNS:
            np.save(folder / f"{name}.npy", getattr(self, name), allow_pickle=False)
        kept = dict(list(self.indicators.items())[:MOST_INDICATORS])
        for number, values in enumerate(kept.values()):
            np.save(folder / _indicator_file(number), values, allow_pickle=False)
        meta = {
            "version": VERSION,
            "rows": {name: len(getattr(self, name)) for name in COLUMNS},
            "cash": self.cash,
            "position": self.position,
            "commissions": self.commissions,
            "charges": dict(self.charges),
            "ruined_bar": self.ruined_bar,
            "indicators": list(kept),
        }
        (folder / META_FILE).write_text(json.dumps(meta, indent=1, allow_nan=False), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Open a saved result; its arrays are read-only memory maps.

        Args:
            folder: a folder that `save` wrote.

        Raises:
            ResultError: a file is missing, damaged, of another version, or does not fit the others.
        """
        meta = _read_meta(folder / META_FILE)
        if meta.get("version") != VERSION:
            raise ResultError(f"{META_FILE} of {folder.name} has version {meta.get('version')!r}, not {VERSION}.")
        try:
            rows = meta["rows"]
            arrays = {name: _read_array(folder / f"{name}.npy", dtype, rows[name]) for name, dtype in COLUMNS.items()}
            ruined = meta["ruined_bar"]
            names = [str(name) for name in meta.get("indicators", [])]  # older folders have none, nor charges
            files = [folder / _indicator_file(number) for number in range(len(names))]
            indicators = {
                name: _read_array(file, COLUMNS["close"], rows["close"])
                for name, file in zip(names, files, strict=True)
            }
            return cls(
                **arrays,
                cash=float(meta["cash"]),
                position=float(meta["position"]),
                commissions=float(meta["commissions"]),
                charges={str(name): float(total) for name, total in meta.get("charges", {}).items()},
                ruined_bar=None if ruined is None else int(ruined),
                indicators=indicators,
            )
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ResultError(f"{META_FILE} of {folder.name} is damaged: {type(error).__name__} {error}.") from error


def _indicator_file(number: int) -> str:
    """Return the file of an indicator: a number, because a file system may not tell `Fast` from `fast`."""
    return f"indicator-{number}.npy"


def _read_meta(path: Path) -> dict[str, Any]:
    """Return the parsed `meta.json`."""
    try:
        with path.open("rb") as file:
            text = file.read(META_BYTES + 1)
    except FileNotFoundError:
        raise ResultError(f"{path.name} of {path.parent.name} is missing: there is no complete result.") from None
    try:
        if len(text) > META_BYTES:
            raise ValueError(f"longer than {META_BYTES:,} bytes")
        meta = json.loads(text)
    except (ValueError, RecursionError) as error:  # ValueError covers bad UTF-8 and bad JSON
        raise ResultError(f"{path.name} of {path.parent.name} is damaged: {error}.") from error
    if not isinstance(meta, dict):
        raise ResultError(f"{path.name} of {path.parent.name} is damaged: not an object.")
    return meta


def _read_array(path: Path, dtype: np.dtype[Any], rows: int) -> NDArray[Any]:
    """Return a file's memory-mapped array after checking that it is the one that was written."""
    try:
        array: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError:
        raise ResultError(f"{path.name} of {path.parent.name} is missing.") from None
    except (ValueError, EOFError, OSError) as error:
        raise ResultError(f"{path.name} of {path.parent.name} is damaged: {error}.") from error
    if array.dtype != dtype or array.shape != (rows,):
        raise ResultError(
            f"{path.name} of {path.parent.name} is damaged: it holds {_describe(array.dtype)} of shape {array.shape}, "
            f"not {rows} rows of {_describe(dtype)}."
        )
    return array


def _describe(dtype: np.dtype[Any]) -> str:
    """Return a dtype's name, short for records."""
    return f"records with {len(dtype.names)} fields" if dtype.names else str(dtype)
