"""The web server and what holds for every request: limits, middleware, logs.

No address is answered here; pages live in `runs.views`, JSON in `runs.api`.
"""
