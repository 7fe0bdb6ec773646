"""Django admin: runs and workers, trials and chunks, uploads; tokens to revoke.

Whoever is staff sees the rows; only a few actions change them, and those are actions of `runs.actions`.
"""

from runs.admin import runs, trials, uploads

__all__ = ["runs", "trials", "uploads"]
