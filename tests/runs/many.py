"""A database as it is after a year of work: thousands of runs, each with the curve and the result that it carries."""

import random
from datetime import UTC, datetime, timedelta

from runs.models import Note, Run, RunKind, RunState
from tests.builders import INPUTS
from tests.runs.pages import METRICS, N_BARS, PAGE_SPEC
from tests.searches import INPUTS as SEARCH_INPUTS
from tests.searches import SPEC as SEARCH_SPEC

FIRST = datetime(2025, 1, 1, tzinfo=UTC)
STATES = (*[RunState.COMPLETED] * 12, *[RunState.FAILED] * 2, *[RunState.CANCELLED] * 2)
STRATEGIES = ("sma_cross", "hold", "rsi_reversal", "breakout")
ASSETS = ("ACME", "SPY", "BTC-USDT", "ETH-USDT", "EURUSD")
POINTS = 400
CURVE = {"time": [1.7e9 + 3600 * i for i in range(POINTS)], "equity": [10_000.0 + i / 3 for i in range(POINTS)]}
RESULT = {"metrics": METRICS | {f"figure_{i}": i / 7 for i in range(20)}, "reasons": {}, "findings": []}


def make_many(user, n_runs, *, seed=1):
    """Insert runs of both kinds in every terminal state, with notes on each twentieth of them."""
    dice = random.Random(seed)
    runs = Run.objects.bulk_create((_one(user, n, dice) for n in range(n_runs)), batch_size=500)
    Note.objects.bulk_create(
        Note(run=run, title=f"Idea {n}", notes="What came of it. " * 20, tags=f" tag{n % 7} kept ")
        for n, run in enumerate(runs[::20])
    )
    return runs


def _one(user, n, dice):
    is_search = n % 5 == 0
    created = FIRST + timedelta(minutes=30 * n)
    return Run(
        kind=RunKind.OPTIMIZATION if is_search else RunKind.BACKTEST,
        state=dice.choice(STATES),
        user=user,
        run_key=f"{n:064x}",
        strategy_name=dice.choice(STRATEGIES),
        asset=dice.choice(ASSETS),
        exchange="TEST",
        timeframe=dice.choice(("1h", "1d")),
        spec=SEARCH_SPEC if is_search else PAGE_SPEC,
        inputs=SEARCH_INPUTS if is_search else INPUTS,
        sources=[INPUTS["source_hash"]] if is_search else [],
        total=N_BARS,
        processed=N_BARS,
        live={"curve": CURVE, "rate": 4e5} if n % 20 == 0 else {},
        result=RESULT,
        total_return=dice.gauss(0.1, 0.3),
        sharpe_ratio=dice.gauss(0.5, 1.0),
        best_value=dice.gauss(1.0, 0.5) if is_search else None,
        created_at=created,
        attempt_started_at=created,
        finished_at=created + timedelta(seconds=dice.random() * 90),
        updated_at=created,
    )
