"""Strategies of the user's folder on which the scenario runs; their line numbers are part of the recorded tracebacks.

All but one are interpreted, because each compilation takes seconds.
"""

CANDLES = {"asset": "ACME", "exchange": "SAMPLE", "timeframe": "1h"}
"""The sample dataset of 9,135 hours."""
SHORT = {**CANDLES, "end": "2020-01-24T00:00:00Z"}
"""Its first 119 bars."""

STUMBLING = '''"""Divides by the distance from bar `at`."""

from algotrade.strategies import Param, Strategy


class Stumbling(Strategy):
    """Divides by zero at one bar."""

    compiled = COMPILED
    at = Param(60, low=0, high=100_000)

    @staticmethod
    def on_bar(bars, ind, params, broker):
        if len(bars.close) == 10:
            broker.buy()
        distance = len(bars.close) - 1 - params.at
        share = 1.0 / distance
        if share > 2.0:
            broker.close()
'''

TALKATIVE = '''"""Says what it does."""

from algotrade.strategies import Param, Strategy, sma


class Talkative(Strategy):
    """Trades around an average, long and short, and prints each turn."""

    compiled = False
    rules = ["quick < calm"]
    panes = {"spread": "Spread", "quick": "price"}
    quick = Param(4, low=2, high=50, unit="bars", help="Length of the quick average")
    calm = Param(12, low=3, high=200, unit="bars", help="Length of the calm average")
    mood = Param("both", choices=["long", "both"], help="Which sides it takes")
    weight = Param(0.5, low=0.1, high=1.0, step=0.1)
    is_loud = Param(True)

    def indicators(self, bars):
        quick, calm = sma(bars.close, self.quick), sma(bars.close, self.calm)
        return {"quick": quick, "spread": quick - calm}

    @staticmethod
    def on_bar(bars, ind, params, broker):
        if ind.spread[-1] > 0.0 and broker.position <= 0.0:
            if params.is_loud:
                print("up at bar", len(bars.close))
            broker.buy()
        elif ind.spread[-1] < 0.0 and broker.position > 0.0:
            if params.mood_both:
                broker.sell()
            else:
                broker.close()
'''

PATIENT = '''"""Waits for a file where it is told to, and fails where it is told to."""

import time
from pathlib import Path

from algotrade.strategies import Param, Strategy

GATES = Path("FOLDER")


class Patient(Strategy):
    """Buys and closes by the clock."""

    compiled = False
    length = Param(5, low=1, high=1_000)
    bad = Param(0, low=0, high=1_000, help="Every so many lengths fail")
    worse = Param(0, low=0, high=1_000, help="This length fails in another way")
    gate = Param(0, low=0, high=1_000, help="Waits until there is a file of this number")

    @staticmethod
    def on_bar(bars, ind, params, broker):
        n_bars = len(bars.close)
        while n_bars == 20 and params.gate and not (GATES / f"{int(params.gate)}").exists():
            (GATES / f"somebody at {int(params.gate)}").touch()
            time.sleep(0.02)
        if params.bad and params.length % params.bad == 0 and n_bars == 50:
            share = {}[int(params.length)]
        if params.length == params.worse and n_bars == 30:
            raise ValueError(f"length {int(params.length)} is no good")
        if n_bars % (params.length + 1) == 0:
            broker.buy()
        elif broker.position > 0.0 and n_bars % (params.length + 1) == params.length // 2:
            broker.close()
'''

BROKEN = '''"""Is no Python."""

from algotrade.strategies import Strategy


class Broken(Strategy)
    """Lacks a colon."""
'''

HELPLESS = '''"""Cannot be loaded."""

import a_library_that_nobody_has

from algotrade.strategies import Strategy


class Helpless(Strategy):
    """Needs what is not there."""

    @staticmethod
    def on_bar(bars, ind, params, broker):
        broker.buy()
'''


def write_all(product, gates=None):
    """Write the strategies into the user's folder, and make the folder of gates; all gates are shut."""
    gates = gates or product.home / "gates"
    gates.mkdir(exist_ok=True)
    product.write_strategy("stumbling", STUMBLING.replace("COMPILED", "False"))
    product.write_strategy("falling", STUMBLING.replace("COMPILED", "True").replace("Stumbling", "Falling"))
    product.write_strategy("talkative", TALKATIVE)
    product.write_strategy("patient", PATIENT.replace("FOLDER", str(gates)))
    product.write_strategy("broken", BROKEN)
    product.write_strategy("helpless", HELPLESS)


def open_gate(product, number):
    """Let those go on who wait at a gate."""
    (product.home / "gates" / str(number)).touch()


def is_waited_at(gates, number):
    """Tell whether somebody waits at a gate."""
    return (gates / f"somebody at {number}").exists()
