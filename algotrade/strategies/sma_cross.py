"""The crossing of two moving averages."""

from algotrade.strategies import Param, Strategy, crossed_above, crossed_below, sma


class SmaCross(Strategy):
    """Bet that trends last: enter when the fast average crosses above the slow one, leave when it crosses below.

    Source: Brock, Lakonishok, LeBaron (1992), "Simple Technical Trading Rules and the Stochastic
    Properties of Stock Returns".
    """

    title = "SMA Cross"
    fast = Param(10, low=2, high=200, unit="bars", help="Length of the fast average")
    slow = Param(30, low=5, high=400, unit="bars", help="Length of the slow average")
    side = Param("long", choices=["long", "both"], help="Whether the opposite cross also opens a short position")
    rules = ["fast < slow"]

    def indicators(self, bars):
        return {"fast": sma(bars.close, self.fast), "slow": sma(bars.close, self.slow)}

    @staticmethod
    def on_bar(bars, ind, params, broker):
        if crossed_above(ind.fast, ind.slow):
            broker.close()
            broker.buy()
        elif crossed_below(ind.fast, ind.slow):
            broker.close()
            if params.side_both:
                broker.sell()
