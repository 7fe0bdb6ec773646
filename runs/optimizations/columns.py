"""The trials of an optimization as columns: what its table, charts and exports read instead of rows.

A hundred thousand rows take longer to fetch than to sort, so columns are kept in memory, for the few runs that are
looked at, and grow by what is newer than the last look. Trials are written once; only Retry failed deletes some, which
the number of rows up to the known revision gives away: then the columns are read anew.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from cachetools import LRUCache, cached
from django.db import connection
from django.db.models import BinaryField, F, Func, QuerySet, Value
from numpy.typing import NDArray

from algotrade.metrics.vector import PLACES
from runs.models import Run, Trial
from runs.models.optimization import HEADLINES
from runs.optimizations.plan import key_of

MOST_RUNS = 4
"""Runs whose columns are kept; those looked at last."""
MOST_VALUES = 24
"""Columns of metrics kept for one run; those looked at last."""
ROWS_AT_ONCE = 5_000
"""Rows that exist as Python objects at a time: a hundred thousand would fill caches and wake the garbage collector."""
FLOAT_BYTES = 8
UNDEFINED = np.float64(np.nan).tobytes()
ROW_FIELDS = (*HEADLINES, "duration_ms")
"""Numbers of a trial that have a column in the database; the other metrics are parts of its vector."""


@dataclass(frozen=True, slots=True, eq=False)
class _Base:
    """What every look needs; one entry a trial, in the order of (rev, number)."""

    number: NDArray[np.int64]
    combination: NDArray[np.int64]
    rev: NDArray[np.int64]
    is_failed: NDArray[np.bool_]
    is_eligible: NDArray[np.bool_]
    objective: NDArray[np.float64]

    def joined(self, newer: "_Base") -> "_Base":
        parts = ((getattr(self, one.name), getattr(newer, one.name)) for one in fields(self))
        return _Base(*(np.concatenate(pair) for pair in parts))


@dataclass(frozen=True, slots=True, eq=False)
class TrialColumns:
    """The trials of a run at one moment; never changed, safe to share between threads.

    Attributes:
        n: trials.
        rev: the newest trial's revision; 0 without trials.
        number: from 0, int64[n]; the order of the entries is that of (rev, number).
        combination: index in the optimization's space, int64[n].
        revs: revision that brought each trial, int64[n].
        is_failed, is_eligible: bool[n].
        objective: float64[n], NaN where undefined.
    """

    n: int
    rev: int
    number: NDArray[np.int64]
    combination: NDArray[np.int64]
    revs: NDArray[np.int64]
    is_failed: NDArray[np.bool_]
    is_eligible: NDArray[np.bool_]
    objective: NDArray[np.float64]
    _value: Callable[[str, "TrialColumns"], NDArray[np.float64]]

    def value(self, key: str) -> NDArray[np.float64]:
        """Return a metric by its key, or duration_ms: float64[n], NaN where undefined and where the trial failed.

        Raises:
            KeyError: there is no such metric.
        """
        if key not in ROW_FIELDS and key not in PLACES:
            raise KeyError(key)
        return self._value(key, self)


class _Columns:
    """The columns of one run, as far as they were read; every column has one entry for each trial of the base.

    Metrics are kept in an OrderedDict and no LRUCache. What counts as use of one is that a look wants it, while new
    trials are added to all of them; an LRUCache would take that for use, too, and would make room before all that a
    look wants is there, so that a look at many metrics would forget those it has just read.
    """

    def __init__(self, run_pk: int) -> None:
        self._run_pk = run_pk
        self._lock = threading.Lock()
        self._base, _ = _read(self._rows().none(), ())
        self._values: OrderedDict[str, NDArray[np.float64]] = OrderedDict()

    def look(self, keys: Iterable[str]) -> TrialColumns:
        """Return the trials that there are now, with these metrics at hand."""
        with self._lock:
            known = self._known_rev()
            if self._rows().filter(rev__lte=known).count() != len(self._base.rev):
                self._base, _ = _read(self._rows().none(), ())
                self._values.clear()
                known = 0
            self._grow(known, keys)
            self._complete(keys)
            return TrialColumns(
                n=len(self._base.rev),
                rev=self._known_rev(),
                number=self._base.number,
                combination=self._base.combination,
                revs=self._base.rev,
                is_failed=self._base.is_failed,
                is_eligible=self._base.is_eligible,
                objective=self._base.objective,
                _value=self.value,
            )

    def value(self, key: str, seen: TrialColumns) -> NDArray[np.float64]:
        """Return a metric of the trials that `seen` has, reading what is missing."""
        with self._lock:
            if np.array_equal(self._base.number[: seen.n], seen.number):
                self._complete((key,))
                if key in self._values:
                    return self._values[key][: seen.n]
        # A retry deleted trials after `seen` was taken: what is gone is undefined.
        base, values = _read(self._rows().filter(rev__lte=seen.rev), (key,))
        return _aligned(base.number, values[key], seen.number)

    def _known_rev(self) -> int:
        return int(self._base.rev[-1]) if len(self._base.rev) else 0

    def _grow(self, known: int, keys: Iterable[str]) -> None:
        """Read the newer trials; at the first look the wanted metrics come along, later on those that are kept."""
        along = tuple(self._values) if len(self._base.rev) else tuple(dict.fromkeys(keys))
        base, values = _read(self._rows().filter(rev__gt=known), along)
        if not len(base.rev):
            return
        self._base = self._base.joined(base)
        for key, newer in values.items():
            self._values[key] = np.concatenate([self._values[key], newer]) if key in self._values else newer

    def _complete(self, keys: Iterable[str]) -> None:
        """Read the metrics that are missing, all at once, and forget those that nobody wanted for longest."""
        missing = tuple(key for key in dict.fromkeys(keys) if key not in self._values)
        if missing:
            base, values = _read(self._rows().filter(rev__lte=self._known_rev()), missing)
            if np.array_equal(base.number, self._base.number):
                self._values.update(values)
        for key in keys:
            if key in self._values:
                self._values.move_to_end(key)
        while len(self._values) > MOST_VALUES:
            self._values.popitem(last=False)

    def _rows(self) -> "QuerySet[Trial]":
        return Trial.objects.filter(run_id=self._run_pk).order_by()


@cached(LRUCache[tuple[int, str], _Columns](MOST_RUNS), key=key_of, lock=threading.Lock())
def _columns_of(run: Run) -> _Columns:
    return _Columns(run.pk)


def columns_of(run: Run, keys: Iterable[str] = ()) -> TrialColumns:
    """Return the trials that an optimization has now.

    Args:
        run: the optimization.
        keys: metrics that will be asked for; read together they cost little more than one of them.
    """
    wanted = tuple(key for key in keys if key in PLACES or key in ROW_FIELDS)
    return _columns_of(run).look(wanted)


_BASE_KINDS = {
    "number": np.int64,
    "combination": np.int64,
    "rev": np.int64,
    "is_failed": np.bool_,
    "is_eligible": np.bool_,
    "objective": np.float64,
}


def _read(rows: "QuerySet[Trial]", keys: Sequence[str]) -> tuple[_Base, dict[str, NDArray[np.float64]]]:
    """Return the base of these rows, and metrics by key.

    The query is run without what makes objects of its rows: that would take most of the time.
    """
    parts: list[list[NDArray[Any]]] = [[np.empty(0, kind)] for kind in (*_BASE_KINDS.values(), *(float for _ in keys))]
    if not rows.query.is_empty():
        sql, parameters = rows.values_list(*_BASE_KINDS, *(_stored(key) for key in keys)).query.sql_with_params()
        with connection.cursor() as cursor:
            cursor.execute(sql, parameters)
            while fetched := cursor.fetchmany(ROWS_AT_ONCE):
                columns = list(zip(*fetched, strict=True))
                for part, column, kind in zip(parts, columns, _BASE_KINDS.values(), strict=False):
                    part.append(np.array(column, dtype=kind))
                n_base = len(_BASE_KINDS)
                for part, column, key in zip(parts[n_base:], columns[n_base:], keys, strict=True):
                    part.append(_floats(key, column))
    found = [np.concatenate(part) for part in parts]
    order = np.lexsort((found[0], found[2]))  # by (rev, number); the database would move whole rows to sort them
    found = [column[order] for column in found]
    return _Base(*found[: len(_BASE_KINDS)]), dict(zip(keys, found[len(_BASE_KINDS) :], strict=True))


def _stored(key: str) -> str | Func:
    """Return where a metric is: a column, or 8 bytes of the vector, of which nothing else leaves the database."""
    if key in ROW_FIELDS:
        return key
    first = Value(PLACES[key] * FLOAT_BYTES + 1)
    return Func(F("metrics"), first, Value(FLOAT_BYTES), function="SUBSTR", output_field=BinaryField())


def _floats(key: str, column: Sequence[Any]) -> NDArray[np.float64]:
    if key in ROW_FIELDS:
        return np.array(column, dtype=np.float64)
    return np.frombuffer(b"".join(value or UNDEFINED for value in column), dtype=np.float64)


def _aligned(numbers: NDArray[np.int64], values: NDArray[np.float64], wanted: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the value of each wanted number; NaN where there is none."""
    if not len(numbers):
        return np.full(len(wanted), np.nan)
    order = np.argsort(numbers)
    places = order[np.minimum(np.searchsorted(numbers, wanted, sorter=order), len(numbers) - 1)]
    return np.where(numbers[places] == wanted, values[places], np.nan)
