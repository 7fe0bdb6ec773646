"""Where the tests run: a home folder of their own, and nothing of the user's settings.

Imported by `tests/conftest.py` before anything of Django: settings read the environment once. The addresses of
PostgreSQL and Redis are taken out of the environment, so that every test runs on SQLite files and no Redis; the tests
that are about these two read them here.
"""

import atexit
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import NoReturn

import pytest

ROOT = Path(__file__).resolve().parent.parent
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
os.environ["DJANGO_SETTINGS_MODULE"] = "algotrade.settings"
if ROWS_URL:
    os.environ["DATABASE_URL"] = ROWS_URL
_owner = os.getpid()


@atexit.register
def _remove_home() -> None:
    if os.getpid() == _owner:  # not at the end of a process that a test forked
        shutil.rmtree(HOME, ignore_errors=True)


def lacks(reason: str) -> NoReturn:
    """Skip the test for what this machine lacks; in CI nothing may be missing."""
    if IS_CI:
        pytest.fail(f"{reason} In CI nothing is skipped for what is missing.")
    pytest.skip(reason)
