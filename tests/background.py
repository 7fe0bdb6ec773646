"""Commands that run beside the tests and are judged at the end: nobody waits while others could work.

A test names its command by the marker `beside`, whose `command` returns the command and its environment, or None where
this machine lacks something. One process of a parallel run starts it; whichever has the test waits for its status.
"""

import os
import signal
import subprocess
from contextlib import suppress

from tests.bench.product import wait_for
from tests.environment import ROOT, SHARED

SECONDS = 540.0
"""How long a test waits for the end of its command."""
AND_ITS_STATUS = '"$@" >"$0/output" 2>&1; echo $? >"$0/new"; mv "$0/new" "$0/status"'
_started = []


def _folder(item):
    return SHARED / "beside" / item.name


def start_for(item):
    """Start the command of a test that has one."""
    marker = item.get_closest_marker("beside")
    if marker is None or (asked := marker.kwargs["command"]()) is None:
        return
    command, variables = asked
    folder = _folder(item)
    folder.mkdir(parents=True)
    _started.append(
        subprocess.Popen(
            ["nice", "sh", "-c", AND_ITS_STATUS, folder, *command],  # it takes what the tests leave of the cores
            cwd=ROOT,
            env={"PATH": os.environ["PATH"], **variables},
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
    )


def result_of(item):
    """Return exit status and output of a test's command, once it has ended."""
    folder = _folder(item)
    status = wait_for((folder / "status").exists, SECONDS, f"the end of what {item.name} judges")
    assert status
    return int((folder / "status").read_text()), (folder / "output").read_text()


def end_all():
    """Kill the commands that still run, with all that they started."""
    for process in _started:
        if process.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        process.wait()
