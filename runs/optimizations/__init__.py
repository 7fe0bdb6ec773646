"""Optimizations: the worker's part, the forms, trials as columns and tables, charts, live parts, the terminal.

Axes, samplers and the evaluation of a trial do not belong here; they live in `algotrade.optimize`.
"""
