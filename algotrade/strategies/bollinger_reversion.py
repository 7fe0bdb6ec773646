"""A close outside the Bollinger bands, and the way back to the middle."""

from algotrade.strategies import Param, Strategy, bollinger


class BollingerReversion(Strategy):
    """Bet that a price far from its average comes back: buy below the lower band, leave at the middle one.

    Source: Bollinger (2001), "Bollinger on Bollinger Bands".
    """

    length = Param(20, low=2, high=400, unit="bars", help="Length of average and standard deviation")
    width = Param(2.0, low=0.1, high=5.0, step=0.1, unit="deviations", help="Distance of the bands from the middle")
    side = Param("long", choices=["long", "both"], help="Whether a close above the upper band opens a short position")

    def indicators(self, bars):
        upper, middle, lower = bollinger(bars.close, self.length, self.width)
        return {"upper": upper, "middle": middle, "lower": lower}

    @staticmethod
    def on_bar(bars, ind, params, broker):
        close = bars.close[-1]
        if (broker.position > 0.0 and close >= ind.middle[-1]) or (broker.position < 0.0 and close <= ind.middle[-1]):
            broker.close()
        elif broker.position == 0.0 and close < ind.lower[-1]:
            broker.buy()
        elif broker.position == 0.0 and params.side_both and close > ind.upper[-1]:
            broker.sell()
