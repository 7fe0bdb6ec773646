"""The sign of the past return, with a time for which a position is left alone."""

from algotrade.strategies import Param, Strategy, roc


class TimeSeriesMomentum(Strategy):
    """Bet that what rose over a long time goes on rising: be long while the past return is above zero.

    A position is left alone for some bars, and closed after them as soon as the past return is below zero.

    Source: Moskowitz, Ooi, Pedersen (2012), "Time Series Momentum": on daily bars a year back, held for a month.
    """

    lookback = Param(252, low=2, high=5000, unit="bars", help="Bars over which the return is taken")
    hold = Param(21, low=1, high=1000, unit="bars", help="Bars for which a position is left alone")
    side = Param("long", choices=["long", "both"], help="Whether a return below zero opens a short position")

    def indicators(self, bars):
        return {"change": roc(bars.close, self.lookback)}

    @staticmethod
    def on_bar(bars, ind, params, broker):
        if broker.position != 0.0 and broker.bars_held < params.hold:
            return
        change = ind.change[-1]
        if change > 0.0 and broker.position <= 0.0:
            broker.close()
            broker.buy()
        elif change < 0.0 and broker.position >= 0.0:
            broker.close()
            if params.side_both:
                broker.sell()
