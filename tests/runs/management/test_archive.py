"""`manage.py backup` and `restore`: everything that must survive comes back, and nothing is overwritten."""

import io
import random
import sqlite3
import stat
import tarfile
from contextlib import closing
from io import StringIO
from types import SimpleNamespace

import pytest
from django.core.management import CommandError, call_command

from runs.management import archive

FILES = {
    "candles/ACME-TEST-1h/current.json": "{}",
    "artifacts/1-a/equity.npy": "array",
    "cache/strategies/ab/mine.py": "pass",
    "strategies/mine.py": "pass  # mine",
    "secret": "s3cret",
}
LEFT_OUT = {
    "artifacts/.new-2-b/equity.npy": "half",
    "cache/kernels/loop.py": "machine code",
    "strategies/__pycache__/mine.pyc": "bytes",
    "up.lock": "1",
}


@pytest.fixture
def home(tmp_path):
    """Return a home with a database in use: what was committed last is not in its main file yet."""
    folder = tmp_path / "home"
    for name, text in (FILES | LEFT_OUT).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    with closing(sqlite3.connect(folder / archive.DATABASE, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        for table in ("runs_run", "auth_user", "django_migrations"):
            connection.execute(f"CREATE TABLE {table} (id)")
        connection.execute("CREATE TABLE note (text)")
        connection.execute("INSERT INTO note VALUES ('kept')")
        yield folder


@pytest.fixture
def fresh(tmp_path):
    """Return a home as it is when the first command has just begun."""
    folder = tmp_path / "fresh"
    folder.mkdir()
    (folder / "secret").write_text("another")
    (folder / f"{archive.DATABASE}-wal").write_text("of a database that was deleted")
    return folder


def save(home, file):
    return archive.save(file, home, home / archive.DATABASE, home / "strategies")


def files_of(folder):
    """Return the texts of all files but the database's, by path."""
    paths = [path for path in folder.rglob("*") if path.is_file() and archive.DATABASE not in path.name]
    return {path.relative_to(folder).as_posix(): path.read_text() for path in paths}


def test_saved_home_comes_back_whole(home, fresh, tmp_path):
    size = save(home, tmp_path / "backup.tar.gz")
    archive.bring_back(tmp_path / "backup.tar.gz", fresh)
    assert files_of(fresh) == FILES
    with closing(sqlite3.connect(fresh / archive.DATABASE)) as connection:
        assert connection.execute("SELECT text FROM note").fetchall() == [("kept",)]
    assert size == (tmp_path / "backup.tar.gz").stat().st_size > 0


def test_backup_is_for_its_owner_only(home, fresh, tmp_path):
    save(home, tmp_path / "backup.tar.gz")
    archive.bring_back(tmp_path / "backup.tar.gz", fresh)
    for path in (tmp_path / "backup.tar.gz", fresh / "secret", fresh / archive.DATABASE):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_backup_overwrites_nothing(home, tmp_path):
    (tmp_path / "backup.tar.gz").write_text("older")
    with pytest.raises(archive.ArchiveError, match="exists already; nothing was written"):
        save(home, tmp_path / "backup.tar.gz")
    assert (tmp_path / "backup.tar.gz").read_text() == "older"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["backup.tar.gz", "home"]


def test_backup_without_a_database_is_refused(fresh, tmp_path):
    with pytest.raises(archive.ArchiveError, match="There is nothing to save"):
        save(fresh, tmp_path / "backup.tar.gz")


@pytest.mark.parametrize("name", [archive.DATABASE, "candles/x/current.json", "artifacts/1-a/x.npy", "strategies/a.py"])
def test_home_in_use_is_not_touched(home, fresh, tmp_path, name):
    save(home, tmp_path / "backup.tar.gz")
    (fresh / name).parent.mkdir(parents=True, exist_ok=True)
    (fresh / name).write_text("mine")
    before = sorted(fresh.rglob("*"))
    with pytest.raises(archive.ArchiveError, match="exists already: set ALGOTRADE_HOME to an empty folder"):
        archive.bring_back(tmp_path / "backup.tar.gz", fresh)
    assert sorted(fresh.rglob("*")) == before


def test_cut_off_backup_leaves_the_home_as_it_was(home, fresh, tmp_path):
    whole = tmp_path / "backup.tar.gz"
    save(home, whole)
    whole.write_bytes(whole.read_bytes()[:-200])
    with pytest.raises(archive.ArchiveError, match="cannot be unpacked"):
        archive.bring_back(whole, fresh)
    assert sorted(path.name for path in fresh.iterdir()) == [f"{archive.DATABASE}-wal", "secret"]


@pytest.mark.parametrize(
    ("name", "kind", "told"),
    [
        ("../outside", tarfile.REGTYPE, "does not belong in a home folder"),
        ("/etc/passwd", tarfile.REGTYPE, "does not belong in a home folder"),
        ("candles/../../x", tarfile.REGTYPE, "does not belong in a home folder"),
        ("other/x", tarfile.REGTYPE, "does not belong in a home folder"),
        ("candles/link", tarfile.SYMTYPE, "is neither file nor folder"),
        ("candles/x", tarfile.REGTYPE, "has no database in it"),
    ],
)
def test_foreign_archive_is_refused(fresh, tmp_path, name, kind, told):
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, "/etc/passwd"
    with tarfile.open(tmp_path / "foreign.tar", "w") as foreign:
        foreign.addfile(member, io.BytesIO())
    with pytest.raises(archive.ArchiveError, match=told):
        archive.bring_back(tmp_path / "foreign.tar", fresh)
    assert sorted(path.name for path in fresh.iterdir()) == [f"{archive.DATABASE}-wal", "secret"]


def packed(path, members, mode="w:gz"):
    """Write an archive of (name, content) pairs."""
    with tarfile.open(path, mode) as file:
        for name, content in members:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            file.addfile(member, io.BytesIO(content))
    return path


def refusal(file, home):
    """Bring an archive back, which fails and leaves the home as it was; return what was told."""
    before = files_of(home)
    with pytest.raises(archive.ArchiveError) as caught:
        archive.bring_back(file, home)
    assert files_of(home) == before
    assert sorted(path.name for path in home.iterdir()) == [f"{archive.DATABASE}-wal", "secret"]
    return str(caught.value)


@pytest.fixture
def database(home, tmp_path):
    """Return the bytes of a good database."""
    with tarfile.open(saved(home, tmp_path / "good.tar.gz")) as file:
        return file.extractfile(archive.DATABASE).read()


def saved(home, file):
    save(home, file)
    return file


@pytest.mark.parametrize("junk", [b"junk" * 1_000, b"", b"SQLite format 3\0" + b"\1" * 5_000])
def test_junk_in_place_of_the_database_is_refused(fresh, tmp_path, junk):
    told = refusal(packed(tmp_path / "x.tgz", [(archive.DATABASE, junk), ("secret", b"s3cret")]), fresh)
    assert "holds a da" in told


def test_damaged_page_of_the_database_is_refused(fresh, tmp_path, database):
    torn = database[:4_096] + b"\x55" * 4_096 + database[8_192:]
    told = refusal(packed(tmp_path / "x.tgz", [(archive.DATABASE, torn), ("secret", b"s3cret")]), fresh)
    assert "holds a damaged database" in told


def test_database_of_another_program_is_refused(fresh, tmp_path):
    with closing(sqlite3.connect(tmp_path / "other")) as connection:
        connection.execute("CREATE TABLE runs_run (id)")
        connection.commit()
    content = (tmp_path / "other").read_bytes()
    told = refusal(packed(tmp_path / "x.tgz", [(archive.DATABASE, content), ("secret", b"s3cret")]), fresh)
    assert told.endswith("holds a database without the tables auth_user, django_migrations: it is not a backup.")


@pytest.mark.parametrize(
    "secret", [[], [("secret", b"")], [("secret", b" \n")], [("secret/x", b"s")], [("secret", b"s" * 5_000)]]
)
def test_archive_without_a_proper_secret_is_refused(fresh, tmp_path, database, secret):
    assert "has no secret in it" in refusal(packed(tmp_path / "x.tgz", [(archive.DATABASE, database), *secret]), fresh)


def test_member_that_comes_twice_is_refused(fresh, tmp_path, database):
    members = [(archive.DATABASE, database), ("secret", b"s"), ("secret", b"t")]
    assert "'secret' appears twice" in refusal(packed(tmp_path / "x.tgz", members), fresh)
    members = [("candles", b""), ("candles/x", b"")]
    assert "'candles/x' appears twice" in refusal(packed(tmp_path / "y.tgz", members), fresh)


@pytest.mark.parametrize("mode", ["w:gz", "w:xz", "w:bz2"])
def test_corrupt_or_cut_off_archive_of_any_kind_is_told(fresh, tmp_path, mode):
    noise = random.Random(1).randbytes(200_000)
    whole = packed(tmp_path / "x", [("candles/x", noise)], mode).read_bytes()
    for n, torn in enumerate((whole[:-100_000], whole[:60_000] + b"\x55" * 60_000 + whole[120_000:], whole[:3])):
        (tmp_path / f"torn{n}").write_bytes(torn)
        assert "cannot be unpacked" in refusal(tmp_path / f"torn{n}", fresh)


def test_archive_that_swells_is_refused(fresh, tmp_path, monkeypatch):
    monkeypatch.setattr(archive, "ALWAYS_UNPACKED_BYTES", 1 << 20)
    bomb = packed(tmp_path / "x.txz", [("candles/x", b"\0" * (16 << 20))], "w:xz")
    assert "unpacks to more than its size allows" in refusal(bomb, fresh)
    many = packed(tmp_path / "y.txz", [(f"candles/{n}", b"") for n in range(2_000)], "w:xz")
    assert "unpacks to more than its size allows" in refusal(many, fresh)


def test_backup_of_zeros_comes_back(home, fresh, tmp_path, monkeypatch):
    monkeypatch.setattr(archive, "ALWAYS_UNPACKED_BYTES", 0)
    (home / "candles" / "zeros").write_text("\0" * (32 << 20))
    archive.bring_back(saved(home, tmp_path / "x.tgz"), fresh)
    assert (fresh / "candles" / "zeros").stat().st_size == 32 << 20


def test_archive_for_which_the_disk_has_no_room_is_refused(home, fresh, tmp_path, monkeypatch):
    file = saved(home, tmp_path / "x.tgz")
    usage = SimpleNamespace(free=archive.ROOM_LEFT_BYTES + 10_000)
    monkeypatch.setattr(archive.shutil, "disk_usage", lambda _: usage)
    assert "than the disk has room" in refusal(file, fresh)


def test_commands_tell_what_is_wrong(tmp_path, settings, monkeypatch):
    settings.ALGOTRADE_HOME = tmp_path
    with pytest.raises(CommandError, match="Unset DATABASE_URL"):
        call_command("restore", str(tmp_path / "nothing.tar.gz"), stdout=StringIO())
    monkeypatch.setitem(settings.DATABASES["default"], "NAME", tmp_path / archive.DATABASE)
    with pytest.raises(CommandError, match=r"Nothing was restored: .*nothing.tar.gz: No such file or directory\."):
        call_command("restore", str(tmp_path / "nothing.tar.gz"), stdout=StringIO())
    with pytest.raises(CommandError, match="There is nothing to save"):
        call_command("backup", str(tmp_path / "new.tar.gz"), stdout=StringIO())
