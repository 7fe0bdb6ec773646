"""The MACD line crossing its signal line."""

from algotrade.strategies import Param, Strategy, crossed_above, crossed_below, macd


class MacdTrend(Strategy):
    """Bet that a trend which gathers speed goes on: enter when the MACD line crosses above its signal, leave below.

    Source: Appel (1979), "The Moving Average Convergence-Divergence Method".
    """

    title = "MACD Trend"
    fast = Param(12, low=2, high=200, unit="bars", help="Length of the fast exponential average")
    slow = Param(26, low=3, high=400, unit="bars", help="Length of the slow exponential average")
    signal = Param(9, low=1, high=100, unit="bars", help="Length of the average of their difference")
    side = Param("long", choices=["long", "both"], help="Whether the opposite cross also opens a short position")
    rules = ["fast < slow"]

    def indicators(self, bars):
        line, signal, _ = macd(bars.close, self.fast, self.slow, self.signal)
        return {"macd": line, "signal": signal}

    @staticmethod
    def on_bar(bars, ind, params, broker):
        if crossed_above(ind.macd, ind.signal):
            broker.close()
            broker.buy()
        elif crossed_below(ind.macd, ind.signal):
            broker.close()
            if params.side_both:
                broker.sell()
