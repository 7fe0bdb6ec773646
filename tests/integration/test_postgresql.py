"""What is proved of rows on SQLite holds on PostgreSQL: the same tests, run again there."""

import os
import re
import subprocess
import sys

import pytest

from tests.environment import ROOT

NAMES = (
    "models", "reaper", "tasks", "chunks", "drain", "login", "admin", "api_submit", "api_read", "api_optimizations",
    "trial_columns", "trial_table", "downloading", "api_downloads",
)  # fmt: skip
TESTS = [f"tests/runs/test_{name}.py" for name in NAMES]


@pytest.mark.timeout(300)
def test_tests_of_rows_pass_on_postgresql(services):
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--create-db", *TESTS],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "ALGOTRADE_TEST_ROWS_URL": services["database"]},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-5_000:] + done.stderr[-2_000:]
    assert int(re.search(r"(\d+) passed", done.stdout)[1]) > 100
