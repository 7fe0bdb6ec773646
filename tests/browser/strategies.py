"""Strategies of the user's folder for browser tests."""

from urllib.parse import quote

from tests import gated

DATASET = quote("ACME|SAMPLE|1h")
"""The sample dataset of 9,135 hours."""
N_BARS = 9_135

FAULTY = '''"""Has a bug."""

from algotrade.strategies import Param, Strategy


class Faulty(Strategy):
    """Divides by zero at one bar."""

    compiled = False
    at = Param(41, low=0, high=10_000)

    @staticmethod
    def on_bar(bars, ind, params, broker):
        print("looking at", bars.close[-1])
        distance = len(bars.close) - 1 - params.at
        1 / distance
'''
HOSTILE = '''"""Raises and prints what would be markup."""

from algotrade.strategies import Param, Strategy

MARKUP = "</script></pre><img src=x onerror='window.ran = true'><b>bold</b>"


class Hostile(Strategy):
    """Would like to <i>slant</i> the page."""

    compiled = False
    n = Param(1, low=0, high=9, help="<u>under</u>")

    @staticmethod
    def on_bar(bars, ind, params, broker):
        print(MARKUP)
        raise ValueError(MARKUP)
'''
FUSSY = '''"""Fails for some parameters, and waits at a gate."""

from algotrade.strategies import Param, Strategy
from tests.gated import turnstile


class Fussy(Strategy):
    """Divides by the distance of its parameters, and refuses the largest of them."""

    compiled = False
    first = Param(1, low=1, high=40)
    second = Param(1, low=1, high=40)
    gate = Param(0, low=0, high=10_000)

    @staticmethod
    def on_bar(bars, ind, params, broker):
        n = len(bars.close)
        if n == 10:
            turnstile(FOLDER, params.gate).pass_trial()
        if n == 42:
            share = 1 / (params.first - params.second)
        if n == 50 and params.first == 40:
            raise ValueError("<b>too</b> large")
        if broker.position == 0 and n % (params.first + 2) == 0:
            broker.buy()
        elif broker.position > 0 and n % (params.second + 3) == 0:
            broker.close()
'''
SWINGING = '''"""Buys weakness, sells strength."""

from algotrade.strategies import Param, Strategy, rsi, sma


class Swinging(Strategy):
    """Has an indicator upon the price and one below it, and can fail."""

    at = Param(0, low=0, high=10_000)
    panes = {"strength": "strength"}

    def indicators(self, bars):
        return {"mean": sma(bars.close, 20), "strength": rsi(bars.close, 14)}

    @staticmethod
    def on_bar(bars, ind, params, broker):
        if len(bars.close) == params.at:
            raise ValueError("as asked")
        if ind.strength[-1] < 35 and broker.position <= 0:
            broker.close()
            broker.buy()
        elif ind.strength[-1] > 65 and broker.position >= 0:
            broker.close()
            broker.sell()
'''
SOURCES = {
    "gated": gated.BARS,
    "faulty": FAULTY,
    "hostile": HOSTILE,
    "fussy": FUSSY,
    "swinging": SWINGING,
    "unreadable": "class Strategy(:\n",
}
