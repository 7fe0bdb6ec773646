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
from django.db import connection
from django.db.models import BinaryField, F, Func, QuerySet, Value
from numpy.typing import NDArray

from algotrade.metrics.vector import PLACES
from runs.models import Run, Trial
from runs.models.search import HEADLINES

MOST_RUNS = 4
"""Runs whose columns are kept; those looked at last."""
MOST_VALUES = 24
"""Columns of metrics kept for one run; those looked at last."""
FLOAT_BYTES = 8
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
        combination: index in the search's space, int64[n].
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
    """The columns of one run, as far as they were read."""

    def __init__(self, run_pk: int) -> None:
        self._run_pk = run_pk
        self._lock = threading.Lock()
        self._base = _read_base(self._rows().none())
        self._values: OrderedDict[str, tuple[NDArray[np.int64], NDArray[np.float64]]] = OrderedDict()

    def look(self) -> TrialColumns:
        """Return the trials that there are now."""
        with self._lock:
            base = self._base
            known = int(base.rev[-1]) if len(base.rev) else 0
            if self._rows().filter(rev__lte=known).count() != len(base.rev):
                self._values.clear()
                base, known = _read_base(self._rows().none()), 0
            newer = _read_base(self._rows().filter(rev__gt=known))
            self._base = base = base.joined(newer) if len(newer.rev) else base
        rev = int(base.rev[-1]) if len(base.rev) else 0
        return TrialColumns(
            n=len(base.rev),
            rev=rev,
            number=base.number,
            combination=base.combination,
            revs=base.rev,
            is_failed=base.is_failed,
            is_eligible=base.is_eligible,
            objective=base.objective,
            _value=self.value,
        )

    def value(self, key: str, seen: TrialColumns) -> NDArray[np.float64]:
        """Return a metric of the trials that `seen` has, reading what is missing."""
        with self._lock:
            numbers, values = self._values.get(key, (np.empty(0, np.int64), np.empty(0)))
            n_known = len(numbers)
            if n_known < seen.n and np.array_equal(numbers, seen.number[:n_known]):
                after = int(seen.revs[n_known - 1]) if n_known else 0
                new_numbers, new_values = _read_value(self._rows().filter(rev__gt=after, rev__lte=seen.rev), key)
                numbers, values = np.concatenate([numbers, new_numbers]), np.concatenate([values, new_values])
                self._values[key] = numbers, values
            if key in self._values:
                self._values.move_to_end(key)
            while len(self._values) > MOST_VALUES:
                self._values.popitem(last=False)
        if len(numbers) >= seen.n and np.array_equal(numbers[: seen.n], seen.number):
            return values[: seen.n]
        # Trials were deleted since `seen` was taken, or another thread began anew: what is gone is undefined.
        numbers, values = _read_value(self._rows().filter(rev__lte=seen.rev), key)
        return _aligned(numbers, values, seen.number)

    def _rows(self) -> "QuerySet[Trial]":
        return Trial.objects.filter(run_id=self._run_pk).order_by("rev", "number")


_known: OrderedDict[tuple[int, str], _Columns] = OrderedDict()
_lock = threading.Lock()


def columns_of(run: Run) -> TrialColumns:
    """Return the trials that an optimization has now."""
    key = (run.pk, str(run.id))  # numbers come back when tests empty the tables
    with _lock:
        columns = _known.setdefault(key, _Columns(run.pk))
        _known.move_to_end(key)
        while len(_known) > MOST_RUNS:
            _known.popitem(last=False)
    return columns.look()


def _read_base(rows: "QuerySet[Trial]") -> _Base:
    names = ("number", "combination", "rev", "is_failed", "is_eligible", "objective")
    kinds = (np.int64, np.int64, np.int64, np.bool_, np.bool_, np.float64)
    columns = _fetch(rows.values_list(*names), len(names))
    return _Base(*(np.array(column, dtype=kind) for column, kind in zip(columns, kinds, strict=True)))


def _read_value(rows: "QuerySet[Trial]", key: str) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return numbers and values of a metric; of a vector only its 8 bytes leave the database."""
    if key in ROW_FIELDS:
        numbers, values = _fetch(rows.values_list("number", key), 2)
        found = np.array(values, dtype=np.float64)
    else:
        first = Value(PLACES[key] * FLOAT_BYTES + 1)
        part = Func(F("metrics"), first, Value(FLOAT_BYTES), function="SUBSTR", output_field=BinaryField())
        numbers, values = _fetch(rows.values_list("number", part), 2)
        undefined = np.float64(np.nan).tobytes()
        found = np.frombuffer(b"".join(undefined if value is None else value for value in values), dtype=np.float64)
    return np.array(numbers, dtype=np.int64), found


def _fetch(rows: "QuerySet[Trial, Any]", n_columns: int) -> Iterable[Sequence[Any]]:
    """Return the columns of a query, fetched without what makes objects of rows: that would take most of the time."""
    if rows.query.is_empty():
        return [()] * n_columns
    sql, parameters = rows.query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        found = cursor.fetchall()
    return list(zip(*found, strict=True)) or [()] * n_columns


def _aligned(numbers: NDArray[np.int64], values: NDArray[np.float64], wanted: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the value of each wanted number; NaN where there is none."""
    if not len(numbers):
        return np.full(len(wanted), np.nan)
    order = np.argsort(numbers)
    places = order[np.minimum(np.searchsorted(numbers, wanted, sorter=order), len(numbers) - 1)]
    return np.where(numbers[places] == wanted, values[places], np.nan)
