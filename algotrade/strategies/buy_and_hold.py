"""Buy once and wait."""

from algotrade.strategies import Strategy


class BuyAndHold(Strategy):
    """Bet on the asset itself: buy after the first bar and hold. The yardstick of every other strategy."""

    title = "Buy and Hold"

    @staticmethod
    def on_bar(bars, ind, params, broker):
        if len(bars.close) > 0 and broker.position == 0.0:
            broker.buy()
