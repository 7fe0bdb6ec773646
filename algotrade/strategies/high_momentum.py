"""Nearness to the highest price of a year."""

from algotrade.strategies import Param, Strategy, highest


class HighMomentum(Strategy):
    """Bet that a price near its high of a year is too low: be long near the high, and out well below it.

    Source: George, Hwang (2004), "The 52-Week High and Momentum Investing".
    """

    title = "52-Week High Momentum"
    length = Param(252, low=2, high=5000, unit="bars", help="Bars whose highest high counts; 252 daily bars are a year")
    enter = Param(0.98, low=0.5, high=1.0, step=0.01, unit="of the high", help="Nearness from which it is bought")
    leave = Param(0.9, low=0.1, high=1.0, step=0.01, unit="of the high", help="Nearness below which it is sold")
    rules = ["leave < enter"]

    def indicators(self, bars):
        return {"nearness": bars.close / highest(bars.high, self.length)}

    @staticmethod
    def on_bar(bars, ind, params, broker):
        if broker.position == 0.0 and ind.nearness[-1] >= params.enter:
            broker.buy()
        elif broker.position > 0.0 and ind.nearness[-1] < params.leave:
            broker.close()
