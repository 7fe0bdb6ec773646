"""The node: what a ticket starts, the reaper that gives lost runs back, the supervisor of `up`.

What one worker does with one run does not belong here; it lives in `runs.worker` and the package of the run's kind.
"""
