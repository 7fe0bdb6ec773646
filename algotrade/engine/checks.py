"""Checks of a strategy before it runs: no look-ahead, and nothing that means something else when compiled."""

import ast
import inspect
import os
import textwrap
from collections.abc import Iterator
from dataclasses import replace
from types import FunctionType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from algotrade.errors import StrategyError
from algotrade.market.bars import COLUMNS, Bars

PREFIX_BARS = 4_000
"""Bars on which indicators are recomputed to find look-ahead: enough for any usual length, and a matter of
milliseconds."""

_UNSAFE = {
    "int": "int() of NaN is garbage when compiled",
    "round": "round() of NaN is garbage when compiled, and rounds differently",
    "floor": "math.floor() of NaN is garbage when compiled",
    "ceil": "math.ceil() of NaN is garbage when compiled",
    "trunc": "math.trunc() of NaN is garbage when compiled",
    "acos": "the arc of a number beyond 1 is NaN when compiled",
    "asin": "the arc of a number beyond 1 is NaN when compiled",
    "sqrt": "the root of a negative number is NaN when compiled",
    "log": "the logarithm of a number that is not above 0 is NaN or -inf when compiled",
    "log2": "the logarithm of a number that is not above 0 is NaN or -inf when compiled",
    "log10": "the logarithm of a number that is not above 0 is NaN or -inf when compiled",
    "log1p": "the logarithm of a number that is not above 0 is NaN or -inf when compiled",
    "exp": "exp overflows to infinity when compiled, and rounds differently",
    "expm1": "expm1 overflows to infinity when compiled, and rounds differently",
    "pow": "pow rounds differently when compiled",
}
_SAFE_IN_NUMPY = ("round", "floor", "ceil", "trunc")
_SUMS = frozenset({"sum", "mean", "std", "var", "prod", "cumsum", "cumprod", "average", "dot"}) | frozenset(
    {"nansum", "nanmean", "nanstd", "nanvar", "nanprod", "corrcoef", "cov", "trapezoid"}
)
"""Methods and functions of arrays that add up in another order when compiled, so that the last digit differs."""
_ROUNDED_IN_NUMPY = frozenset(
    {"sin", "cos", "tan", "sinh", "cosh", "tanh", "arctan", "arctan2", "arcsinh", "cbrt", "hypot"}
)
"""Functions for which NumPy and the compiler have different implementations; those of `math` are the same."""


def indicator_columns(instance: Any, bars: Bars) -> tuple[tuple[str, ...], tuple[NDArray[np.float64], ...]]:
    """Return the names and the values of a strategy's indicators, read-only float64[n_bars] each.

    What is float64 already is not copied: trials share their indicators.

    Raises:
        StrategyError: `indicators` returned something else than float arrays of one value per bar.
    """
    found = instance.indicators(bars)
    name = type(instance).__name__
    if not isinstance(found, dict):
        raise StrategyError(f"{name}.indicators must return a dict of arrays, not {type(found).__name__}.")
    columns = []
    for key, values in found.items():
        if not (isinstance(key, str) and key.isidentifier() and not key.startswith("_")):
            raise StrategyError(f"{name}.indicators: {key!r} is not a name that on_bar can use (ind.name).")
        array = np.asarray(values)
        if array.shape != (len(bars),) or array.dtype.kind not in "fiub":
            raise StrategyError(
                f"{name}.indicators: {key!r} must be float64[{len(bars)}], one value per bar; it is {array.dtype} of "
                f"shape {array.shape}."
            )
        column = np.ascontiguousarray(array, dtype=np.float64).view()
        column.flags.writeable = False
        columns.append(column)
    return tuple(found), tuple(columns)


def check_look_ahead(
    instance: Any, bars: Bars, names: tuple[str, ...], columns: tuple[NDArray[np.float64], ...]
) -> None:
    """Recompute indicators without the last bars, and with others in their place: a value that changes looked ahead.

    Other bars find what fewer do not: the highest price of all may lie in the bars that are left.

    Raises:
        StrategyError: it names the indicator and the bar.
    """
    n_bars = min(len(bars), PREFIX_BARS)
    tried = [(length, bars.slice(0, length)) for length in sorted({n_bars - 1, n_bars * 2 // 3, n_bars // 3})]
    tried += [(n_bars // 2, _with_other_future(bars.slice(0, n_bars), n_bars // 2, factor)) for factor in (8.0, 0.125)]
    for length, known in tried:
        if length < 1 or not names:
            continue
        with np.errstate(all="ignore"):
            again_names, again_columns = indicator_columns(instance, known)
        if again_names != names:
            raise StrategyError(
                f"{type(instance).__name__}.indicators returns other names for fewer bars: {again_names}."
            )
        whole, again = (np.vstack([column[:length] for column in found]) for found in (columns, again_columns))
        same = np.isclose(whole, again, rtol=1e-9, atol=1e-12, equal_nan=True)
        if not same.all():
            row, bar = (int(index[0]) for index in np.nonzero(~same))
            raise StrategyError(
                f"The indicator {names[row]!r} of {type(instance).__name__} looks ahead: its value at bar {bar} is "
                f"{whole[row, bar]:g} with all bars and {again[row, bar]:g} when only the first {length:,} are known."
            )


def _with_other_future(bars: Bars, first: int, factor: float) -> Bars:
    """Return the bars with prices and volumes from bar `first` on multiplied by `factor`."""
    factors = np.where(np.arange(len(bars)) < first, 1.0, factor)
    return replace(bars, **{name: getattr(bars, name) * factors for name in COLUMNS})


def check_on_bar(on_bar: FunctionType) -> None:
    """Refuse what means something else compiled than as Python, in a compiled `on_bar` and what it calls of its files.

    A call stands when it is guarded: inside an `if`, a conditional expression, or around abs() or max().

    Raises:
        StrategyError: it names the line and says what to do.
    """
    for function in own_functions(on_bar):
        lines, start = inspect.getsourcelines(function)
        tree = ast.parse(textwrap.dedent("".join(lines)))
        _Unsafe(os.path.basename(function.__code__.co_filename), start).visit(tree)


def own_functions(on_bar: FunctionType) -> Iterator[FunctionType]:
    """Yield `on_bar` and, each once, the functions of its own folder that it calls, directly or not."""
    folder = os.path.dirname(on_bar.__code__.co_filename)
    waiting, seen = [on_bar], {on_bar}
    while waiting:
        current = waiting.pop()
        yield current
        for name in current.__code__.co_names:
            value = current.__globals__.get(name)
            if not isinstance(value, FunctionType) or value in seen:
                continue
            if os.path.dirname(value.__code__.co_filename) == folder:
                seen.add(value)
                waiting.append(value)


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
        is_numpy = isinstance(function, ast.Attribute) and ast.unparse(function.value) in ("np", "numpy")
        if isinstance(function, ast.Attribute) and name in _SUMS:
            self._refuse(node, f"{name}(): compiled code adds up in another order, and the last digit differs")
        if is_numpy and name in _ROUNDED_IN_NUMPY:
            self._refuse(
                node, f"np.{name}() rounds differently when compiled; math.{name.replace('arc', 'a')}() does not"
            )
        if is_numpy and name in _SAFE_IN_NUMPY:
            name = ""
        if name in _UNSAFE and not self._depth and not _is_guarded(node):
            self._refuse(node, f"{name}(): {_UNSAFE[name]}")
        self.generic_visit(node)

    def visit_BinOp(self, node: ast.BinOp) -> None:
        if isinstance(node.op, ast.Pow) and not _is_small_power(node.right) and not self._depth:
            self._refuse(node, "**: it rounds differently when compiled, and does not raise")
        self.generic_visit(node)

    def _refuse(self, node: ast.expr, reason: str) -> None:
        raise StrategyError(
            f"{self._file}, line {self._start + node.lineno - 1}: {reason}. Compute it in indicators(), guard it "
            "(if x > 0: ...) where a value may be out of range, or set `compiled = False` in the strategy."
        )


def _is_guarded(node: ast.Call) -> bool:
    """Whether the argument cannot be out of range: a constant, or abs() or max() of something."""
    first = node.args[0] if node.args else None
    if isinstance(first, ast.Constant):
        return True
    return isinstance(first, ast.Call) and isinstance(first.func, ast.Name) and first.func.id in ("abs", "max", "len")


def _is_small_power(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value in (2, 3)
