"""`manage.py backtest` as people and programs run it, and every way to end."""

import os
import pty
import re
import signal
import sqlite3
from contextlib import closing

import pytest

from tests import gated
from tests.integration import strategies
from tests.stack import wait_for

pytestmark = pytest.mark.stack

BAR = re.compile(r"Running backtest: +\d+%\|.*/9\.13k .* bars/s, equity [\d,.]+")
WHERE = ("--asset", "ACME", "--exchange", "SAMPLE", "--timeframe", "1h")


def bars_done(home):
    """Return how far the newest run is; 0 while there are no tables yet."""
    with closing(sqlite3.connect(home / "algotrade.sqlite3")) as connection:
        if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'runs_run'").fetchone():
            return 0
        return (connection.execute("SELECT processed FROM runs_run").fetchone() or [0])[0]


@pytest.mark.timeout(300)
def test_failure_has_status_1_and_the_traceback(start_command):
    start_command.write_strategy("buggy", strategies.buggy(compiled=True))
    process = start_command("backtest", "--strategy", "buggy", *WHERE)
    told, errors = process.communicate(timeout=200)
    line = strategies.buggy(compiled=True).splitlines().index(f"        {strategies.FAILING_LINE}") + 1
    problem = "FloatingPointError: divide by zero encountered in divide"
    assert process.returncode == 1
    assert told.splitlines()[0] == f"Backtest 1: failed at 3.2%, 300 of 9,135 bars: {problem} (buggy.py:{line})"
    lines = errors.splitlines()
    assert lines[:3] == ["Bar 300, 2020-02-28 20:00 UTC", "Parameters: at 300", "Position: 125"]
    assert f'  File "strategies/buggy.py", line {line}, in on_bar' in lines
    assert lines[-1] == problem


@pytest.mark.timeout(300)
def test_wrong_input_has_status_2_and_nothing_on_standard_output(start_command):
    process = start_command("backtest", "--strategy", "sma_cross", *WHERE, "--param", "fast=0", "--json")
    told, errors = process.communicate(timeout=100)
    assert (process.returncode, told) == (2, "")
    assert "parameters.fast: Must be a whole number from 2 to 200; it is '0'." in errors


@pytest.mark.timeout(300)
def test_interrupt_cancels_the_run(start_command):
    start_command.write_strategy("gated", gated.BARS)
    gate = start_command.gates.new()
    process = start_command("backtest", "--strategy", "gated", *WHERE, "--param", f"gate={gate.number}")
    gate.let_bars()
    wait_for(lambda: bars_done(start_command.home) > 0, 120, "the first bars")
    process.send_signal(signal.SIGINT)
    told = process.communicate(timeout=60)[0]
    assert process.returncode == 130
    assert re.match(r"Backtest 1: cancelled at \d\.\d%, [\d,]+ of 9,135 bars\.\n", told)


@pytest.mark.timeout(300)
def test_terminal_shows_a_progress_bar_that_goes_away(start_command):
    start_command.write_strategy("gated", gated.BARS)
    gate = start_command.gates.new()
    terminal, end = pty.openpty()
    process = start_command("backtest", "--strategy", "gated", *WHERE, "--param", f"gate={gate.number}", stderr=end)
    os.close(end)
    shown = b""
    gate.let_bars()
    while chunk := read(terminal):
        shown += chunk
        if BAR.search(shown.decode(errors="replace")):
            gate.open()
    os.close(terminal)
    assert process.communicate(timeout=60)[0].startswith("Backtest 1: completed, 9,135 bars in ")
    assert process.returncode == 0
    assert BAR.search(shown.decode())
    assert shown.decode().rpartition("\r")[0].rpartition("\r")[2].strip() == ""


def read(terminal):
    """Return what a terminal shows next; nothing once no process holds its other end."""
    try:
        return os.read(terminal, 4096)
    except OSError:
        return b""
