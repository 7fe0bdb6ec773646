"""The source of the loop with one strategy's columns in it: what the compiler is given.

`loop.run` takes tables of columns. Compiled, each column is an argument of its own, and views are made of only those
that `on_bar` mentions, since each one costs at every bar. The syntax tree of the one loop is changed for this in three
places: where tables are arguments, where they are unpacked, and where `past_of` makes views of them.
"""

import ast
import inspect
import textwrap
from collections import namedtuple
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import FunctionType
from typing import Any

from algotrade.engine import loop
from algotrade.engine.views_nb import past, past_of
from algotrade.market.bars import COLUMNS

FILLER = "nothing"
"""The field of a tuple or record that has none of its own: the compiler takes no empty one."""


@dataclass(frozen=True, slots=True)
class Table:
    """The columns that `on_bar` sees of one of its arguments.

    Attributes:
        name: of the namedtuple that it gets.
        columns: by the name that it uses, the argument of the compiled loop.
    """

    name: str
    columns: Mapping[str, str]

    def of(self, arrays: Mapping[str, Any]) -> Any:
        """Return the table as `loop.run` takes it, of arrays by the argument of the compiled loop."""
        return _tuple_class(self.name, tuple(self.columns))._make(arrays[name] for name in self.columns.values())


def tables_of(on_bar: FunctionType, indicators: tuple[str, ...]) -> tuple[Table, Table]:
    """Return what `on_bar` mentions of bars and of all indicators, which are told in the loop's order."""
    bars = {name: name for name in _mentioned(on_bar, 0, COLUMNS)}
    rows = dict(zip(indicators, indicator_arguments(len(indicators)), strict=True))
    ind = {name: rows[name] for name in _mentioned(on_bar, 1, indicators)}
    # A column that is there anyway: views that nobody reads cost nothing once compiled.
    return Table("Bars", bars or {FILLER: "close"}), Table("Ind", ind or {FILLER: "close"})


def indicator_arguments(n_indicators: int) -> list[str]:
    """Return what the compiled loop calls its indicators."""
    return [f"ind_{row}" for row in range(n_indicators)]


def spliced(strategy: str, bars: Table, ind: Table, n_indicators: int) -> str:
    """Return the text of a module with the loop that a strategy needs; `on_bar` is a global of it.

    Args:
        strategy: its name.
        bars: what it sees of bars.
        ind: what it sees of indicators.
        n_indicators: how many there are.
    """
    tree = ast.parse(Path(loop.__file__).read_text())
    (run,) = (node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == loop.run.__name__)
    run.body, run.returns = run.body[1:], None  # without the docstring, which would be a lie
    own = {argument.arg for argument in run.args.args}
    others = [name for name in COLUMNS if name not in own]
    columns = {"bars": others, "ind": indicator_arguments(n_indicators), "on_bar": []}
    run = _Columns(columns, {"bars": bars, "ind": ind}).visit(run)
    return "\n".join(
        [
            f'"""The loop of {strategy}: that of algotrade.engine.loop, with its columns in it."""',
            "from collections import namedtuple",
            f"from {past.__module__} import {past.__name__}",
            *_imports(tree, {node.id for node in ast.walk(run) if isinstance(node, ast.Name)}),
            *(f"{table.name} = namedtuple({table.name!r}, {tuple(table.columns)!r})" for table in (bars, ind)),
            ast.unparse(ast.fix_missing_locations(run)),
            "",
        ]
    )


class _Columns(ast.NodeTransformer):
    """Puts single columns where the loop has tables."""

    def __init__(self, columns: Mapping[str, list[str]], tables: Mapping[str, Table]) -> None:
        """Take by argument of the loop those of the compiled one, and what `on_bar` sees of it."""
        self._columns, self._tables = columns, tables

    def visit_arguments(self, node: ast.arguments) -> ast.arguments:
        """Replace each table by its columns; types are for readers."""
        names = [name for given in node.args for name in self._columns.get(given.arg, [given.arg])]
        node.args = [ast.arg(name) for name in names]
        return node

    def visit_Starred(self, node: ast.Starred) -> list[ast.expr]:
        """Unpack a table."""
        return [_name(column) for column in self._columns[ast.unparse(node.value)]]

    def visit_Call(self, node: ast.Call) -> ast.AST:
        """Make a view of each column that `on_bar` sees."""
        if not _is_name(node.func, past_of.__name__):
            return self.generic_visit(node)
        table, count = self._tables[ast.unparse(node.args[0])], node.args[1]
        views: list[ast.expr] = [
            ast.Call(_name(past.__name__), [_name(column), count], []) for column in table.columns.values()
        ]
        return ast.Call(_name(table.name), views, [])


def _imports(tree: ast.Module, used: set[str]) -> Iterator[str]:
    """Yield what a module imports of the names that are used."""
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and (names := [alias for alias in node.names if alias.name in used]):
            yield ast.unparse(ast.ImportFrom(node.module, names, node.level))


@cache
def _tuple_class(name: str, fields: tuple[str, ...]) -> Any:
    return namedtuple(name, fields)


def _mentioned(function: FunctionType, argument: int, names: tuple[str, ...]) -> list[str]:
    """Return which of `names` a function reads from its argument; all when it hands the argument on as a whole."""
    variable = function.__code__.co_varnames[argument]
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    attributes = {
        node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute) and _is_name(node.value, variable)
    }
    n_reads = sum(_is_name(node, variable) for node in ast.walk(tree))
    n_attributes = sum(isinstance(node, ast.Attribute) and _is_name(node.value, variable) for node in ast.walk(tree))
    return list(names) if n_reads > n_attributes else [name for name in names if name in attributes]


def _is_name(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def _name(name: str) -> ast.Name:
    return ast.Name(name, ast.Load())
