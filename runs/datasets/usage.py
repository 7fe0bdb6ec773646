"""Datasets as the product uses them: which runs used them, making longer bars of them, deleting them."""

from collections import Counter

from algotrade.errors import MarketDataError, error_text
from algotrade.market.holding import StoreBusy
from algotrade.market.resample import resample
from algotrade.market.store import Dataset
from runs import artifacts
from runs.models import Run, all_kinds
from runs.models.kind import DatasetName


class InUse(MarketDataError):
    """A dataset cannot be deleted, or replaced, because of what depends on it."""


def names_of(dataset: Dataset) -> DatasetName:
    """Return asset, exchange and timeframe."""
    return dataset.asset, dataset.exchange, dataset.timeframe


def usage() -> Counter[DatasetName]:
    """Return how many runs used each dataset, whoever's they are and whichever version it was."""
    counts: Counter[DatasetName] = Counter()
    for kind in all_kinds():
        counts.update(kind.dataset_counts(Run.objects.filter(kind=kind.name).order_by()))
    return counts


def make_longer(dataset: Dataset, timeframe: str) -> tuple[Dataset, bool]:
    """Store a dataset's bars put together to a longer timeframe.

    Args:
        dataset: the version to begin from.
        timeframe: the longer one.

    Returns:
        The longer bars' dataset, and whether it has a new version now.

    Raises:
        MarketDataError: the timeframe does not fit.
        InUse: there is a dataset of that name that did not come from this one.
    """
    store = artifacts.candle_store()
    timeframe = store.timeframe_of(dataset.asset, dataset.exchange, timeframe)
    bars = resample(store.load(dataset), dataset.timeframe, timeframe, dataset.calendar)
    there = store.newest(dataset.asset, dataset.exchange, timeframe)
    if there is not None and there.history.derived_from != dataset.key:
        raise InUse(
            f"{there.label} on {there.exchange} is there already, from {there.source or 'elsewhere'}. "
            "Resampled bars do not replace it."
        )
    made = store.add(
        bars,
        dataset.instrument,
        timeframe,
        synthetic=dataset.synthetic,
        source=f"{dataset.label}, version {dataset.version[:12]}",
        calendar=dataset.calendar,
        derived_from=dataset,
    )
    return made, there is None or there.version != made.version


def why_kept(dataset: Dataset) -> str:
    """Return why a dataset is not deleted; empty when it may be."""
    n_runs = usage()[names_of(dataset)]
    if not n_runs:
        return ""
    runs, them = ("1 run", "it") if n_runs == 1 else (f"{n_runs:,} runs", "them")
    return (
        f"{dataset.label} on {dataset.exchange} is used by {runs}. Delete {them} first: the results rest on these bars."
    )


def delete(dataset: Dataset) -> None:
    """Delete a dataset with all its versions.

    Raises:
        InUse: a run used it, or others go on storing candles, or the disk does not let go of it.
    """
    try:
        # Asked while nobody can submit a run: one that is submitted sooner is seen, one that comes later finds nothing.
        is_deleted = artifacts.candle_store().delete(dataset, lambda: not why_kept(dataset))
    except StoreBusy as error:
        raise InUse(f"{dataset.label} on {dataset.exchange} was not deleted. {error}") from error
    except OSError as error:
        raise InUse(f"{dataset.label} on {dataset.exchange} cannot be deleted: {error_text(error)}.") from error
    reason = "" if is_deleted else why_kept(dataset)
    if reason:
        raise InUse(reason)
