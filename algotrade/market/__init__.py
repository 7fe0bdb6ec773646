"""Candles: how they lie in memory and on disk, how they come in, and the instruments they are candles of.

Nothing here knows strategies, runs or fills.
"""
