"""Rules between parameters, such as ``fast < slow``: small expressions, parsed here and never run as Python."""

import ast
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from algotrade.strategies.parsing import parse

MAX_LENGTH = 200
"""Longest rule, in characters: nobody writes more by hand, and a parser need not meet it."""

_COMPARE: dict[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
_ARITHMETIC: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}
_ALLOWED = "names of parameters, numbers, texts in quotes, + - * / // %, comparisons, and, or, not"


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule, checked and ready to be asked.

    Attributes:
        text: the rule as it was written.
        tree: its checked syntax tree.
        names: the parameters it speaks of.
    """

    text: str
    tree: ast.expr
    names: frozenset[str]

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a rule.

        Raises:
            ValueError: it is no expression, too long, or uses more than is allowed; the message says what is.
        """
        if not isinstance(text, str) or len(text) > MAX_LENGTH:  # type: ignore[redundant-expr] # an author may write 5
            raise ValueError(f"A rule is a text of at most {MAX_LENGTH} characters, such as 'fast < slow'.")
        try:
            tree = parse(text.strip(), "eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            raise ValueError(f"The rule {text!r} is not an expression such as 'fast < slow'.") from error
        names: set[str] = set()
        _check(tree, text, names)
        if not isinstance(tree, ast.Compare | ast.BoolOp) and not (
            isinstance(tree, ast.UnaryOp) and isinstance(tree.op, ast.Not)
        ):
            raise ValueError(f"The rule {text!r} makes no comparison; write for example 'fast < slow'.")
        return cls(text.strip(), tree, frozenset(names))

    def holds(self, values: Mapping[str, int | float | bool | str]) -> bool:
        """Tell whether the rule is true for these parameter values.

        Raises:
            ValueError: a name is no parameter, or the values cannot be compared or computed with.
        """
        try:
            return bool(_evaluate(self.tree, values))
        except KeyError as error:
            raise ValueError(f"The rule {self.text!r} names {error.args[0]!r}, which is not a parameter.") from error
        except (TypeError, ZeroDivisionError, OverflowError) as error:
            raise ValueError(f"The rule {self.text!r} cannot be evaluated for {dict(values)}: {error}.") from error

    def mask(self, columns: Mapping[str, NDArray[Any]], *, is_lenient: bool = False) -> NDArray[np.bool_]:
        """Tell for many sets of values at once where the rule is true.

        Args:
            columns: values by name, of shapes that broadcast; numbers are compared as float64, which is exact for the
                numbers that parameters may be.
            is_lenient: whether what cannot be computed, such as 1 / 0, is as float64 has it (infinite or NaN, which
                is neither larger nor smaller than anything) instead of an error.

        Raises:
            ValueError: as for `holds`.
        """
        values = {
            name: column if column.dtype.kind == "U" else column.astype(float) for name, column in columns.items()
        }
        try:
            with np.errstate(all="ignore" if is_lenient else "raise", under="ignore"):
                return np.asarray(_evaluate_all(self.tree, values), dtype=np.bool_)
        except KeyError as error:
            raise ValueError(f"The rule {self.text!r} names {error.args[0]!r}, which is not a parameter.") from error
        except (TypeError, ArithmeticError) as error:
            raise ValueError(f"The rule {self.text!r} cannot be evaluated for every combination: {error}.") from error


def _check(node: ast.expr, text: str, names: set[str]) -> None:
    match node:
        case ast.Name(id=name):
            names.add(name)
        case ast.Constant(value=bool() | int() | float() | str()):
            return
        case ast.Compare(left=left, ops=ops, comparators=right) if all(type(op) in _COMPARE for op in ops):
            for part in (left, *right):
                _check(part, text, names)
        case ast.BoolOp(values=parts):
            for part in parts:
                _check(part, text, names)
        case ast.UnaryOp(op=ast.Not() | ast.USub(), operand=operand):
            _check(operand, text, names)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _ARITHMETIC:
            _check(left, text, names)
            _check(right, text, names)
        case _:
            raise ValueError(f"The rule {text!r} may use only {_ALLOWED}.")


def _evaluate(node: ast.expr, values: Mapping[str, Any]) -> Any:
    match node:
        case ast.Name(id=name):
            return values[name]
        case ast.Constant(value=value):
            return value
        case ast.Compare(left=left, ops=ops, comparators=comparators):
            here = _evaluate(left, values)
            for op, comparator in zip(ops, comparators, strict=True):
                there = _evaluate(comparator, values)
                if not _COMPARE[type(op)](here, there):
                    return False
                here = there
            return True
        case ast.BoolOp(op=ast.And(), values=parts):
            return all(_evaluate(part, values) for part in parts)
        case ast.BoolOp(values=parts):
            return any(_evaluate(part, values) for part in parts)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return not _evaluate(operand, values)
        case ast.UnaryOp(operand=operand):
            return -_evaluate(operand, values)
        case ast.BinOp(left=left, op=op, right=right):
            operands = (_evaluate(left, values), _evaluate(right, values))
            if any(isinstance(operand, str) for operand in operands):
                raise TypeError("texts can be compared but not computed with")  # 'x' * 10**9 would eat the memory
            return _ARITHMETIC[type(op)](*operands)
    raise AssertionError(f"unchecked node {ast.dump(node)}")


def _evaluate_all(node: ast.expr, values: Mapping[str, Any]) -> Any:
    """Return what `_evaluate` does, for arrays."""
    match node:
        case ast.Compare(left=left, ops=ops, comparators=comparators):
            terms = [_evaluate_all(part, values) for part in (left, *comparators)]
            pairs = zip(ops, terms, terms[1:], strict=False)
            return reduce(np.logical_and, (_COMPARE[type(op)](here, there) for op, here, there in pairs))
        case ast.BoolOp(op=op, values=parts):
            join = np.logical_and if isinstance(op, ast.And) else np.logical_or
            return reduce(join, (_evaluate_all(part, values) for part in parts))
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return np.logical_not(_evaluate_all(operand, values))
        case ast.UnaryOp(operand=operand):
            return np.negative(_evaluate_all(operand, values))
        case ast.BinOp(left=left, op=operation, right=right):
            operands = [np.asarray(_evaluate_all(part, values)) for part in (left, right)]
            if any(operand.dtype.kind == "U" for operand in operands):
                raise TypeError("texts can be compared but not computed with")
            return _ARITHMETIC[type(operation)](*(operand.astype(float) for operand in operands))
    return _evaluate(node, values)
