"""Names that `on_bar` asks its arguments for and that are not there, told together with those that are.

Columns are fields of a namedtuple, so that `bars.index` is a method of tuples, and what is wrong with it would be
told in the words of tuples.
"""

import ast
import inspect
import textwrap
from collections.abc import Iterator
from difflib import get_close_matches
from types import FunctionType

from algotrade.engine.broker import Broker
from algotrade.market.bars import COLUMNS

ARGUMENTS = ("bars", "ind", "params", "broker")
KINDS = dict(zip(ARGUMENTS, ("column", "indicator", "parameter", "verb or figure"), strict=True))
_OF_BROKER = tuple(name for name in vars(Broker) if not name.startswith("_"))
_CLASSES = {"Bars": "bars", "Ind": "ind", "Params": "params", "Broker": "broker"}
"""The arguments of `on_bar` by their class."""

Known = dict[str, tuple[str, ...]]
"""What each argument has, by ARGUMENTS."""


def known_names(indicators: tuple[str, ...], params: tuple[str, ...]) -> Known:
    """Return what a strategy's arguments have: its own indicators and parameters, and what all have."""
    return {"bars": COLUMNS, "ind": indicators, "params": params, "broker": _OF_BROKER}


def unknown_name(argument: str, name: str, known: Known) -> str:
    """Return what is said of a name that an argument does not have, with the nearest one that it has."""
    names = known[argument]
    message = f"{argument} has no {KINDS[argument]} {name!r}"
    if not names:
        return f"{message}; the strategy has none."
    near = get_close_matches(name, names, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    return f"{message}; there {'is' if len(names) == 1 else 'are'} {', '.join(names)}.{hint}"


def retold(error: Exception, known: Known) -> Exception:
    """Return `error`; an AttributeError of one of the arguments says what there is instead of what Python says."""
    if isinstance(error, AttributeError) and error.name:
        argument = _CLASSES.get(type(error.obj).__name__)
        is_ours = isinstance(error.obj, tuple) or argument == "params"
        if argument and is_ours and error.name not in known[argument]:
            error.args = (unknown_name(argument, error.name, known),)
    return error


def find_unknown(on_bar: FunctionType, known: Known) -> tuple[int, str] | None:
    """Return line and complaint of the first name in the source of `on_bar` that an argument does not have."""
    lines, start = inspect.getsourcelines(on_bar)
    tree = ast.parse(textwrap.dedent("".join(lines)))
    variables = dict(zip(on_bar.__code__.co_varnames, ARGUMENTS, strict=False))
    unknown = sorted(
        (node.lineno, node.col_offset, argument, node.attr)
        for node, argument in _attributes(tree, variables)
        if node.attr not in known[argument]
    )
    if not unknown:
        return None
    line, _, argument, name = unknown[0]
    return start + line - 1, unknown_name(argument, name, known)


def _attributes(tree: ast.AST, variables: dict[str, str]) -> Iterator[tuple[ast.Attribute, str]]:
    """Yield each attribute that is read of an argument which keeps its meaning, and which argument it is."""
    names = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
    changed = {node.id for node in names if not isinstance(node.ctx, ast.Load)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            argument = variables.get(node.value.id)
            if argument and node.value.id not in changed:
                yield node, argument
