"""Which strategies there are, without running any: the built-in ones and the files of the user's folder.

A strategy is known by its file's name. Its source hash covers the file and every module it imports from the same
folder, and the sources of each hash are kept in an archive, so that a run executes what was submitted and not what the
file says by then. What a strategy says of itself (parameters, rules, docstring) is learnt in a child process, once per
hash: a file that does not import, hangs or ends its process is listed with its error and hurts nobody else.
"""

import json
import os
import shutil
import tempfile
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from string import digits
from typing import Any

from algotrade.errors import StrategyError
from algotrade.strategies.base import Param
from algotrade.strategies.describe import Describer
from algotrade.strategies.sources import Source, read_source

BUILTIN_FOLDER = Path(__file__).parent
ERROR_SECONDS = 10.0
"""How long the error of a file that does not import is told without trying again: so long for each second that it took
to find out, because others wait meanwhile."""


Stamp = tuple[str, int, int, int]
"""Path, time of the last change (ns), size and inode of a file."""


@dataclass(frozen=True, slots=True)
class StrategyInfo:
    """What is known of one strategy.

    Attributes:
        name: the file's stem, by which everyone calls it.
        title: what pages show, for example "SMA Cross".
        doc: the class's docstring.
        params: its parameters, in the order of declaration.
        rules: rules between them ("fast < slow").
        compiled: whether `on_bar` is compiled.
        source_hash: SHA-256 (hex) of the file and of what it imports from its folder.
        builtin: whether it came with the product.
        path: the file.
        error: why it cannot be used (message and traceback), or None.
    """

    name: str
    title: str
    source_hash: str
    path: Path
    builtin: bool
    doc: str = ""
    params: tuple[Param, ...] = ()
    rules: tuple[str, ...] = ()
    compiled: bool = True
    error: str | None = None


class Catalog:
    """All strategies of one installation. Safe to use from several threads and processes."""

    def __init__(self, folder: Path, archive: Path) -> None:
        """Look for the user's files in `folder`; keep sources and descriptions in `archive`."""
        self.folder = folder
        self.archive = archive
        self._describer = Describer()
        self._lock = threading.Lock()
        self._infos: dict[tuple[str, str], tuple[StrategyInfo, float, float]] = {}
        self._hashed: tuple[tuple[Stamp, ...], dict[str, str]] = ((), {})

    def all(self) -> list[StrategyInfo]:
        """Return every strategy, the broken ones with their error, by title."""
        infos = [self._info(source) for source in self._sources().values()]
        return sorted(infos, key=lambda info: (info.title.casefold(), info.name))

    def get(self, name: str) -> StrategyInfo:
        """Return one strategy that can be run.

        Raises:
            StrategyError: there is none of that name, or its file cannot be used.
        """
        source = self._sources().get(name)
        if source is None:
            names = ", ".join(sorted(self._sources()))
            raise StrategyError(f"There is no strategy {name[:100]!r}. There are: {names}.")
        info = self._info(source)
        if info.error is not None:
            raise StrategyError(f"The strategy {name!r} cannot be used: {info.error.splitlines()[0]}")
        return info

    def described(self, name: str, source_hash: str) -> StrategyInfo | None:
        """Return what a strategy said of itself in the version of that hash; None when the archive does not tell."""
        folder = self.archive / source_hash
        stored = self.archive / f"{source_hash}.{name}.json"
        info = StrategyInfo(name, title_of(name), source_hash, folder / f"{name}.py", builtin=False)
        # What an older version wrote may not mean anything to this one.
        with suppress(OSError, ValueError, KeyError, TypeError, StrategyError):
            return _parsed(info, json.loads(stored.read_text()))
        return None

    def hashes(self) -> dict[str, str]:
        """Return the source hash of every strategy by name, without asking any what it is: nothing is executed.

        Files are read again only when one of them has changed.
        """
        stamp = (*_stamps(BUILTIN_FOLDER, "*.py"), *_stamps(self.folder, "**/*.py"))
        known, found = self._hashed
        if stamp != known or not found:
            found = {name: source.hash for name, source in self._sources().items()}
            self._hashed = (stamp, found)
        return found

    def snapshot(self, source_hash: str) -> Path:
        """Return the folder with the sources of that hash.

        Raises:
            StrategyError: they are not in the archive.
        """
        folder = self.archive / source_hash
        if not folder.is_dir():
            raise StrategyError(f"The sources {source_hash[:12]} are no longer in the archive {self.archive}.")
        return folder

    def _sources(self) -> dict[str, Source]:
        """Return what lies in both folders now; a user's file hides the built-in strategy of the same name."""
        found: dict[str, Source] = {}
        for folder, builtin in ((BUILTIN_FOLDER, True), (self.folder, False)):
            if not folder.is_dir():
                continue
            for path in sorted(folder.glob("*.py")):
                source = read_source(path, builtin=builtin)
                if source is not None:
                    found[source.name] = source
        return found

    def _info(self, source: Source) -> StrategyInfo:
        """Return the description of these sources, from memory, the archive, or a child that imports them."""
        name, source_hash = source.name, source.hash
        key = (name, source_hash)
        known = self._known(key)
        if known is not None:
            return replace(known, path=source.path, builtin=source.builtin)
        info = StrategyInfo(name, title_of(name), source_hash, source.path, source.builtin, error=source.error)
        if source.error is None:
            with self._lock:  # two pages at once: describe once
                began = time.monotonic()
                info = self._known(key) or self._described(info, source)
                now = time.monotonic()
                self._infos[key] = (info, now, max(1.0, now - began))
        return info

    def _known(self, key: tuple[str, str]) -> StrategyInfo | None:
        """Return what was said before of the same sources. An error may pass: a missing package was installed, say."""
        info, at, took = self._infos.get(key, (None, 0.0, 0.0))
        is_fresh = info is not None and (info.error is None or time.monotonic() - at < ERROR_SECONDS * took)
        return info if is_fresh else None

    def _described(self, info: StrategyInfo, source: Source) -> StrategyInfo:
        folder = self._keep(source)
        stored = self.archive / f"{info.source_hash}.{info.name}.json"
        # What an older version wrote may not mean anything to this one: then the strategy is asked again.
        with suppress(OSError, ValueError, KeyError, TypeError, StrategyError):
            return _parsed(info, json.loads(stored.read_text()))
        answer = self._describer.describe(folder, info.name)
        if "error" not in answer:
            _write_aside(stored, json.dumps(answer).encode())
        return _parsed(info, answer)

    def _keep(self, source: Source) -> Path:
        """Write the sources into the archive, whole or not at all."""
        folder = self.archive / source.hash
        if folder.is_dir():
            return folder
        self.archive.mkdir(parents=True, exist_ok=True)
        aside = Path(tempfile.mkdtemp(prefix=".new-", dir=self.archive))
        for name, content in source.files.items():
            target = aside / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        try:
            aside.rename(folder)
        except OSError:
            if not folder.is_dir():
                raise
            shutil.rmtree(aside)  # another process kept the same sources first
        return folder


def _stamps(folder: Path, pattern: str) -> list[Stamp]:
    """Return what changes with every version of the files below a folder."""
    found: list[Stamp] = []
    for path in sorted(folder.glob(pattern)):
        with suppress(OSError):  # it was removed since it was listed
            status = path.stat()
            found.append((str(path), status.st_mtime_ns, status.st_size, status.st_ino))
    return found


def title_of(name: str) -> str:
    """Return what pages show for a strategy whose class gives no title: ``rsi2_cross`` is "RSI2 Cross"."""
    acronyms = {"sma", "ema", "wma", "rsi", "atr", "adx", "macd", "cci", "roc", "vwap"}
    words = [word for word in name.split("_") if word]
    return " ".join(word.upper() if word.rstrip(digits) in acronyms else word.capitalize() for word in words)


def _parsed(info: StrategyInfo, answer: dict[str, Any]) -> StrategyInfo:
    """Return `info` completed by what the child answered."""
    if "error" in answer:
        return replace(info, error=str(answer["error"]))
    return replace(
        info,
        title=answer["title"] or info.title,
        doc=answer["doc"],
        params=tuple(Param.from_dict(param) for param in answer["params"]),
        rules=tuple(answer["rules"]),
        compiled=answer["compiled"],
    )


def _write_aside(path: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    descriptor, name = tempfile.mkstemp(prefix=".new-", dir=path.parent)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    Path(name).replace(path)
