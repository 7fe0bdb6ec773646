"""The compiled gear: a module with a strategy's loop, its machine code, and where both are kept.

The module's name is the hash of everything that its machine code depends on, because numba's disk cache goes by file:
it misses in every new process for closures and for functions passed as arguments, and hits for a module of the same
name. What is in the module is the one loop, `loop.run`, as `splice` has changed it for the strategy.
"""

import hashlib
import importlib.util
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from operator import methodcaller
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

import llvmlite
import numba
import numpy as np
from numba import njit, types
from numba.extending import register_jitable

from algotrade import records
from algotrade.durable import write_aside
from algotrade.engine.checks import own_functions
from algotrade.engine.names import Known, known_names
from algotrade.engine.refusals import refusal
from algotrade.engine.splice import FILLER, Table, spliced, tables_of
from algotrade.engine.views_nb import COMPILED
from algotrade.errors import StrategyError
from algotrade.market.bars import COLUMNS
from algotrade.records import ACCOUNT, FILL, ORDER, TRADE

# The option `boundscheck` counts for the loop alone, not for what it calls: a strategy could read the next bar.
numba.config.BOUNDSCHECK = 1  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class Loop:
    """A strategy's loop in its two gears; both return the first bar not done.

    Attributes:
        on_bar: the strategy's function, with which `loop.run` is the interpreted gear.
        bars: what it sees of bars.
        ind: what it sees of indicators.
        compiled: machine code, or None when it was not asked for.
        without_counting: whether the machine code was built without reference counting.
    """

    on_bar: FunctionType
    bars: Table
    ind: Table
    compiled: Callable[..., int] | None = None
    without_counting: bool = False


@dataclass(frozen=True, slots=True)
class Source:
    """What a loop is made from.

    Attributes:
        on_bar: the strategy's function.
        name: of the strategy, for the docstring.
        indicator_names: of all indicators, in the order in which the loop takes them.
        params: dtype of the parameters' record.
        source_hash: of the strategy's files.
    """

    on_bar: FunctionType
    name: str
    indicator_names: tuple[str, ...]
    params: np.dtype[Any]
    source_hash: str

    @property
    def known(self) -> Known:
        """What the arguments of `on_bar` have."""
        return known_names(self.indicator_names, field_names(self.params))

    def loop(self) -> Loop:
        """Return the loop as plain Python."""
        return Loop(self.on_bar, *tables_of(self.on_bar, self.indicator_names))


def build(source: Source, cache_dir: Path, *, on_compile: Callable[[], None], counting: bool = False) -> Loop:
    """Return a strategy's loop with its machine code.

    Args:
        source: what it is made from.
        cache_dir: where generated modules and machine code are kept.
        on_compile: called before a compilation that takes seconds, not when the cache has it.
        counting: compile with reference counting from the start (tests compare both builds).

    Raises:
        CompilationError: `on_bar` cannot be compiled; the message has its line and what the compiler says.
    """
    plain = source.loop()
    text = spliced(source.name, plain.bars, plain.ind, len(source.indicator_names))
    name = f"loop_{_hash(source, text)}"
    module = _load(name, text, cache_dir, source.on_bar)
    marker = cache_dir / f"{name}.compiled"
    known = marker.read_text() if marker.exists() else ""
    if not known:
        on_compile()
    _make_compilable(source.on_bar)
    builds = ["counting"] if counting else [known] if known in ("lean", "counting") else ["lean", "counting"]
    loops = module.__dict__.setdefault("loops", {})  # of this process: reading machine code anew takes 10 ms each time
    for attempt, kind in enumerate(builds):
        try:
            loop = loops.get(kind) or _compiled(module.run, source, lean=kind == "lean")
        except Exception as error:  # noqa: BLE001 - what numba cannot type may raise KeyError, or anything
            if attempt + 1 < len(builds):
                continue  # a strategy that allocates memory needs reference counting
            raise refusal(error, source.on_bar, source.known) from None
        loops[kind] = loop
        if not counting and kind != known:  # a warm cache is only read
            write_aside(marker, methodcaller("write", kind.encode()))
        return replace(plain, compiled=loop, without_counting=kind == "lean")
    raise AssertionError("no build was tried")


class Params(np.record):  # type: ignore[misc] # final for the checker alone; NumPy documents deriving from it
    """The parameters' record; a parameter called size, std or max is found before what NumPy calls so."""

    def __getattribute__(self, name: str) -> Any:
        """Return a field, else NumPy's attribute."""
        fields = np.void.__getattribute__(self, "dtype").names or ()
        return self[name] if name in fields and name != "dtype" else super().__getattribute__(name)


def field_names(params: np.dtype[Any]) -> tuple[str, ...]:
    """Return the parameters of a record as `on_bar` may ask for them; one without any has a field to fill it."""
    names = params.names or ()
    return () if names == (FILLER,) else names


def params_record(parameters: Mapping[str, Any], choices: Mapping[str, tuple[str, ...]]) -> Any:
    """Return the parameters as `on_bar` sees them: a record, with one truth value for each choice of a choice."""
    fields: list[tuple[str, str]] = []
    values: list[Any] = []
    for name, value in parameters.items():
        if name in choices:
            fields += [(f"{name}_{choice}", "?") for choice in choices[name]]
            values += [value == choice for choice in choices[name]]
        else:
            fields.append((name, "?" if isinstance(value, bool) else "i8" if isinstance(value, int) else "f8"))
            values.append(value)
    if not fields:
        fields, values = [(FILLER, "i8")], [0]
    record = np.zeros(1, np.dtype((Params, np.dtype(fields, align=True))))
    record[0] = tuple(values)
    return record[0]


def signature(params: np.dtype[Any], n_indicators: int) -> Any:
    """Return the numba signature of a loop for a parameters' dtype; times, bars and indicators are read-only."""
    account, order, fill, trade, record = (numba.from_dtype(d) for d in (ACCOUNT, ORDER, FILL, TRADE, params))
    column = types.Array(types.float64, 1, "C", readonly=True)
    return types.int64(
        account,
        types.Array(order, 1, "C"),
        types.Array(fill, 1, "C"),
        types.Array(trade, 1, "C"),
        types.Array(types.float64, 1, "C"),
        types.Array(types.int64, 1, "C", readonly=True),
        *([column] * (len(COLUMNS) + n_indicators)),
        record,
        types.int64,
        types.int64,
        types.int64,
    )


def _compiled(run: FunctionType, source: Source, *, lean: bool) -> Callable[..., int]:
    # `_nrt` is numba's own, undocumented switch: without reference counts the loop is several times faster.
    options: dict[str, Any] = {"nogil": True, "boundscheck": True, "cache": True} | ({"_nrt": False} if lean else {})
    arguments = signature(source.params, len(source.indicator_names))
    loop: Callable[..., int] = njit([arguments], **options)(_twin(run, lean=lean))
    return loop


def _twin(run: FunctionType, *, lean: bool) -> FunctionType:
    """Return `run` under a name of its own for each build, so that both can lie in one cache."""
    names = {**run.__globals__, **COMPILED}
    twin = FunctionType(run.__code__, names, run.__name__, run.__defaults__, run.__closure__)
    twin.__qualname__ = f"run_{'lean' if lean else 'counting'}"
    twin.__module__ = run.__module__
    return twin


def _load(name: str, text: str, cache_dir: Path, on_bar: FunctionType) -> ModuleType:
    """Write the module if it is not there, and import it with the strategy's function as a global."""
    path = cache_dir / f"{name}.py"
    known = sys.modules.get(name)
    if known is not None and known.__dict__.get("on_bar") is on_bar and known.__file__ == str(path):
        return known
    if not path.exists():
        cache_dir.mkdir(parents=True, exist_ok=True)
        write_aside(path, lambda file: file.write(text.encode()))  # two processes may write the same module at once
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise StrategyError(f"The generated module {path} cannot be loaded.")
    module = importlib.util.module_from_spec(spec)
    module.__dict__["on_bar"] = on_bar
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def _hash(source: Source, text: str) -> str:
    parts = [
        engine_hash(),
        source.source_hash,
        source.on_bar.__qualname__,
        text,
        repr(source.params.descr),
        sys.version,
        numba.__version__,
        llvmlite.__version__,
        np.__version__,
    ]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:24]


@cache
def engine_hash() -> str:
    """Return the hash of all that is compiled into every loop: its source files, and the account's layout."""
    digest = hashlib.sha256(Path(records.__file__).read_bytes() + repr(ACCOUNT.descr).encode())
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _make_compilable(function: FunctionType) -> None:
    """Register a strategy's function, and the functions of its own files that it calls, with the compiler."""
    for current in own_functions(function):
        if not getattr(current, "_is_registered", False):
            # Inlined by LLVM: a call would copy every view, some ten words each, for each bar.
            register_jitable(forceinline=True)(current)
            current.__dict__["_is_registered"] = True
