"""A strategy's archived sources: import them, forget them, and tell errors with the paths that their author knows."""

import importlib
import os
import sys
import traceback
from typing import Any

from algotrade.ports import Json

TRACE_CHARACTERS = 64 * 1024
MESSAGE_CHARACTERS = 2_000


def load(source: str, module: str) -> Any:
    """Import a strategy's module from its archived sources; later imports find its own modules there, too."""
    if source not in sys.path:
        sys.path.insert(0, source)
    sys.dont_write_bytecode = True
    importlib.invalidate_caches()
    return importlib.import_module(module)


def load_strategy(job: Json) -> Any:
    """Return the strategy class of a job's sources."""
    from algotrade.strategies.base import strategy_class

    return strategy_class(load(job["source"], job["module"]))


def forget(source: str) -> None:
    """Undo `load`, so that the next job starts from nothing."""
    sys.path[:] = [entry for entry in sys.path if entry != source]
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", "") or "").startswith(source + os.sep):
            del sys.modules[name]


def failure(error: BaseException, job: Json, parameters: Json) -> Json:
    """Return an error as rows keep it: type, message, trace, detail."""
    from algotrade.engine.failures import StrategyFailure

    if isinstance(error, StrategyFailure):
        return {
            "type": error.error_type,
            "message": error.message[:MESSAGE_CHARACTERS],
            "trace": error.trace,
            "detail": error.detail,
        }
    return {
        "type": type(error).__name__,
        "message": str(error)[:MESSAGE_CHARACTERS] or type(error).__name__,
        "trace": trace_of(error, job["source"]),
        "detail": {"parameters": parameters},
    }


def trace_of(error: BaseException, source: str) -> str:
    """Return the traceback with paths told from the strategies folder and from the product, not from this machine."""
    from algotrade.engine.paths import shorten_paths

    return shorten_paths("".join(traceback.format_exception(error)), source)[-TRACE_CHARACTERS:]
