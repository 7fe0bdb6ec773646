"""The two-period RSI of Connors."""

from algotrade.strategies import Param, Strategy, rsi, sma


class ConnorsRsi2(Strategy):
    """Bet that a sharp dip within a rising market is bought: enter when a very short RSI is low above a long average.

    Source: Connors, Alvarez (2009), "Short Term Trading Strategies That Work", chapter 9.
    """

    title = "Connors RSI-2"
    length = Param(2, low=2, high=30, unit="bars", help="Length of the RSI")
    low_mark = Param(10.0, low=1.0, high=50.0, step=1.0, help="RSI below which a dip is bought")
    trend = Param(200, low=10, high=1000, unit="bars", help="Length of the average above which the market rises")
    leave = Param(5, low=2, high=100, unit="bars", help="Length of the average above which the dip is over")
    rules = ["leave < trend"]

    def indicators(self, bars):
        return {
            "rsi": rsi(bars.close, self.length),
            "trend": sma(bars.close, self.trend),
            "leave": sma(bars.close, self.leave),
        }

    @staticmethod
    def on_bar(bars, ind, params, broker):
        close = bars.close[-1]
        if broker.position > 0.0 and close > ind.leave[-1]:
            broker.close()
        elif broker.position == 0.0 and close > ind.trend[-1] and ind.rsi[-1] < params.low_mark:
            broker.buy()
