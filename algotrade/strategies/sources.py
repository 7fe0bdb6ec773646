"""The source files of a strategy: its own, and those of the same folder that it imports."""

import ast
import hashlib
import stat
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from algotrade.strategies.names import name_of, name_problem
from algotrade.strategies.parsing import parse

MAX_SOURCE_BYTES = 1 << 20
"""Largest source file that is read, bytes."""


@dataclass(frozen=True, slots=True)
class Source:
    """The files of one strategy at one moment: content by path relative to their folder."""

    path: Path
    builtin: bool
    files: Mapping[str, bytes] = field(default_factory=dict)
    error: str | None = None

    @property
    def name(self) -> str:
        """The name by which everyone calls the strategy."""
        return name_of(self.path)

    @property
    def hash(self) -> str:
        """SHA-256 (hex) of all files."""
        digest = hashlib.sha256()
        for name, content in sorted(self.files.items()):
            digest.update(f"{name}\0{len(content)}\0".encode("utf-8", "surrogateescape"))
            digest.update(content)
        return digest.hexdigest()


@dataclass(frozen=True, slots=True)
class Outline:
    """What the catalog must know of a source file's syntax.

    Attributes:
        has_strategy: whether it defines a class on Strategy.
        imports: dotted names of the modules that it imports, anywhere in it.
    """

    has_strategy: bool
    imports: frozenset[str]


@lru_cache(maxsize=512)
def outline_of(content: bytes) -> Outline:
    """Return the outline of a source; files are looked at with every request, and mostly have not changed.

    Raises:
        SyntaxError: it is no Python.
        ValueError: it holds null bytes.
    """
    tree = parse(content)
    return Outline(any(_is_strategy(node) for node in tree.body), frozenset(_imported_names(tree)))


def read_source(path: Path, *, builtin: bool) -> Source | None:
    """Read a file and what it imports from its folder; None when it defines no strategy and is only imported."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # reading a pipe would wait for ever
            return Source(path, builtin, {path.name: b""}, "It is not a file.")
        if path.stat().st_size > MAX_SOURCE_BYTES:
            return Source(path, builtin, {path.name: b""}, f"The file is larger than {MAX_SOURCE_BYTES:,} bytes.")
        content = path.read_bytes()
    except OSError as error:
        return Source(path, builtin, {path.name: b""}, f"The file cannot be read: {error.strerror}.")
    problem = "" if builtin else name_problem(name_of(path))
    try:
        outline = outline_of(content)
    except (SyntaxError, ValueError) as error:
        line = f", line {error.lineno}" if isinstance(error, SyntaxError) else ""
        said = f"{type(error).__name__}: {error.args[0]} ({path.name}{line})"
        return Source(path, builtin, {path.name: content}, problem or said)
    if not outline.has_strategy:
        return None
    if problem:
        return Source(path, builtin, {path.name: content}, problem)
    files = {path.name: content}
    if not builtin:
        _collect_imports(outline, path.parent, files)
    return Source(path, builtin, files)


def _is_strategy(node: ast.stmt) -> bool:
    """Whether a statement defines a class on Strategy (imported as such, or through a module)."""
    return isinstance(node, ast.ClassDef) and any(
        (isinstance(base, ast.Name) and base.id.endswith("Strategy"))
        or (isinstance(base, ast.Attribute) and base.attr.endswith("Strategy"))
        for base in node.bases
    )


def _collect_imports(outline: Outline, folder: Path, files: dict[str, bytes]) -> None:
    """Add every module of `folder` that a source imports, and what those import in turn."""
    for module in sorted(outline.imports):
        parts = module.split(".")
        for depth in range(1, len(parts) + 1):
            stem = Path(*parts[:depth])
            for relative in (stem.with_suffix(".py"), stem / "__init__.py"):
                path = folder / relative
                if relative.as_posix() in files or not path.is_file() or path.stat().st_size > MAX_SOURCE_BYTES:
                    continue
                content = path.read_bytes()
                files[relative.as_posix()] = content
                with suppress(SyntaxError, ValueError):  # the import itself will tell, with its traceback
                    _collect_imports(outline_of(content), folder, files)


def _imported_names(tree: ast.Module) -> set[str]:
    """Return the dotted names of all modules that a tree imports, anywhere in it."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            names.add(base)
            names.update(f"{base}.{alias.name}" if base else alias.name for alias in node.names)
    names.discard("")
    return names
