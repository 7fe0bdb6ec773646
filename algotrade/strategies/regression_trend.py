"""A trend line through the last bars, in plain Python: an example of a strategy that is not compiled."""

import statistics

from algotrade.strategies import Param, Strategy


class RegressionTrend(Strategy):
    """Bet that trends last: enter when a straight line through the last closes rises steeply, leave when it falls.

    It runs interpreted (`compiled = False`), as a strategy does that needs pandas, a model, or any library of Python.
    """

    title = "Regression Trend"
    compiled = False
    window = Param(50, low=5, high=500, unit="bars", help="Bars that the line is drawn through")
    slope = Param(0.02, low=0.0, high=5.0, step=0.01, unit="%/bar", help="Slope above which the trend is up")

    @staticmethod
    def on_bar(bars, ind, params, broker):
        if len(bars.close) < params.window:
            return
        closes = bars.close[-params.window :].tolist()
        line = statistics.linear_regression(range(len(closes)), closes)
        percent = 100.0 * line.slope / closes[-1]
        if percent > params.slope and broker.position == 0.0:
            broker.buy()
        elif percent < 0.0 and broker.position > 0.0:
            broker.close()
