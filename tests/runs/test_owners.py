"""Fencing tokens, and seeing from one whether its process lives."""

import os
import signal
import subprocess
import sys

import pytest

from runs.owners import is_known_dead, new_owner, place, start_ticks


def test_owner_is_fresh_each_time():
    assert new_owner() != new_owner()


def test_own_process_is_not_dead():
    assert not is_known_dead(new_owner())


def test_killed_process_is_dead_even_while_it_is_a_zombie():
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    owner = f"{place()}:{process.pid}:{start_ticks(process.pid)}:abc"
    assert not is_known_dead(owner)
    process.send_signal(signal.SIGKILL)
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert is_known_dead(owner)
    process.communicate()
    assert is_known_dead(owner)


def test_reused_process_number_is_another_process():
    assert is_known_dead(f"{place()}:{os.getpid()}:1:abc")


@pytest.mark.parametrize("owner", ["", "elsewhere:1:1:abc", "owner"])
def test_process_that_cannot_be_seen_is_not_called_dead(owner):
    assert not is_known_dead(owner)
