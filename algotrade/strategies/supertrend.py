"""The close changing sides of a band that only ever moves closer."""

from algotrade.strategies import Param, Strategy, crossed_above, crossed_below, supertrend


class Supertrend(Strategy):
    """Bet that a trend lasts until the price turns back by a few average ranges.

    Enter when the close crosses above the Supertrend line, leave when it crosses below.

    Source: Seban (2008), "Tout le monde mérite d'être riche", whose stop this is.
    """

    length = Param(10, low=1, high=200, unit="bars", help="Length of the average true range")
    width = Param(3.0, low=0.1, high=20.0, step=0.1, unit="ATR", help="How far the price must turn back")
    side = Param("long", choices=["long", "both"], help="Whether a turn down also opens a short position")

    def indicators(self, bars):
        return {"line": supertrend(bars.high, bars.low, bars.close, self.length, self.width)}

    @staticmethod
    def on_bar(bars, ind, params, broker):
        if crossed_above(bars.close, ind.line):
            broker.close()
            broker.buy()
        elif crossed_below(bars.close, ind.line):
            broker.close()
            if params.side_both:
                broker.sell()
