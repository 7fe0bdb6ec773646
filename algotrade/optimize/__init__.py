"""Optimizations: which parameter sets there are, in what order they are tried, and many backtests at once.

What a trial computes is what the same backtest alone computes, to the bit: it runs the engine's own loop and metrics.
Nothing here knows of rows, processes or pages.
"""
