"""Views of arrays for the loop: the past up to a bar, and a row, without checks that cannot fail there.

Interpreted these are a slice and an index. Compiled, a slice is first fitted to its array, and an index that might be
negative is first counted from the end: together half of the instructions of a bar. The loop checks once, before its
first bar, what these then rely on. What a strategy does with a view of the past is checked as always.
"""

from typing import Any

from numba import types
from numba.core import cgutils
from numba.core.imputils import impl_ret_borrowed
from numba.extending import intrinsic


def past(column: Any, count: int) -> Any:
    """Return the first `count` values of a column, float64[n_bars], as a view; 0 <= count <= n_bars."""
    return column[:count]


def past_of(table: Any, count: int) -> Any:
    """Return a namedtuple of columns with the past of each one; compiled, it is spelled out column by column."""
    return table._make([column[:count] for column in table])


def row(index: int) -> Any:
    """Return an index >= 0 as one that cannot be negative; a negative one is out of every bounds."""
    return index


@intrinsic
def _past(_typing: Any, column: Any, _count: Any) -> Any:
    """Return the column with another shape: what `past` does, in machine code."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        view = context.make_array(signature.args[0])(context, builder, arguments[0])
        view.shape = cgutils.pack_array(builder, [arguments[1]])
        view.nitems = arguments[1]
        return impl_ret_borrowed(context, builder, signature.return_type, view._getvalue())

    return column(column, types.intp), generate


@intrinsic
def _row(_typing: Any, _index: Any) -> Any:
    """Return the index as an unsigned number: what `row` does, in machine code."""
    return types.uint64(types.int64), lambda _context, _builder, _signature, arguments: arguments[0]


COMPILED = {"past": _past, "row": _row}
"""What stands for these in compiled code. They are no overloads, which may not return a view of their own making."""
