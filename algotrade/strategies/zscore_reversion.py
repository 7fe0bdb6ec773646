"""A return far out of the ordinary, held for some bars after it."""

from algotrade.strategies import Param, Strategy, roc, sma, stddev


class ZscoreReversion(Strategy):
    """Bet that a market overreacts: buy after an unusually bad return, and hold for a fixed number of bars.

    Source: Lehmann (1990), "Fads, Martingales, and Market Efficiency"; Jegadeesh (1990), "Evidence of Predictable
    Behavior of Security Returns".
    """

    title = "Z-Score Reversion"
    lookback = Param(5, low=1, high=100, unit="bars", help="Bars over which the return is taken")
    length = Param(100, low=10, high=1000, unit="bars", help="Bars that tell which returns are ordinary")
    entry = Param(2.0, low=0.5, high=6.0, step=0.1, unit="deviations", help="How unusual a return must be")
    hold = Param(5, low=1, high=500, unit="bars", help="Bars after the entry's at whose close it is decided to leave")
    side = Param("long", choices=["long", "both"], help="Whether an unusually good return opens a short position")

    def indicators(self, bars):
        change = roc(bars.close, self.lookback)
        return {"zscore": (change - sma(change, self.length)) / stddev(change, self.length)}

    @staticmethod
    def on_bar(bars, ind, params, broker):
        if broker.position != 0.0:
            if broker.bars_held >= params.hold:
                broker.close()
        elif ind.zscore[-1] < -params.entry:
            broker.buy()
        elif params.side_both and ind.zscore[-1] > params.entry:
            broker.sell()
