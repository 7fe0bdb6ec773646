"""A vendor's answers in files: a download that was interrupted asks for none of them again.

A file is named by what was asked and holds what was answered, whole or not at all. So two processes that go on with
one download write the same files, and it does not matter which of them is quicker or which one is killed.
"""

from pathlib import Path

import numpy as np

from algotrade.durable import write_aside
from algotrade.market.vendors.vendor import COLUMNS, Rows


class Pages:
    """The answers that one download got."""

    def __init__(self, folder: Path) -> None:
        """Keep them in `folder`, which is made when the first one comes."""
        self._folder = folder

    def get(self, kind: str, since_ns: int, limit: int) -> Rows | None:
        """Return the answer to a question, or None when it was never answered, or the file is damaged."""
        path = self._path(kind, since_ns, limit)
        try:
            rows = np.load(path, allow_pickle=False)
        except (OSError, ValueError, EOFError):
            return None
        is_whole = rows.dtype == np.float64 and rows.ndim == 2 and rows.shape[1] == COLUMNS
        return rows if is_whole else None

    def put(self, kind: str, since_ns: int, limit: int, rows: Rows) -> None:
        """Keep an answer, safe against a power cut.

        Raises:
            OSError: the disk is full or not writable.
        """
        path = self._path(kind, since_ns, limit)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_aside(path, lambda file: np.save(file, rows, allow_pickle=False))

    def _path(self, kind: str, since_ns: int, limit: int) -> Path:
        return self._folder / f"{kind}-{since_ns // 1_000_000}-{limit}.npy"
