"""A strategy that fails at a bar that one chooses, to measure what telling the exact line costs."""

from algotrade.strategies import Param, Strategy, sma


class LateFailure(Strategy):
    """Hold from the first bar on, and fail at the chosen one."""

    length = Param(20, low=2, high=200, unit="bars", help="Length of the average")
    failing = Param(0, low=0, high=100_000_000, unit="bars", help="Bars after which it fails; 0: never")

    def indicators(self, bars):
        """Compute an average, as most strategies do."""
        return {"average": sma(bars.close, self.length)}

    @staticmethod
    def on_bar(bars, ind, params, broker):
        """Buy once; fail when it is time."""
        if len(bars.close) == params.failing:
            raise ValueError("It is time.")
        if broker.position == 0.0 and bars.close[-1] > ind.average[-1]:
            broker.buy()
