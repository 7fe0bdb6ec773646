"""A close far from the one before, measured by the usual range."""

from algotrade.strategies import Param, Strategy, atr


class VolatilityBreakout(Strategy):
    """Bet that a sudden large move goes on for a while: follow a close more than so many average ranges away.

    Leave after some bars, or when such a move comes the other way.

    Source: Wilder (1978), "New Concepts in Technical Trading Systems", the volatility system; Williams (1999),
    "Long-Term Secrets to Short-Term Trading".
    """

    length = Param(14, low=1, high=200, unit="bars", help="Length of the average true range")
    width = Param(1.5, low=0.1, high=10.0, step=0.1, unit="ATR", help="How far the close must move within a bar")
    hold = Param(20, low=1, high=1000, unit="bars", help="Longest time in a position")
    side = Param("long", choices=["long", "both"], help="Whether a move down opens a short position")

    def indicators(self, bars):
        return {"reach": self.width * atr(bars.high, bars.low, bars.close, self.length)}

    @staticmethod
    def on_bar(bars, ind, params, broker):
        if len(bars.close) < 2:
            return
        move = bars.close[-1] - bars.close[-2]
        reach = ind.reach[-2]  # as it was before the move
        if broker.position <= 0.0 and move > reach:
            broker.close()
            broker.buy()
        elif broker.position >= 0.0 and move < -reach:
            broker.close()
            if params.side_both:
                broker.sell()
        elif broker.bars_held >= params.hold:
            broker.close()
