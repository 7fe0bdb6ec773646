"""One worker process: its claim of a run, its conversation with a child, progress, heartbeat.

What the claim is for belongs to the package of the run's kind.
"""
