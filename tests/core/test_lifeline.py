"""Processes end with their parent."""

import os
import select
import signal
import subprocess
import sys

import pytest

from tests.environment import ROOT

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

PRIVATE = """
import ctypes, os, subprocess, sys
from algotrade.lifeline import keep_private

if os.getuid() == 0:  # who may read everything
    os.setgid(65534)
    os.setuid(65534)
ctypes.CDLL(None).prctl(4, 1)  # changing the user has made it private already
if sys.argv[1] == "private":
    keep_private()
print(os.stat(f"/proc/{os.getpid()}/ns/pid").st_ino > 0, flush=True)  # it still knows itself
sys.exit(subprocess.run(["cat", f"/proc/{os.getpid()}/environ"], stdout=2, stderr=subprocess.DEVNULL).returncode)
"""

ORPHAN = "import os; from algotrade.lifeline import die_with; die_with(os.getpid()); print(1)"


def run_until_ready(program):
    """Start `program`, whose last descendant says ready; return it and the pipe that all of them hold open."""
    process = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(ROOT)}
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
        [sys.executable, "-c", ORPHAN], capture_output=True, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=False
    )
    assert (done.returncode, done.stdout) == (-signal.SIGKILL, b"")


@pytest.mark.parametrize(("how", "returncode"), [("open", 0), ("private", 1)])
def test_environment_of_a_private_process_is_for_itself(how, returncode):
    done = subprocess.run(
        [sys.executable, "-c", PRIVATE, how],
        capture_output=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False,
    )
    assert (done.stdout, done.returncode) == (b"True\n", returncode), done.stderr


def test_processes_of_the_product_are_private(tmp_path):
    ask = "import ctypes, sys; sys.exit(ctypes.CDLL(None).prctl(3))"
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "DJANGO_SETTINGS_MODULE": "algotrade.settings",
        "ALGOTRADE_HOME": str(tmp_path),
    }

    def is_dumpable(code):
        return subprocess.run([sys.executable, "-c", code], env=environment, check=False).returncode

    assert [is_dumpable(ask), is_dumpable(f"import django; django.setup(); {ask}")] == [1, 0]
