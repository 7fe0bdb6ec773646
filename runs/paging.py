"""One page of a table: which rows it shows, and of how many."""

import math
from dataclasses import dataclass
from typing import Generic, Self, TypeVar

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class PageNumbers:
    """Where a page lies in a table; a number beyond either end is the end.

    Attributes:
        number: page, from 1.
        n_pages: pages there are, at least 1.
        n_rows: rows of the whole table.
        size: rows of a full page.
    """

    number: int
    n_pages: int
    n_rows: int
    size: int

    @classmethod
    def of(cls, asked: int, n_rows: int, size: int) -> Self:
        """Return the page that is asked for, of a table of `n_rows` rows."""
        n_pages = max(1, math.ceil(n_rows / size))
        return cls(min(max(1, asked), n_pages), n_pages, n_rows, size)

    @property
    def rows_shown(self) -> slice:
        """Which rows of the whole table the page shows, from 0."""
        first = (self.number - 1) * self.size
        return slice(first, min(first + self.size, self.n_rows))


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """A slice of a table.

    Attributes:
        rows: what is shown.
        at: where it lies.
    """

    rows: list[Row]
    at: PageNumbers

    @property
    def number(self) -> int:
        """Number of the page, from 1."""
        return self.at.number

    @property
    def n_pages(self) -> int:
        """How many pages there are, at least 1."""
        return self.at.n_pages

    @property
    def n_rows(self) -> int:
        """How many rows the whole table has."""
        return self.at.n_rows

    @property
    def first(self) -> int:
        """Number of the first shown row, from 1; 0 when none is shown."""
        return self.at.rows_shown.start + 1 if self.rows else 0

    @property
    def last(self) -> int:
        """Number of the last shown row; 0 when none is shown."""
        return self.first + len(self.rows) - 1 if self.rows else 0
