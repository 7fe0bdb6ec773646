"""Versions of a dataset: how two of them differ, bar by bar."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from algotrade.market.bars import COLUMNS, Bars


@dataclass(frozen=True, slots=True)
class Changes:
    """What a version did to the one before it.

    Attributes:
        n_added: bars of times that had none.
        n_removed: bars of times that have none any more.
        n_changed: bars of the same time with another value.
    """

    n_added: int
    n_removed: int
    n_changed: int

    @property
    def summary(self) -> str:
        """For people: 12 bars changed, 3 added, 0 removed."""
        bars = "bar" if self.n_changed == 1 else "bars"
        return f"{self.n_changed:,} {bars} changed, {self.n_added:,} added, {self.n_removed:,} removed"


@dataclass(frozen=True, slots=True)
class History:
    """Where a version comes from.

    Attributes:
        stored_ns: UTC ns, when it was stored; 0 for one that is older than this record.
        previous: the version that it replaced as the newest; empty for the first.
        changes: what it did to that one.
        derived_from: key of the dataset that it was resampled from; empty when it was not.
        derived_version: the version of that one.
    """

    stored_ns: int = 0
    previous: str = ""
    changes: Changes | None = None
    derived_from: str = ""
    derived_version: str = ""

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "History":
        """Build it from what `dataclasses.asdict` made."""
        changes = data.get("changes")
        return cls(**{**data, "changes": Changes(**changes) if changes else None})


NO_HISTORY = History()


def compare(old: Bars, new: Bars) -> Changes:
    """Return what `new` does to `old`."""
    _, at_old, at_new = np.intersect1d(old.time, new.time, assume_unique=True, return_indices=True)
    differs = np.zeros(len(at_old), bool)
    for name in COLUMNS:
        differs |= getattr(old, name)[at_old] != getattr(new, name)[at_new]
    return Changes(
        n_added=len(new) - len(at_new), n_removed=len(old) - len(at_old), n_changed=int(np.count_nonzero(differs))
    )
