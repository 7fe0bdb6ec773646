"""Exchanges that candles can be downloaded from. A child reads them out of the library, once for each of its versions.

This process does not import the library: it is large, and only a child has business with networks.
"""

import json
import time
from functools import cache
from pathlib import Path
from typing import Any

from django.conf import settings

from algotrade.child import Child, ChildEnded
from algotrade.durable import write_aside
from algotrade.errors import MarketDataError
from algotrade.market.vendors.exchanges import NOT_INSTALLED, library
from algotrade.ports import Json
from algotrade.resolve import ResolvedDownload, resolve_download
from runs import artifacts

LONGEST_READ_SECONDS = 60.0


def is_installed() -> bool:
    """Whether the library is there."""
    return bool(library())


def known() -> dict[str, Json]:
    """Return title and timeframes of each exchange, by its id.

    Raises:
        MarketDataError: the library is not installed, or cannot be read.
    """
    name = library()
    if not name:
        raise MarketDataError(NOT_INSTALLED)
    return _known(settings.ALGOTRADE_HOME / "cache" / f"exchanges-{name.replace(' ', '-')}.json")


def resolve(request: dict[str, Any]) -> ResolvedDownload:
    """Return what a request asks for.

    Raises:
        SpecError: at least one field is wrong.
        MarketDataError: the library is not installed, or cannot be read.
    """
    return resolve_download(request, known(), library(), artifacts.candle_store(), time.time_ns())


@cache
def _known(path: Path) -> dict[str, Json]:
    try:
        found: dict[str, Json] = json.loads(path.read_text())
    except (OSError, ValueError):
        found = _read()
        path.parent.mkdir(parents=True, exist_ok=True)
        write_aside(path, lambda file: file.write(json.dumps(found).encode()))
    return found


def _read() -> dict[str, Json]:
    child = Child(memory_bytes=settings.CHILD_MEMORY_BYTES, cpu_seconds=settings.CHILD_CPU_SECONDS)
    try:
        child.send({"job": "exchanges"})
        answer = child.receive(LONGEST_READ_SECONDS)
    except ChildEnded as error:
        raise MarketDataError(f"The exchanges cannot be read: {error}") from error
    finally:
        child.close()
    match answer:
        case {"done": found}:
            return dict(found)
        case {"failed": error}:
            raise MarketDataError(error["message"])
        case _:
            raise MarketDataError(f"The exchanges were not read within {LONGEST_READ_SECONDS:.0f} s.")
