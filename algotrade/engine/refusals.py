"""Refusals of the compiler, told in words about the strategy's line."""

import os
import re
from types import CodeType, FunctionType

from algotrade.engine.names import Known, find_unknown
from algotrade.engine.paths import short_path
from algotrade.errors import StrategyError

_TELLING = (
    r"NameError: (name '.*?' is not defined)",
    r"(Unknown attribute '.*?' of type \w+)",
    r"(Cannot unify .*? for '\w+)",
    r"(Untyped global name '.*?')",
    r"\w+Error: (?!Failed in)(.+)",
    r"Failed in \w+ mode pipeline \(.*?\)\n\s*(?!No implementation)(\S.*)",
    r"No implementation of function Function\(<(?!function \w+\.on_bar)(.*?)>",
)
"""Sentences in the compiler's report that help an author, most telling first."""
_PATH = re.compile(r"/[^\s'\"(),:]+\.py\b")


class CompilationError(StrategyError):
    """A strategy's `on_bar` cannot be compiled.

    Attributes:
        report: all that the compiler said.
        is_unknown_name: whether an argument is asked for a name that it does not have.
    """

    is_unknown_name = False

    def __init__(self, message: str, report: str) -> None:
        self.report = report
        super().__init__(message)


def refusal(error: Exception, on_bar: FunctionType, known: Known) -> CompilationError:
    """Return the compiler's complaint in short, with a traceback whose last frame is the line of the strategy.

    Args:
        error: what the compiler raised.
        on_bar: the strategy's function.
        known: what the arguments of `on_bar` have; a name that is none of it is the reason, whatever the compiler says.
    """
    path, text = on_bar.__code__.co_filename, str(error)
    file = os.path.basename(path)
    if unknown := find_unknown(on_bar, known):
        line, complaint = unknown
        raised = CompilationError(f"{file}, line {line}: {complaint}", text)
        raised.is_unknown_name = True
        return _raised_at(raised, path, line, on_bar.__code__.co_name)
    places = re.findall(rf'{re.escape(file)}(?:", line | \()(\d+)', text)
    line = int(places[0]) if places else on_bar.__code__.co_firstlineno
    reason = _reason(text, os.path.dirname(path))
    raised = CompilationError(
        f"{file}, line {line}: the compiler does not take this{f': {reason}' if reason else ''}. "
        "Write it in another way, or set `compiled = False` in the strategy.",
        text,
    )
    return _raised_at(raised, path, line, on_bar.__code__.co_name)


def _reason(text: str, folder: str) -> str:
    """Return the most telling sentence, without a type's inner life and this machine's folders, which tell nothing."""
    found = next((found[1] for pattern in _TELLING if (found := re.search(pattern, text))), "")
    told = re.sub(r"\(.*?\)+|, defined at .*", "", found) if found else text.strip().split("\n", 1)[0]
    return _PATH.sub(lambda path: short_path(path[0], folder), told)[:200].strip(" .,")


def _raised_at(error: CompilationError, path: str, line: int, function: str) -> CompilationError:
    """Return `error` with a traceback that ends in a line of a file, as if it had been raised there."""
    code: CodeType = compile("\n" * (line - 1) + "raise error", path, "exec").replace(co_name=function)
    try:
        exec(code, {"error": error})
    except CompilationError as raised:
        return raised
    raise AssertionError("the line above raises")
