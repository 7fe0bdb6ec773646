"""Charts: what is drawn, as numbers: small enough to send, true in every extreme.

equity.py draws a backtest's result, candles.py its price with indicators and trades, panes.py says where indicators
stand, optimization.py draws an optimization's trials. Nothing here knows of rows or colours; of pixels, only how many
there are.
"""

from algotrade.charts.equity import MAX_PIXELS, MAX_POINTS, equity_series

__all__ = ["MAX_PIXELS", "MAX_POINTS", "equity_series"]
