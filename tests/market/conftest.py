"""Processes of a test's own, to be killed in the middle of what they do."""

import os
import subprocess
import sys

import pytest

from tests.environment import ROOT


@pytest.fixture
def start(tmp_path_factory):
    """Start programs with arguments, which are killed and reaped at the end whatever the test did."""
    left = tmp_path_factory.mktemp("left")  # what one that is killed has no time to remove
    processes = []

    def start(program, *arguments):
        process = subprocess.Popen(
            [sys.executable, "-c", program, *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "TMPDIR": str(left)},
        )
        processes.append(process)
        return process

    yield start
    for process in processes:
        process.kill()
        process.communicate()
