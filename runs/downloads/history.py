"""Earlier downloads of a dataset."""

from algotrade.market.store import Dataset
from runs.models import Run, RunState


def was_downloaded(dataset: Dataset) -> bool:
    """Whether a download has brought bars of a dataset, so that another one can continue it."""
    asset, exchange, timeframe = dataset.asset, dataset.exchange, dataset.timeframe
    downloads = Run.objects.filter(kind="download", state=RunState.COMPLETED)
    return downloads.filter(asset=asset, exchange=exchange, timeframe=timeframe).exists()
