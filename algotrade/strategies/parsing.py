"""Python's parser for processes with threads."""

import ast
import threading
from typing import Literal, overload

_lock = threading.Lock()
ATTEMPTS = 5


@overload
def parse(source: str | bytes, mode: Literal["exec"] = ...) -> ast.Module: ...
@overload
def parse(source: str | bytes, mode: Literal["eval"]) -> ast.Expression: ...
def parse(source: str | bytes, mode: str = "exec") -> ast.AST:
    """Return the syntax tree of a source.

    CPython 3.11 counts the depth of a tree in one place for all threads, so a parse beside another one may fail for no
    reason of its own (SystemError: AST constructor recursion depth mismatch). One at a time does not help against those
    that are not ours (a traceback being printed parses, too), so such a parse is done again.

    Raises:
        SyntaxError: it is no Python.
        ValueError: it holds null bytes.
    """
    for attempt in range(ATTEMPTS):
        try:
            with _lock:
                return ast.parse(source, mode=mode)
        except SystemError:
            if attempt + 1 == ATTEMPTS:
                raise
    raise AssertionError("a parse either returned or raised")
