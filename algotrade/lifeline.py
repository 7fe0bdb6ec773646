"""Processes that end with their parent, so that nothing is left running when one is killed.

Below a process that runs code of strangers stands more than itself: what it forks, what that forks, and what has left
its group and session since. So such a process lives under a keeper, which is told by the kernel of its parent's end,
inherits every orphan below it, and ends them all.

Processes are found by the kernel's own lists of children and not by psutil. That reads every process of the machine to
find one's children, some twenty-five to eighty times as long, and those that fork meanwhile get away the more easily;
its import would be a twentieth of a second in each child, which imports nothing here but Python's own modules.
"""

import ctypes
import os
import resource
import signal
import time
from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_CHILD_SUBREAPER = 1, 4, 36
LOOK_SECONDS = 1.0
"""How often a keeper looks whether its parent lives, besides being told."""
SWEEP_SECONDS = 5.0
"""How long processes that fork faster than they are ended are chased one by one."""


def die_with(parent: int) -> None:
    """Have the kernel kill this process when its parent ends; end at once when process `parent` is gone already.

    The kernel watches the parent's *thread* that made this process: start long-lived children from a main thread.
    """
    _be_told_of_the_end_of(parent, signal.SIGKILL)


def bind_future_forks() -> None:
    """Bind every process that this one, or one of those, forks from here on to its parent."""
    parent = 0

    def before() -> None:
        nonlocal parent
        parent = os.getpid()

    os.register_at_fork(before=before, after_in_child=lambda: die_with(parent))


def keep_private() -> None:
    """Let no other process of this user read the memory and the environment of this one, nor those that it forks.

    A program that is started by this one is not covered; the superuser may read whatever there is.
    """
    _prctl(_PR_SET_DUMPABLE, 0)


def live_under_keeper(parent: int) -> None:
    """Go on in a fork of this process. The process itself stays behind as the keeper of all that descends from it.

    To `parent` the keeper is the child: it has its process id, and ends the way the fork ends. When the fork or
    `parent` ends, the keeper ends all below it. What the fork kills as its parent is the keeper, and nothing else.
    """
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)
    _be_told_of_the_end_of(parent, signal.SIGTERM)
    keeper = os.getpid()
    ward = os.fork()
    if ward:
        _keep(ward, parent)
    die_with(keeper)
    signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
    bind_future_forks()


def oldest_child(pid: int) -> int | None:
    """Return the first process that process `pid` forked and that it has not seen the end of; orphans come later."""
    return next(_children(pid), None)


def end_descendants(of: int, spare: Collection[int] = ()) -> bool:
    """Kill all that descends from the process `of`, but for those to `spare`; False when some still live.

    They are found by their parents, so the group and the session that they are in do not matter. Those whose parent has
    ended are found if `of` inherits them, as a keeper does.
    """
    deadline = time.monotonic() + SWEEP_SECONDS
    while left := {pid for pid in _descendants(of) if pid not in spare and _is_running(pid)}:
        if time.monotonic() > deadline:
            return False
        for pid in left:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        if of == os.getpid():  # another process's children are that one's to see the end of
            _reap()
        time.sleep(0.002)
    return True


def _prctl(option: int, value: int) -> None:
    ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)


def _be_told_of_the_end_of(parent: int, by: signal.Signals) -> None:
    _prctl(_PR_SET_PDEATHSIG, by)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)


def _keep(ward: int, parent: int) -> NoReturn:
    """Wait for the end of `ward` or of `parent`, end what is left below, and end as the ward did."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in range(3):  # held open they would hide from the parent that the ward has closed its ends
        os.dup2(nothing, descriptor)
    ended: int | None = None
    while ended is None and os.getppid() == parent:
        signal.sigtimedwait({signal.SIGCHLD, signal.SIGTERM}, LOOK_SECONDS)
        ended = _reap().get(ward)
    if not end_descendants(os.getpid()):
        os.killpg(0, signal.SIGKILL)  # at one stroke, which no fork escapes
    _end_like(1 << 8 if ended is None else ended)


def _end_like(status: int) -> NoReturn:
    """End with the exit code or by the signal that a wait status tells."""
    code = os.waitstatus_to_exitcode(status)
    if code < 0:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        with suppress(OSError):  # SIGKILL has no handler to reset
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
    os._exit(abs(code))


def _reap() -> dict[int, int]:
    """Return the statuses of children that have ended, by their process ids."""
    found = {}
    with suppress(ChildProcessError):
        while (ended := os.waitpid(-1, os.WNOHANG)) != (0, 0):
            found[ended[0]] = ended[1]
    return found


def _descendants(pid: int) -> Iterator[int]:
    waiting = [pid]
    while waiting:
        for child in _children(waiting.pop()):
            yield child
            waiting.append(child)


def _children(pid: int) -> Iterator[int]:
    """Yield the children of a process, the oldest of each of its threads first."""
    with suppress(OSError):  # it ends meanwhile
        for thread in sorted(Path(f"/proc/{pid}/task").iterdir(), key=lambda path: int(path.name)):
            yield from map(int, (thread / "children").read_text().split())


def _is_running(pid: int) -> bool:
    """Whether a process has not ended; one that only waits for its parent to see it has."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False
