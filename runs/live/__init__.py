"""Live updates: the hub that reads changed rows, the mailbox of each socket, the websockets.

What an update says does not belong here; `runs.fragments` renders it.
"""
