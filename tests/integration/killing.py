"""Kills processes of a product at random while it evaluates an optimization."""

import os
import random
import signal
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.stack import descendants, processes, wait_for

KINDS = {"worker": 8, "child": 8, "helper": 2, "node": 1, "product": 1}
"""How often each is chosen: a busy worker, a child of one, any process below a node, the node itself, everything."""
SECONDS_TO_PROCEED = 60.0
"""Within these the next trial must be stored, whatever was killed."""


class Killer:
    """Kills, again and again, when trials were stored since the last kill, and never twice at the same trial.

    Without the first rule kills could come faster than processes start. By the second no trial is ever suspected to be
    what ends its process: that takes three losses. Seconds from one kill to the next are bounded by
    SECONDS_TO_PROCEED, twice.

    Attributes:
        kills: how many there were of each kind.
    """

    def __init__(self, product, number, gate, seed):
        """Be ready to kill while the optimization of this number proceeds, whose trials wait at a gate."""
        self._product, self._number, self._gate = product, number, gate
        self._chance = random.Random(seed)
        self._hit = set()
        self.kills = dict.fromkeys(KINDS, 0)

    def kill(self, n_kills):
        """Kill so many times, and see the optimization proceed after the last one, too."""
        self._wait_for_progress()
        for _ in range(n_kills):
            wait_for(self._kill_one, SECONDS_TO_PROCEED, "somebody to kill", 0.02)
            self._wait_for_progress()

    def _wait_for_progress(self):
        """Let trials pass, one by one, until one more is stored."""
        before = self._n_stored()

        def proceeded():
            if self._n_stored() > before:
                return True
            self._gate.let_next_trial()
            return False

        wait_for(proceeded, SECONDS_TO_PROCEED, f"a trial after the kills {self.kills}", 0.25)

    def _n_stored(self):
        query = f"SELECT processed, state, error_message FROM runs_run WHERE number = {self._number}"
        ((processed, state, error),) = self._product.rows(query)
        assert state in ("pending", "running"), f"{state} after the kills {self.kills}: {error}"
        return processed

    def _kill_one(self):
        """Kill a process chosen at random, if no trial is hit a second time by it; tell whether one was killed."""
        (kind,) = self._chance.choices(list(KINDS), KINDS.values())
        candidates, workers = self._look(kind)
        if not candidates:
            return False
        target = self._chance.choice(sorted(candidates))
        affected = workers if kind in ("node", "product") else {target, processes().get(target, (0,))[0]} & workers
        with standing_still(affected):
            hit = {first for pid, first in self._chunks() if pid in affected}
            if hit & self._hit:
                return False
            with suppress(ProcessLookupError):
                os.kill(target, signal.SIGKILL)
        self._hit |= hit
        self.kills[kind] += 1
        if kind == "product":
            self._product.process.wait()
            self._product.start()
        return True

    def _look(self, kind):
        """Return whom a kill of this kind may hit, and the processes below the node."""
        top = self._product.process.pid
        every = processes()
        node = {pid for pid, command in descendants(top).items() if " worker " in command}
        main = {pid for pid in node if every.get(pid, (0,))[0] == top}
        sentinel = {pid for pid in node if every.get(pid, (0,))[0] in main}
        helpers = node - main - sentinel
        busy = {pid for pid, _ in self._chunks()} & helpers
        children = {pid for pid, (parent, command) in every.items() if parent in busy and "runner" in command}
        found = {"worker": busy, "child": children, "helper": helpers, "node": main | sentinel, "product": {top}}
        return found[kind], helpers

    def _chunks(self):
        """Return worker and first trial of each chunk that is being evaluated."""
        chunks = self._product.rows("SELECT owner, first FROM runs_chunk WHERE owner <> ''")
        return [(int(owner.split(":")[1]), first) for owner, first in chunks]


@contextmanager
def standing_still(pids):
    """Stop processes while the block looks at what they hold: what it sees stays true until it kills."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGSTOP)
    try:
        for pid in pids:
            wait_for(lambda pid=pid: _is_still(pid), 10, f"the stop of process {pid}", 0.001)
        yield
    finally:
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


def _is_still(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "TtZX"
    except OSError:
        return True
