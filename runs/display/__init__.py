"""Presentation that all kinds of runs share: standing, figures, tracebacks, the list, fields of forms, bodies.

Nothing here writes a row, and nothing knows a request.
"""
