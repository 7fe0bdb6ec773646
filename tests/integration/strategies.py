"""Strategies of the user's folder: looping, crashing, broken. Those that wait are in tests/gated.py."""

LOOPING = '''"""Never comes back."""

from algotrade.strategies import Strategy


class Looping(Strategy):
    """Loops for ever, compiled or not."""

    compiled = COMPILED

    @staticmethod
    def on_bar(bars, ind, params, broker):
        n = 0
        while n >= 0:
            n = (n + 1) % 1000
'''

CRASHING = '''"""Reads address zero."""

import ctypes

from algotrade.strategies import Strategy


class Crashing(Strategy):
    """Ends its process by a segmentation fault."""

    compiled = False

    @staticmethod
    def on_bar(bars, ind, params, broker):
        ctypes.string_at(0)
'''

BUGGY = '''"""Divides by the distance from bar `at`."""

from algotrade.strategies import Param, Strategy


class Buggy(Strategy):
    """Divides by zero at one bar."""

    compiled = COMPILED
    at = Param(300, low=0, high=100_000)

    @staticmethod
    def on_bar(bars, ind, params, broker):
        if len(bars.close) == 10:
            broker.buy()
        distance = len(bars.close) - 1 - params.at
        share = 1.0 / distance
        if share > 2.0:
            broker.close()
'''
FAILING_LINE = "share = 1.0 / distance"
MENDED_LINE = "share = 1.0 / max(distance, 1)"


def buggy(*, compiled, mended=False):
    """Return the source of a strategy with one bad line, or with that line mended."""
    source = BUGGY.replace("COMPILED", str(compiled))
    return source.replace(FAILING_LINE, MENDED_LINE) if mended else source


def looping(*, compiled):
    """Return the source of a strategy that loops for ever."""
    return LOOPING.replace("COMPILED", str(compiled))
