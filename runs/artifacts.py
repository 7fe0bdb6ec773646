"""Files of the home folder: where they lie, and the only way from a run's row to its own."""

import secrets
import shutil
import time
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from django.conf import settings

from algotrade.durable import sync_folder
from algotrade.market.bars import Bars
from algotrade.market.store import CandleStore
from algotrade.results import BacktestResult
from algotrade.spec import BacktestSpec
from algotrade.strategies.catalog import Catalog

if TYPE_CHECKING:
    from runs.models import Run


def candles_folder() -> Path:
    """Return the folder of the candle store."""
    return settings.ALGOTRADE_HOME / "candles"


def kernels_folder() -> Path:
    """Return the folder of compiled strategies."""
    return settings.ALGOTRADE_HOME / "cache" / "kernels"


def artifacts_folder() -> Path:
    """Return the folder in which every run's arrays lie."""
    return settings.ALGOTRADE_HOME / "artifacts"


def downloads_folder() -> Path:
    """Return the folder in which downloads keep what they have fetched so far, in a folder each."""
    return settings.ALGOTRADE_HOME / "downloads"


def download_folder(run: "Run") -> Path:
    """Return the folder of what a download has fetched; it goes when the download is completed or deleted."""
    return downloads_folder() / str(run.id)


def uploads_folder() -> Path:
    """Return the folder in which files wait to be imported."""
    return settings.ALGOTRADE_HOME / "uploads"


@cache
def candle_store() -> CandleStore:
    """Return the installation's candle store."""
    return CandleStore(candles_folder())


@cache
def catalog() -> Catalog:
    """Return the installation's strategies: the built-in ones and the user's folder."""
    return Catalog(settings.ALGOTRADE_STRATEGIES, settings.ALGOTRADE_HOME / "cache" / "strategies")


def folder(run: "Run") -> Path:
    """Return the folder of a run's arrays; it exists once the run is completed."""
    return artifacts_folder() / run.artifact


def load_result(run: "Run") -> BacktestResult:
    """Return a completed run's arrays, memory-mapped.

    Raises:
        AlgotradeError: the files are missing or damaged.
    """
    return BacktestResult.load(folder(run))


def bars_of(run: "Run") -> Bars:
    """Return the bars that a backtest trades, memory-mapped.

    Raises:
        MarketDataError: the candles are gone or damaged.
    """
    return traded_bars(BacktestSpec.from_dict(run.spec), run.inputs["dataset_hash"])


def traded_bars(spec: BacktestSpec, version: str) -> Bars:
    """Return the bars of a spec's range in one version of its dataset, memory-mapped; errors as for `bars_of`."""
    store = candle_store()
    bars = store.load(store.get(spec.asset, spec.exchange, spec.timeframe, version=version))
    return bars.slice(*bars.between(spec.start_ns, spec.end_ns))


def new_folder(run: "Run") -> Path:
    """Return a name for a folder in which one claim's arrays may be written aside; nobody else uses it."""
    parent = artifacts_folder()
    parent.mkdir(parents=True, exist_ok=True)
    return parent / f".new-{run.id}-{secrets.token_hex(4)}"


def publish(aside: Path) -> str:
    """Make a folder written aside a run's artifact, safe against a power cut; return the artifact's name."""
    for path in (*aside.iterdir(), aside):
        sync_folder(path)
    artifact = aside.name.removeprefix(".new-")
    aside.rename(aside.with_name(artifact))
    sync_folder(aside.parent)
    return artifact


def discard(path: Path) -> None:
    """Remove a folder, if it is there."""
    shutil.rmtree(path, ignore_errors=True)


def discard_if_old(path: Path, seconds: float) -> None:
    """Remove a folder that nobody has written into for so many seconds that its process must be gone."""
    try:
        age = time.time() - path.stat().st_mtime
    except FileNotFoundError:  # another reaper was quicker
        return
    if age > seconds:
        discard(path)
