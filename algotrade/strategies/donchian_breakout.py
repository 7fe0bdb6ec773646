"""The breakout of the turtles."""

from algotrade.strategies import Param, Strategy, highest, lowest


class DonchianBreakout(Strategy):
    """Bet that a new extreme begins a trend: buy a close above the highest high, leave below a shorter lowest low.

    Source: Donchian (1960), "High Finance in Copper"; Faith (2007), "Way of the Turtle", whose system 1 this is,
    decided at closes.
    """

    entry = Param(20, low=2, high=500, unit="bars", help="Bars whose extreme must be broken to enter")
    leave = Param(10, low=2, high=500, unit="bars", help="Bars whose opposite extreme must be broken to leave")
    side = Param("long", choices=["long", "both"], help="Whether a new low also opens a short position")
    rules = ["leave <= entry"]

    def indicators(self, bars):
        return {
            "entry_high": highest(bars.high, self.entry),
            "entry_low": lowest(bars.low, self.entry),
            "leave_high": highest(bars.high, self.leave),
            "leave_low": lowest(bars.low, self.leave),
        }

    @staticmethod
    def on_bar(bars, ind, params, broker):
        if len(bars.close) < 2:  # [-2] below: this bar itself is no part of the channel that it breaks
            return
        close = bars.close[-1]
        if (broker.position > 0.0 and close < ind.leave_low[-2]) or (
            broker.position < 0.0 and close > ind.leave_high[-2]
        ):
            broker.close()
        if broker.position <= 0.0 and close > ind.entry_high[-2]:
            broker.buy()
        elif params.side_both and broker.position >= 0.0 and close < ind.entry_low[-2]:
            broker.sell()
