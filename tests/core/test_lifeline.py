"""Processes end with their parent."""

import os
import select
import signal
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]

PARENT = """
import os, subprocess, sys
child = subprocess.Popen([sys.executable, "-c", '''
import os, signal, sys
from algotrade.lifeline import die_with
die_with(int(sys.argv[1]))
print("ready", flush=True)
signal.pause()
''', str(os.getpid())])
child.wait()
"""

FORKS = """
import os, signal
from algotrade.lifeline import bind_future_forks
bind_future_forks()
if os.fork() == 0:
    if os.fork() == 0:
        print("ready", flush=True)
    signal.pause()
signal.pause()
"""

ORPHAN = "import os; from algotrade.lifeline import die_with; die_with(os.getpid()); print(1)"


def run_until_ready(program):
    """Start `program`, whose last descendant says ready; return it and the pipe that all of them hold open."""
    process = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(PROJECT)}
    )
    assert process.stdout.readline() == b"ready\n"
    return process


def all_ended(process):
    """Whether every process that held the pipe has ended, within five seconds."""
    return bool(select.select([process.stdout], [], [], 5)[0]) and process.stdout.read() == b""


def test_child_ends_when_its_parent_is_killed():
    with run_until_ready(PARENT) as process:
        process.send_signal(signal.SIGKILL)
        assert all_ended(process)


def test_forks_of_forks_end_when_the_first_is_killed():
    with run_until_ready(FORKS) as process:
        process.send_signal(signal.SIGKILL)
        assert all_ended(process)


def test_child_of_a_parent_that_is_gone_ends_at_once():
    done = subprocess.run(
        [sys.executable, "-c", ORPHAN], capture_output=True, env={**os.environ, "PYTHONPATH": str(PROJECT)}, check=False
    )
    assert (done.returncode, done.stdout) == (-signal.SIGKILL, b"")
