"""A close outside the channel of an average and the average range around it."""

from algotrade.strategies import Param, Strategy, atr, ema


class KeltnerChannel(Strategy):
    """Bet that a close outside its usual range starts a move: follow it until the average is crossed again.

    Source: Keltner (1960), "How To Make Money in Commodities"; with the true range as Raschke draws the channel.
    """

    length = Param(20, low=2, high=400, unit="bars", help="Length of the exponential average in the middle")
    range_length = Param(10, low=1, high=200, unit="bars", help="Length of the average true range")
    width = Param(2.0, low=0.1, high=10.0, step=0.1, unit="ATR", help="Distance of the channel from the middle")
    side = Param("long", choices=["long", "both"], help="Whether a close below the channel opens a short position")

    def indicators(self, bars):
        middle = ema(bars.close, self.length)
        reach = self.width * atr(bars.high, bars.low, bars.close, self.range_length)
        return {"upper": middle + reach, "middle": middle, "lower": middle - reach}

    @staticmethod
    def on_bar(bars, ind, params, broker):
        close = bars.close[-1]
        if (broker.position > 0.0 and close < ind.middle[-1]) or (broker.position < 0.0 and close > ind.middle[-1]):
            broker.close()
        elif broker.position == 0.0 and close > ind.upper[-1]:
            broker.buy()
        elif broker.position == 0.0 and params.side_both and close < ind.lower[-1]:
            broker.sell()
