"""What is checked of a strategy before it runs: no look-ahead, and nothing that means something else when compiled."""

import ast
import inspect
import textwrap
from types import FunctionType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from algotrade.errors import StrategyError
from algotrade.market.bars import Bars

PREFIX_BARS = 4_000
"""Bars on which indicators are recomputed to find look-ahead: enough for any usual length, and a matter of
milliseconds."""

_UNSAFE = {
    "int": "int() of NaN is garbage when compiled",
    "sqrt": "the root of a negative number is NaN when compiled",
    "log": "the logarithm of a number that is not above 0 is NaN or -inf when compiled",
    "log2": "the logarithm of a number that is not above 0 is NaN or -inf when compiled",
    "log10": "the logarithm of a number that is not above 0 is NaN or -inf when compiled",
    "log1p": "the logarithm of a number that is not above 0 is NaN or -inf when compiled",
    "exp": "exp overflows to infinity when compiled, and rounds differently",
    "expm1": "expm1 overflows to infinity when compiled, and rounds differently",
    "pow": "pow rounds differently when compiled",
}


def indicator_matrix(instance: Any, bars: Bars) -> tuple[tuple[str, ...], NDArray[np.float64]]:
    """Return the names and values, float64[n_indicators, n_bars], of a strategy's indicators.

    Raises:
        StrategyError: `indicators` returned something else than float arrays of one value per bar.
    """
    found = instance.indicators(bars)
    name = type(instance).__name__
    if not isinstance(found, dict):
        raise StrategyError(f"{name}.indicators must return a dict of arrays, not {type(found).__name__}.")
    matrix = np.empty((len(found), len(bars)))
    for row, (key, values) in enumerate(found.items()):
        if not (isinstance(key, str) and key.isidentifier() and not key.startswith("_")):
            raise StrategyError(f"{name}.indicators: {key!r} is no name that on_bar could use (ind.name).")
        array = np.asarray(values)
        if array.shape != (len(bars),) or array.dtype.kind not in "fiub":
            raise StrategyError(
                f"{name}.indicators: {key!r} must be float64[{len(bars)}], one value per bar; it is {array.dtype} of "
                f"shape {array.shape}."
            )
        matrix[row] = array
    matrix.flags.writeable = False
    return tuple(found), matrix


def check_prefixes(instance: Any, bars: Bars, names: tuple[str, ...], matrix: NDArray[np.float64]) -> None:
    """Recompute indicators without the last bars, and compare: a value that changes had looked ahead.

    Raises:
        StrategyError: it names the indicator and the bar.
    """
    n_bars = min(len(bars), PREFIX_BARS)
    for length in sorted({n_bars - 1, n_bars * 2 // 3, n_bars // 3}):
        if length < 1 or not names:
            continue
        with np.errstate(all="ignore"):
            again_names, again = indicator_matrix(instance, bars.slice(0, length))
        if again_names != names:
            raise StrategyError(
                f"{type(instance).__name__}.indicators returns other names for fewer bars: {again_names}."
            )
        whole = matrix[:, :length]
        same = np.isclose(whole, again, rtol=1e-9, atol=1e-12, equal_nan=True)
        if not same.all():
            row, bar = (int(index[0]) for index in np.nonzero(~same))
            raise StrategyError(
                f"The indicator {names[row]!r} of {type(instance).__name__} looks ahead: its value at bar {bar} is "
                f"{whole[row, bar]:g} with all bars and {again[row, bar]:g} when only the first {length:,} are known."
            )


def check_on_bar(on_bar: FunctionType) -> None:
    """Refuse what means something else compiled than as Python, in a compiled `on_bar`.

    A call stands when it is guarded: inside an `if`, a conditional expression, or around abs() or max().

    Raises:
        StrategyError: it names the line and says what to do.
    """
    lines, start = inspect.getsourcelines(on_bar)
    tree = ast.parse(textwrap.dedent("".join(lines)))
    file = inspect.getsourcefile(on_bar) or ""
    _Unsafe(file.rsplit("/", 1)[-1], start).visit(tree)


class _Unsafe(ast.NodeVisitor):
    """Finds unguarded calls whose compiled form does not raise, or rounds differently."""

    def __init__(self, file: str, start: int) -> None:
        self._file, self._start = file, start
        self._depth = 0

    def visit_If(self, node: ast.If) -> None:
        self.visit(node.test)
        self._depth += 1
        for child in (*node.body, *node.orelse):
            self.visit(child)
        self._depth -= 1

    def visit_IfExp(self, node: ast.IfExp) -> None:
        self._depth += 1
        self.generic_visit(node)
        self._depth -= 1

    def visit_Call(self, node: ast.Call) -> None:
        function = node.func
        name = (
            function.id
            if isinstance(function, ast.Name)
            else function.attr
            if isinstance(function, ast.Attribute)
            else ""
        )
        if name in _UNSAFE and not self._depth and not _is_guarded(node):
            self._refuse(node, f"{name}(): {_UNSAFE[name]}")
        self.generic_visit(node)

    def visit_BinOp(self, node: ast.BinOp) -> None:
        if isinstance(node.op, ast.Pow) and not _is_small_power(node.right) and not self._depth:
            self._refuse(node, "**: it rounds differently when compiled, and does not raise")
        self.generic_visit(node)

    def _refuse(self, node: ast.expr, reason: str) -> None:
        raise StrategyError(
            f"{self._file}, line {self._start + node.lineno - 1}: {reason}. Guard it (if x > 0: ...), compute it in "
            "indicators(), or set `compiled = False` in the strategy."
        )


def _is_guarded(node: ast.Call) -> bool:
    """Whether the argument cannot be out of range: a constant, or abs() or max() of something."""
    first = node.args[0] if node.args else None
    if isinstance(first, ast.Constant):
        return True
    return isinstance(first, ast.Call) and isinstance(first.func, ast.Name) and first.func.id in ("abs", "max", "len")


def _is_small_power(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value in (2, 3)
