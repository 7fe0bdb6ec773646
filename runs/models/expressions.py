"""Expressions that a database computes of moments."""

from typing import Any

from django.db import models


class SecondsBetween(models.Func):
    """Seconds from one moment to another; NULL unless both are known. SQLite counts whole milliseconds.

    Django's own difference of two moments is a function of Python in SQLite, called for every row: for a list of
    thousands that takes longer than all the rest. A generated column would be none the better there: SQLite reads whole
    rows for it, whatever an index holds.
    """

    arity = 2
    output_field = models.FloatField()

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> tuple[str, Any]:
        """Write it for PostgreSQL."""
        return self._difference().as_sql(
            compiler, connection, template="EXTRACT(EPOCH FROM %(expressions)s)", arg_joiner=" - ", **context
        )

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> tuple[str, Any]:
        """Write it for SQLite; rounded, so that what took equally long is equal, on whichever day it was."""
        return self._difference("JULIANDAY").as_sql(
            compiler, connection, template="ROUND((%(expressions)s) * 86400, 3)", arg_joiner=" - ", **context
        )

    def _difference(self, function: str = "") -> "SecondsBetween":
        """Return a copy whose expressions are the later moment and the earlier one, each passed to `function`."""
        copy = self.copy()
        moments = reversed(self.get_source_expressions())
        copy.set_source_expressions([models.Func(one, function=function) if function else one for one in moments])
        return copy
