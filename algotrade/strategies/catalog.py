"""Catalog of strategies, made without running any: the built-in ones and the files of the user's folder.

A strategy is known by its file's name. Its source hash covers the file and every module it imports from the same
folder, and the sources of each hash are kept in an archive, so that a run executes what was submitted and not what the
file says by then. What a strategy says of itself (parameters, rules, docstring) is learnt in a child process, once per
hash: a file that does not import, hangs or ends its process is listed with its error and hurts nobody else. A list does
not wait long for any.
"""

import json
import math
import os
import shutil
import tempfile
import threading
import time
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from string import digits
from typing import Any

from algotrade.durable import write_aside
from algotrade.errors import StrategyError
from algotrade.strategies.base import Param
from algotrade.strategies.describe import Answer, Describer
from algotrade.strategies.sources import Source, read_source

BUILTIN_FOLDER = Path(__file__).parent
ERROR_SECONDS = 10.0
"""How long the error of a file that does not import is told without trying again: so long for each second that it took
to find out, because others wait meanwhile. One that ended its process is not tried again before it has changed."""
OVER_TIME_SECONDS = 600.0
"""How long that is for a file that took too long: the machine may have been busy."""
LIST_SECONDS = 4.0
"""How long a list waits for files that were not described yet; it then says of them that they are being read."""
BUILTIN_SECONDS = 10.0
"""How long it waits at first for the built-in ones, none of which hangs, and which any list is there for."""
GET_SECONDS = 40.0
"""How long a question for one strategy waits."""
BEING_READ = "It is still being read. Look again in a few seconds."


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
        self._infos: dict[tuple[str, str], tuple[StrategyInfo, float]] = {}
        self._asked: dict[tuple[str, str], tuple[int, Future[Answer]]] = {}
        self._hashed: tuple[tuple[Stamp, ...], dict[str, str]] = ((), {})

    def all(self) -> list[StrategyInfo]:
        """Return every strategy by title; the broken ones, and those that are still being read, with their error."""
        sources = list(self._sources().values())
        ours = self._listed([source for source in sources if source.builtin], BUILTIN_SECONDS)
        theirs = self._listed([source for source in sources if not source.builtin], LIST_SECONDS)
        return sorted(ours + theirs, key=lambda info: (info.title.casefold(), info.name))

    def get(self, name: str) -> StrategyInfo:
        """Return one strategy that can be run.

        Raises:
            StrategyError: there is none of that name, or its file cannot be used.
        """
        source = self._sources().get(name)
        if source is None:
            names = ", ".join(sorted(self._sources()))
            raise StrategyError(f"There is no strategy {name[:100]!r}. There are: {names}.")
        info = self._info(source, GET_SECONDS)
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

    def _listed(self, sources: list[Source], seconds: float) -> list[StrategyInfo]:
        """Return the descriptions of sources, waited for so many seconds in all."""
        deadline = time.monotonic() + seconds
        for source in sources:  # all are asked for before any is waited for
            self._info(source, 0.0)
        return [self._info(source, deadline - time.monotonic()) for source in sources]

    def _info(self, source: Source, seconds: float) -> StrategyInfo:
        """Return the description of these sources: from memory, the archive, or a child, waited for so many seconds."""
        key = (source.name, source.hash)
        info = StrategyInfo(
            source.name, title_of(source.name), source.hash, source.path, source.builtin, error=source.error
        )
        if source.error is not None:
            return info
        found = self._known(key) or self._archived(source) or self._question(key, source)
        if isinstance(found, StrategyInfo):
            return replace(found, path=source.path, builtin=source.builtin)
        try:
            answer = found.result(max(0.0, seconds))
        except TimeoutError:
            return replace(info, error=BEING_READ)
        return self._learnt(key, info, answer)

    def _known(self, key: tuple[str, str]) -> StrategyInfo | None:
        """Return what was said before of the same sources. An error may pass: a missing package was installed, say."""
        info, until = self._infos.get(key, (None, 0.0))
        return info if time.monotonic() < until else None

    def _archived(self, source: Source) -> StrategyInfo | None:
        """Return what the archive has of the same sources."""
        found = self.described(source.name, source.hash)
        if found is not None:
            self._keep(source)
            self._infos[source.name, source.hash] = (found, math.inf)
        return found

    def _question(self, key: tuple[str, str], source: Source) -> "Future[Answer] | StrategyInfo":
        """Ask a child, unless somebody does already, or has just heard the answer."""
        with self._lock:
            known = self._known(key)
            if known is not None:
                return known
            pid, answer = self._asked.get(key, (0, None))
            if answer is None or pid != os.getpid():  # who asked before a fork is not answered after it
                answer = self._describer.ask(self._keep(source), source.name)
                self._asked[key] = (os.getpid(), answer)
        return answer

    def _learnt(self, key: tuple[str, str], info: StrategyInfo, answer: Answer) -> StrategyInfo:
        """Remember an answer: what a strategy says for good, an error for as long as it may stand."""
        found = _parsed(info, answer.description)
        if found.error is None or answer.has_ended:
            seconds = math.inf
        else:
            seconds = OVER_TIME_SECONDS if answer.is_over_time else ERROR_SECONDS * max(1.0, answer.seconds)
        with self._lock:
            if self._asked.pop(key, None) is not None:  # the first one who hears it
                if found.error is None:
                    stored = self.archive / f"{info.source_hash}.{info.name}.json"
                    write_aside(stored, lambda file: file.write(json.dumps(answer.description).encode()))
                self._infos[key] = (found, time.monotonic() + seconds)
        return found

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
