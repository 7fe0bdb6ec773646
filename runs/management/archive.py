"""A home folder in one file, and back: database, candles, arrays, strategies and the secret.

What can be made again is left out: compiled strategies and what is being written. The database is copied by SQLite
itself, first of all, while the product may be running: whatever its rows name is there by then, and stays as it is.
"""

import gzip
import lzma
import os
import secrets
import shutil
import sqlite3
import tarfile
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path, PurePosixPath

from django.contrib.auth.models import User
from django.db.migrations.recorder import MigrationRecorder

from algotrade.errors import AlgotradeError
from runs.models import Run

DATABASE, SECRET, STRATEGIES = "algotrade.sqlite3", "secret", "strategies"
FOLDERS = ("candles", "artifacts", "cache/strategies")
"""What else of a home is kept: candles, the runs' arrays, the sources that runs were submitted with."""
ROOMS = frozenset((DATABASE, SECRET, STRATEGIES, "candles", "artifacts", "cache"))

LARGEST_SECRET_BYTES = 4_096
LARGEST_RATIO = 250
"""Bytes unpacked for each byte of an archive; what `save` writes stays below it even if all is zeros."""
ALWAYS_UNPACKED_BYTES = 1 << 30
"""What is unpacked whatever the ratio."""
ROOM_LEFT_BYTES = 256 << 20
"""Space that unpacking leaves on the disk."""
BLOCK_BYTES = 4_096
"""What an empty file takes on a disk, about."""
DAMAGES = (tarfile.TarError, EOFError, ValueError, OverflowError, lzma.LZMAError, zlib.error, gzip.BadGzipFile)
"""What Python raises over an archive that is none, is cut off or is damaged."""


class ArchiveError(AlgotradeError):
    """A home cannot be saved or brought back; the message says why, and nothing was changed."""


def save(file: Path, home: Path, database: Path, strategies: Path) -> int:
    """Write a home into a new file that only its owner may read, since it holds the secret; return its bytes.

    Raises:
        ArchiveError: the file is there already, or there is no database to save.
        OSError: it cannot be written.
    """
    if file.exists():
        raise ArchiveError(f"{file} exists already; nothing was written.")
    if not database.is_file():
        raise ArchiveError(f"There is nothing to save: {database} does not exist.")
    aside = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    try:
        with (
            tempfile.TemporaryDirectory(dir=home, prefix=".backup-") as folder,
            open(os.open(aside, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as stream,
            tarfile.open(fileobj=stream, mode="w:gz", compresslevel=1) as archive,
        ):
            copy = Path(folder) / DATABASE
            with closing(sqlite3.connect(database)) as source, closing(sqlite3.connect(copy)) as target:
                source.backup(target)
            archive.add(copy, DATABASE)
            archive.add(home / SECRET, SECRET)
            for name, path in ((STRATEGIES, strategies), *((name, home / name) for name in FOLDERS)):
                if path.is_dir():
                    archive.add(path, name, filter=_kept)
        os.link(aside, file)  # fails where a file has come meanwhile
    except FileExistsError:
        raise ArchiveError(f"{file} exists already; nothing was written.") from None
    finally:
        aside.unlink(missing_ok=True)
    return file.stat().st_size


def bring_back(file: Path, home: Path) -> None:
    """Unpack a saved home into one that has neither runs nor candles.

    Raises:
        ArchiveError: the home is in use, or the file is none that `save` wrote, is damaged, or needs too much room.
        OSError: it cannot be read or written.
    """
    for name in sorted(ROOMS - {SECRET, "cache"}):
        path = home / name
        if path.is_file() or (path.is_dir() and any(path.iterdir())):
            raise ArchiveError(f"{path} exists already: set ALGOTRADE_HOME to an empty folder.")
    aside = Path(tempfile.mkdtemp(dir=home, prefix=".restore-"))
    try:
        try:
            with tarfile.open(file, "r:*") as archive:
                room = _room(file, aside)
                for member, place in _members(archive):
                    room -= member.size + BLOCK_BYTES
                    if room < 0:
                        raise ValueError("it unpacks to more than its size allows, or than the disk has room for")
                    _unpack(archive, member, aside / place)
        except DAMAGES as error:
            raise ArchiveError(f"{file} cannot be unpacked: {error}") from error
        problem = _problem(aside)
        if problem:
            raise ArchiveError(f"{file} {problem}")
        for suffix in ("-wal", "-shm"):  # of a database that was here before: they would be taken for this one's
            (home / f"{DATABASE}{suffix}").unlink(missing_ok=True)
        for path in sorted(aside.iterdir()):
            target = home / path.name
            shutil.rmtree(target) if target.is_dir() else target.unlink(missing_ok=True)
            path.rename(target)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _room(file: Path, folder: Path) -> int:
    """Return how many bytes of the archive `file` may be unpacked below `folder`."""
    free = shutil.disk_usage(folder).free - ROOM_LEFT_BYTES
    return min(free, max(ALWAYS_UNPACKED_BYTES, LARGEST_RATIO * file.stat().st_size))


def _problem(folder: Path) -> str:
    """Return why what was unpacked is no home; an empty text when it is one."""
    secret, database = folder / SECRET, folder / DATABASE
    if not database.is_file():
        return "has no database in it: it is not a backup."
    if not secret.is_file() or not 0 < secret.stat().st_size <= LARGEST_SECRET_BYTES or not secret.read_bytes().strip():
        return "has no secret in it, which the logins of its database need: it is not a backup."
    ours = {model._meta.db_table for model in (Run, User, MigrationRecorder.Migration)}
    try:
        # Immutable: nothing is written beside it, and its file alone is the whole of it.
        with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro&immutable=1", uri=True)) as connection:
            found = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
            tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    except sqlite3.Error as error:
        return f"holds a damaged database: {error}."
    if found != "ok":
        return f"holds a damaged database: {found}."
    missing = sorted(ours - tables)
    return f"holds a database without the tables {', '.join(missing)}: it is not a backup." if missing else ""


def _kept(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    """Leave out what is being written, and what is neither file nor folder."""
    is_aside = PurePosixPath(member.name).name.startswith(".new-") or "__pycache__" in member.name
    return member if (member.isfile() or member.isdir()) and not is_aside else None


def _members(archive: tarfile.TarFile) -> Iterator[tuple[tarfile.TarInfo, PurePosixPath]]:
    """Yield the members and where they belong.

    Raises:
        ValueError: one would lie outside a home's rooms, or is neither file nor folder.
    """
    for member in archive:
        path = PurePosixPath(member.name)
        if path.is_absolute() or ".." in path.parts or not path.parts or path.parts[0] not in ROOMS:
            raise ValueError(f"{member.name!r} does not belong in a home folder")
        if not (member.isfile() or member.isdir()):
            raise ValueError(f"{member.name!r} is neither file nor folder")
        yield member, path


def _unpack(archive: tarfile.TarFile, member: tarfile.TarInfo, path: Path) -> None:
    """Write a member to `path`.

    Raises:
        ValueError: something of that name, or a file in place of its folder, was unpacked before.
    """
    mode = 0o600 if path.name in (SECRET, DATABASE) else 0o644
    try:
        if member.isdir():
            path.mkdir(parents=True, exist_ok=True)
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode)
    except (FileExistsError, NotADirectoryError):
        raise ValueError(f"{member.name!r} appears twice") from None
    with open(descriptor, "wb") as target:
        source = archive.extractfile(member)
        if source is None:
            raise ValueError(f"{member.name!r} is not a file")
        shutil.copyfileobj(source, target)
