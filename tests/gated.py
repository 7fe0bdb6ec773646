"""Gates: where the strategies of tests wait until the test lets them on, so that no run has to last long enough.

A test makes a gate of the product it runs, submits a run of a strategy that names the gate by its number, and lets so
many bars or trials pass. The strategies import this module in their own process: nothing but Python's own library may
be imported here.
"""

import math
import time
from contextlib import contextmanager
from pathlib import Path

PAUSE_SECONDS = 0.02
"""How often one that waits looks at its gate."""
STRIDE = 64
"""Bars of the first stride of a run: after these it tells how far it is."""


_made = []


@contextmanager
def opened_afterwards():
    """Open every gate that is made meanwhile: what waits there, of a test that failed, holds up no other test."""
    n_before = len(_made)
    try:
        yield
    finally:
        while len(_made) > n_before:
            _made.pop().open()


class Gates:
    """The gates of one product, as many as its tests want."""

    def __init__(self, folder):
        """Keep them in `folder`."""
        self.folder = Path(folder)
        self._n_gates = 0

    def new(self):
        """Return a gate that nobody passed yet."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._n_gates += 1
        gate = Gate(self.folder, self._n_gates)
        _made.append(gate)
        return gate

    def strategy(self, source):
        """Return the source of a strategy whose FOLDER is that of these gates."""
        return source.replace("FOLDER", repr(str(self.folder)))


class Gate:
    """One gate, for the runs of one test.

    Attributes:
        number: what a run gives as its parameter `gate`; 0 names none, and everything passes.
    """

    def __init__(self, folder, number):
        """Stand at the gate of this number in a folder of gates."""
        self._folder, self.number = folder, number
        self._n_bars = self._n_tickets = 0

    def _path(self, name):
        return self._folder / f"{self.number}-{name}"

    def open(self):
        """Let everything pass from now on; where the product is gone, nothing waits."""
        if self._folder.is_dir():
            self._path("open").touch()

    def let_bars(self, n_bars=STRIDE):
        """Let so many bars more pass."""
        self._n_bars += n_bars
        aside = self._path("new")
        aside.write_text(str(self._n_bars))
        aside.replace(self._path("bars"))

    def let_trials(self, n_trials):
        """Let so many trials more pass, whichever come."""
        for _ in range(n_trials):
            self._n_tickets += 1
            self._path(f"ticket{self._n_tickets}").touch()

    def let_next_trial(self):
        """Let one trial more pass, unless one may already that has not come yet."""
        if not any(self._folder.glob(f"{self.number}-ticket*")):
            self.let_trials(1)


class Turnstile:
    """The same gate, seen from a strategy."""

    def __init__(self, folder, number):
        """Come to the gate of this number in a folder of gates."""
        self._folder, self._number = Path(folder), number
        self._opened = self._folder / f"{number}-open"
        self._told = self._folder / f"{number}-bars"
        self._n_bars = 0 if number else math.inf

    def pass_bar(self, n_bars):
        """Wait until the bar of this number may pass."""
        while n_bars > self._n_bars:
            if self._opened.exists():
                self._n_bars = math.inf
            elif self._told.exists():
                self._n_bars = int(self._told.read_text())
            if n_bars > self._n_bars:
                time.sleep(PAUSE_SECONDS)

    def pass_trial(self):
        """Wait until a trial may pass: each takes a ticket, from all that wait for one."""
        while self._number and not self._opened.exists() and not self._takes_ticket():
            time.sleep(PAUSE_SECONDS)

    def _takes_ticket(self):
        for ticket in self._folder.glob(f"{self._number}-ticket*"):
            try:
                ticket.unlink()
            except FileNotFoundError:  # another one was quicker
                continue
            return True
        return False


_turnstiles = {}


def turnstile(folder, number):
    """Return, in a strategy, its gate: the same one at every bar."""
    key = folder, int(number)
    if key not in _turnstiles:
        _turnstiles[key] = Turnstile(*key)
    return _turnstiles[key]


BARS = '''"""An interpreted strategy each bar of which waits at a gate."""

from algotrade.strategies import Param, Strategy
from tests.gated import turnstile


class Gated(Strategy):
    """Buys, and closes after a bar that rose."""

    compiled = False
    gate = Param(0, low=0, high=10_000, help="Where its bars wait")

    @staticmethod
    def on_bar(bars, ind, params, broker):
        turnstile(FOLDER, params.gate).pass_bar(len(bars.close))
        if broker.position == 0.0:
            broker.buy()
        elif bars.close[-1] > bars.open[-1]:
            broker.close()
'''
