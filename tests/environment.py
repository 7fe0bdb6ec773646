"""Where the tests run: a home folder of their own, and nothing of the user's settings.

Imported by `tests/conftest.py` before anything of Django: settings read the environment once. The addresses of
PostgreSQL and Redis are taken out of the environment, so that every test runs on SQLite files and no Redis; the tests
that are about these two read them here.
"""

import atexit
import fcntl
import os
import shutil
import sys
import sysconfig
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import pytest

ROOT = Path(__file__).resolve().parent.parent
GIVEN = dict(os.environ)
"""The environment as it was given; the processes of a parallel run start from it, as this one did."""
IS_CI = os.environ.get("CI", "").lower() in ("1", "true")
DATABASE_URL = os.environ.pop("DATABASE_URL", "")
REDIS_URL = os.environ.pop("REDIS_URL", "")
ROWS_URL = os.environ.pop("ALGOTRADE_TEST_ROWS_URL", "")
"""Database for the rows of tests instead of a SQLite file; set for the run that tests/integration makes of them."""
SHARED_DATA = Path(os.environ.pop("ALGOTRADE_SHARED_DATA", "") or ROOT.parent / "shared" / "data")

if "algotrade.settings" in sys.modules:
    raise pytest.UsageError("Unset DJANGO_SETTINGS_MODULE: the tests must choose a home folder before settings load.")

HOME = Path(tempfile.mkdtemp(prefix="algotrade-test-"))
"""ALGOTRADE_HOME of the tests, removed when they end."""

SHARED = Path(os.environ.pop("ALGOTRADE_TEST_SHARED", "") or HOME)
"""A folder that all processes of a parallel run know: the home of the one that started them."""

KERNELS = HOME / "cache" / "kernels"
"""Compiled strategies, shared by the tests of one session: their names are hashes of all that goes into them.

ALGOTRADE_TEST_KERNELS names a folder that keeps them from one session to the next, which saves half a minute.
"""
if _kept := os.environ.pop("ALGOTRADE_TEST_KERNELS", ""):
    Path(_kept).mkdir(parents=True, exist_ok=True)
    KERNELS.parent.mkdir(parents=True)
    KERNELS.symlink_to(Path(_kept).resolve())

for _name in [name for name in os.environ if name.startswith("ALGOTRADE_")]:
    del os.environ[_name]
os.environ["ALGOTRADE_HOME"] = str(HOME)
os.environ["NUMBA_CACHE_DIR"] = str(KERNELS)  # as children have it: the metrics' functions are compiled once
os.environ["DJANGO_SETTINGS_MODULE"] = "algotrade.settings"
if ROWS_URL:
    os.environ["DATABASE_URL"] = ROWS_URL
os.fsync = lambda descriptor: None
"""Nothing here has to survive a power cut. What is proved of that runs in processes of its own (tests/market)."""
_owner = os.getpid()


@atexit.register
def _remove_home() -> None:
    if os.getpid() == _owner:  # not at the end of a process that a test forked
        shutil.rmtree(HOME, ignore_errors=True)


@contextmanager
def one_at_a_time(name):
    """Let one process of a parallel run after the other into a block."""
    with (SHARED / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def shared_folder(name, make):
    """Return a folder that all processes of a parallel run have in common: `make` fills it for the first that asks."""
    folder, aside = SHARED / name, SHARED / f"{name}.new"
    with one_at_a_time(name):
        if not folder.exists():
            make(aside)
            aside.rename(folder)
    return folder


def as_users_have_it():
    """Return a Python whose environment lacks what only tests need, and every child would pay for: TA-Lib loads pandas.

    It is this one's environment, package by package linked.
    """
    return str(shared_folder("environment", _link_packages) / "bin" / "python")


def _link_packages(folder):
    packages = Path(sysconfig.get_path("purelib"))
    linked = folder / "lib" / packages.parent.name / packages.name
    for made in (folder / "bin", linked):
        made.mkdir(parents=True)
    base = Path(sys.executable).resolve()
    (folder / "bin" / "python").symlink_to(base)
    (folder / "pyvenv.cfg").write_text(f"home = {base.parent}\ninclude-system-site-packages = false\n")
    for entry in packages.iterdir():
        if entry.name.partition("-")[0] != "pandas":
            (linked / entry.name).symlink_to(entry)


def for_workers():
    """Return the environment of the processes of a parallel run: as it was given, and what they share."""
    shared = {"ALGOTRADE_TEST_KERNELS": str(KERNELS), "ALGOTRADE_TEST_SHARED": str(HOME)}
    return GIVEN | shared


def lacks(reason: str) -> NoReturn:
    """Skip the test for what this machine lacks; in CI nothing may be missing."""
    if IS_CI:
        pytest.fail(f"{reason} In CI nothing is skipped for what is missing.")
    pytest.skip(reason)
