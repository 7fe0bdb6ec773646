"""What is proved of rows on SQLite holds on PostgreSQL: the same tests, run again there, beside the others."""

import re
import sys
import uuid
from urllib.parse import urlsplit, urlunsplit

import pytest

from tests import environment

NAMES = (
    "models", "node/test_reaper", "node/test_tasks", "optimizations/test_execution", "optimizations/test_columns",
    "optimizations/test_trials", "downloads/test_execution", "views/test_login", "admin", "api/test_downloads",
    "api/test_optimizations", "api/test_read", "api/test_submit",
)  # fmt: skip
TESTS = [f"tests/runs/{name}" + (".py" if "/" in name else "") for name in NAMES]


def rerun():
    """Return the command that runs them again, on a database of its own, which goes with it; its environment, too."""
    if not environment.DATABASE_URL:
        return None
    name = f"/algotrade_rows_{uuid.uuid4().hex[:12]}"
    return (
        [sys.executable, "-m", "pytest", "-q", "-n0", "--create-db", *TESTS],
        {
            "ALGOTRADE_TEST_ROWS_URL": urlunsplit(urlsplit(environment.DATABASE_URL)._replace(path=name)),
            "ALGOTRADE_TEST_KERNELS": str(environment.KERNELS.resolve()),
        },
    )


@pytest.fixture
def database():
    if not environment.DATABASE_URL:
        environment.lacks("DATABASE_URL names no PostgreSQL to test with.")


@pytest.mark.beside(command=rerun)
@pytest.mark.timeout(600)
def test_tests_of_rows_pass_on_postgresql(database, done_beside):
    status, output = done_beside
    assert status == 0, output[-7_000:]
    assert int(re.search(r"(\d+) passed", output)[1]) > 400
