"""Resolution of a request to a frozen spec: names, bounds, defaults, range and hashes. The only validator.

The form, the JSON API and the command line all come here, so they accept and refuse the same things in the same words.
A request that is wrong in several fields is answered with all of them at once.
"""

from algotrade.resolve.backtest import Pinned, Resolved, resolve_backtest
from algotrade.resolve.download import ResolvedDownload, resolve_download
from algotrade.resolve.moments import to_ns
from algotrade.resolve.optimization import ResolvedOptimization, resolve_optimization

__all__ = [
    "Pinned",
    "Resolved",
    "ResolvedDownload",
    "ResolvedOptimization",
    "resolve_backtest",
    "resolve_download",
    "resolve_optimization",
    "to_ns",
]
