"""The forms of submissions: a backtest's, an optimization's, what both have; a download's.

A form validates nothing itself. It turns what was typed into the request that the API takes too, and puts each of the
validator's messages beside the field that it is about. What was typed is kept, right or wrong.
"""

from runs.forms.account import AccountForm
from runs.forms.backtest import BacktestForm
from runs.forms.download import DownloadForm
from runs.forms.fields import FormField, dataset_value
from runs.forms.search import SearchForm

__all__ = ["AccountForm", "BacktestForm", "DownloadForm", "FormField", "SearchForm", "dataset_value"]
