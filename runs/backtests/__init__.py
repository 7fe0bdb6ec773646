"""Backtests: the worker's part, the form, the report with its tables and charts, the live parts, the terminal.

Rules of execution do not belong here; they live in `algotrade.engine`.
"""
