"""Numbers as files write them: with a decimal point, or with the decimal comma of half the world."""

from collections.abc import Iterable

import pyarrow as pa
import pyarrow.compute as pc

_COMMA_NUMBER = r"^[+-]?([0-9]{1,3}(\.[0-9]{3})+|[0-9]+)(,[0-9]+)?([eE][+-]?[0-9]+)?$"
_WITH_COMMA = r"^[+-]?([0-9]{1,3}(\.[0-9]{3})+|[0-9]+),[0-9]+([eE][+-]?[0-9]+)?$"
_THOUSANDS = r"^[+-]?[1-9][0-9]{0,2}[.,][0-9]{3}$"
COMMAS_PER_POINT = 9
"""How many times rarer a point may be than a comma: then it is a fault here and there, and not what the file uses. One
that may set off thousands, as in 1.397, need only not be the rule."""


def is_number(text: str) -> bool:
    """Whether a text is a number, with a point or a comma before its decimals."""
    try:
        float(text.replace(",", ".", 1))
    except ValueError:
        return False
    return True


def has_decimal_comma(columns: Iterable[pa.StringArray], *, is_comma_separated: bool) -> bool:
    """Whether prices are written with a comma before their decimals, as in 97,31 or 1.397,31.

    Where the file's columns are separated by commas as well, 1,397 may be thirteen hundred and more: such a file must
    show a comma that cannot set off thousands.

    Args:
        columns: the texts of the prices.
        is_comma_separated: whether a comma separates columns.
    """
    n_commas = n_certain = n_against = 0
    for column in columns:
        has_comma = pc.match_substring(column, ",")
        points = column.filter(pc.and_not(pc.match_substring(column, "."), has_comma))
        n_thousands = _count(points, _THOUSANDS)
        n_against += n_thousands + COMMAS_PER_POINT * (len(points) - n_thousands)
        written = column.filter(has_comma)
        if len(written):
            numbers = written.filter(pc.match_substring_regex(written, _WITH_COMMA))
            n_commas += len(numbers)
            n_certain += len(numbers) - _count(numbers, _THOUSANDS)
    return n_commas > 0 and n_commas >= n_against and (n_certain > 0 or not is_comma_separated)


def _count(texts: pa.StringArray, pattern: str) -> int:
    return int(pc.sum(pc.match_substring_regex(texts, pattern)).as_py() or 0)


def with_point(column: pa.StringArray) -> pa.StringArray:
    """Return numbers of a file with decimal commas as programs write them; what is none becomes an empty text."""
    is_good = pc.match_substring_regex(column, _COMMA_NUMBER)
    plain = pc.replace_substring(pc.replace_substring(column, ".", ""), ",", ".")
    return pc.if_else(is_good, plain, "")
