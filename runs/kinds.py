"""The kinds of runs that there are, one line each, in the order in which people are offered them."""

from runs.backtests.kind import BACKTEST
from runs.downloads.kind import DOWNLOAD
from runs.models.kind import register
from runs.optimizations.kind import OPTIMIZATION

register(BACKTEST, OPTIMIZATION, DOWNLOAD)
