"""A database as it is after a year of work: thousands of runs that have ended, each with what such a run carries.

They are copies of a few runs that did run, under many names and in every state in which a run ends: rows as large as
real ones, without the days that real ones take.
"""

import random
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from algotrade.market.vendors.spec import DownloadSpec
from runs import artifacts
from runs.models import Note, Run, RunState

FIRST = datetime(2025, 1, 1, tzinfo=UTC)
MINUTES_APART = 30
STATES = (*[RunState.COMPLETED] * 12, *[RunState.FAILED] * 2, *[RunState.CANCELLED] * 2)
RUNS_PER_OPTIMIZATION, RUNS_PER_DOWNLOAD, RUNS_PER_NOTE = 5, 25, 20
"""Every so many runs one is an optimization, one of these a download, and one has a title, notes and tags."""
LONGEST_SECONDS = 90.0
COPIED = ("kind", "user_id", "total", "live")
RESULTS = ("result", "n_trades", "max_drawdown")
"""What only a completed run has, besides the figures that a list is sorted by."""
ERROR = {
    "error_type": "ZeroDivisionError",
    "error_message": "float division by zero",
    "error_stack_trace": 'Traceback (most recent call last):\n  File "sma_cross.py", line 31, in on_bar\n' * 20,
    "error_detail": {"bar": 41, "parameters": {"fast": 5, "slow": 50}, "frames": []},
}
HOUR_NS = 3_600_000_000_000


class Place(NamedTuple):
    """A dataset that runs ran on: its names, and the version that they pinned."""

    asset: str
    exchange: str
    timeframe: str
    version: str


def store_history(n_runs: int) -> None:
    """Insert copies of the newest completed backtest and optimization, on all datasets, of all built-in strategies."""
    completed = Run.objects.filter(state=RunState.COMPLETED).order_by("-number")
    backtest, optimization = (completed.filter(kind=kind)[0] for kind in ("backtest", "optimization"))
    store = artifacts.candle_store()
    places = [Place(one.asset, one.exchange, one.timeframe, one.version) for one in store.datasets()]
    insert_copies(
        n_runs, backtest=backtest, optimization=optimization, places=places, strategies=artifacts.catalog().hashes()
    )


def insert_copies(
    n_runs: int,
    *,
    backtest: Run,
    optimization: Run,
    places: Sequence[Place],
    strategies: Mapping[str, str],
    seed: int = 1,
) -> list[Run]:
    """Insert ended runs of every kind in every state, half an hour after one another.

    Args:
        n_runs: how many.
        backtest: a completed one to copy; it need not be stored.
        optimization: an optimization, likewise.
        places: datasets that the copies ran on.
        strategies: source hashes by name.
        seed: of the choice between states, datasets and strategies, and of the figures.

    Returns:
        The runs, the oldest first.
    """
    dice = random.Random(seed)
    patterns = {
        "backtest": backtest,
        "optimization": optimization,
        "download": _download(backtest.user_id),
    }
    rows = (_copy(patterns[_kind(n)], n, dice, places, list(strategies.items())) for n in range(n_runs))
    runs: list[Run] = Run.objects.bulk_create(rows, batch_size=500)
    Note.objects.bulk_create(
        Note(run=run, title=f"Idea {n}", notes="What came of it. " * 20, tags=f" tag{n % 7} kept ")
        for n, run in enumerate(runs[::RUNS_PER_NOTE])
    )
    return runs


def _kind(n: int) -> str:
    if n % RUNS_PER_OPTIMIZATION:
        return "backtest"
    return "download" if n % RUNS_PER_DOWNLOAD == 0 else "optimization"


def _download(user_id: int) -> Run:
    """Return a completed download of a thousand hours, unsaved."""
    first_ns = int(FIRST.timestamp()) * 10**9
    spec = DownloadSpec("ccxt", "bitstamp", "BTC-USD", "1h", first_ns, first_ns + 999 * HOUR_NS)
    return Run(
        kind="download",
        user_id=user_id,
        spec=spec.to_dict(),
        inputs={"library": "ccxt", "title": "Bitstamp", "base": None},
        total=spec.total_bars,
        live={"added": spec.total_bars},
        result={"n_fetched": spec.total_bars, "n_added": spec.total_bars},
    )


def _copy(
    pattern: Run, n: int, dice: random.Random, places: Sequence[Place], strategies: Sequence[tuple[str, str]]
) -> Run:
    state, place, strategy = dice.choice(STATES), dice.choice(places), dice.choice(strategies)
    created = FIRST + timedelta(minutes=MINUTES_APART * n)
    run = Run(
        **{name: getattr(pattern, name) for name in COPIED},
        **_asked(pattern, place, *strategy),
        state=state,
        run_key=f"{n:064x}",
        created_at=created,
        queued_at=created,
        updated_at=created,
        attempt=1,
        started_at=created,
        attempt_started_at=created,
        finished_at=created + timedelta(seconds=dice.random() * LONGEST_SECONDS),
    )
    if state == RunState.COMPLETED:
        _complete(run, pattern, dice)
        return run
    run.processed = dice.randrange(run.total)
    for name, value in ERROR.items() if state == RunState.FAILED else ():
        setattr(run, name, value)
    return run


def _asked(pattern: Run, place: Place, strategy_name: str, source_hash: str) -> dict[str, Any]:
    """Return spec, inputs and the columns that repeat them, of a run on another dataset and of another strategy."""
    spec, inputs = pattern.spec, pattern.inputs
    names = {"asset": place.asset, "exchange": place.exchange, "timeframe": place.timeframe}
    if pattern.kind == "download":
        names = {name: spec[name] for name in names}
        return {"spec": spec, "inputs": inputs, "strategy_name": "", **names}
    pinned = {"dataset_hash": place.version}
    if pattern.kind == "optimization":
        spec = {**spec, "datasets": [{**spec["datasets"][0], **names}]}
        inputs = {**inputs, "datasets": [{**inputs["datasets"][0], **pinned}]}
    else:
        spec, inputs = {**spec, **names}, {**inputs, **pinned}
    spec, inputs = {**spec, "strategy_name": strategy_name}, {**inputs, "source_hash": source_hash}
    sources = {"sources": [source_hash]} if pattern.kind == "optimization" else {}
    return {"spec": spec, "inputs": inputs, "strategy_name": strategy_name, **names, **sources}


def _complete(run: Run, pattern: Run, dice: random.Random) -> None:
    run.processed = run.total
    for name in RESULTS:
        setattr(run, name, getattr(pattern, name))
    if run.kind == "download":
        return
    run.total_return, run.sharpe_ratio = dice.gauss(0.1, 0.3), dice.gauss(0.5, 1.0)
    if run.kind == "optimization":
        run.best_value = dice.gauss(1.0, 0.5)
