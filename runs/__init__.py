"""The Django app: runs, their states and results, the queue, live updates, pages, API and admin.

Trading rules do not belong here; they live in the core (algotrade), which this app calls and which never calls back.
"""
