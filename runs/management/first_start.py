"""First start of an installation: tables, a user, candles to look at, a run to look at."""

import getpass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import User
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from algotrade.market.sample import install_samples
from algotrade.market.store import Dataset
from algotrade.resolve import resolve_backtest, resolve_optimization
from runs import artifacts
from runs.models import Run

SAMPLE_STRATEGY = "sma_cross"
SAMPLE_AXES = {
    "fast": {"min": 4, "max": 82, "step": 1},
    "slow": {"min": 20, "max": 220, "step": 2},
    "side": {"values": ["long", "both"]},
}
"""79 x 101 x 2 combinations, of which fast < slow leaves 13,910: some fifteen seconds, enough to be watched."""


def migrate() -> None:
    """Bring the tables up to date; when they are, nothing is done, which saves a start half a second."""
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        call_command("migrate", interactive=False, verbosity=0)


def make_folders() -> Path:
    """Make the folder for the user's own strategies, and return it."""
    settings.ALGOTRADE_STRATEGIES.mkdir(parents=True, exist_ok=True)
    return Path(settings.ALGOTRADE_STRATEGIES)


def first_user() -> User:
    """Return the installation's first user, made when there is none: staff, and without a password.

    Without a password nobody can log in but by a one-time URL, which only who has the terminal gets.
    """
    users = get_user_model()
    user = users.objects.filter(is_superuser=True, is_active=True).order_by("pk").first()
    if user is None:
        name = _name_of_person()
        user = users.objects.create_superuser(username=name, email="", password=None)
    return user


def install_sample() -> None:
    """Store the synthetic candles, if they are not there."""
    install_samples(artifacts.candle_store())


def submit_sample(user: User) -> Run | None:
    """Submit a backtest on sample candles when no run was ever made; None otherwise."""
    dataset = None if Run.objects.exists() else _sample_dataset()
    if dataset is None:
        return None
    request = {**_sample_request(dataset), "parameters": {"fast": 50, "slow": 200}}
    run, _ = Run.objects.submit(resolve_backtest(request, artifacts.catalog(), artifacts.candle_store()), user)
    return run


def submit_sample_optimization(user: User) -> Run | None:
    """Submit an optimization that takes long enough to be watched; None when there are no sample candles."""
    dataset = _sample_dataset()
    if dataset is None:
        return None
    resolved = resolve_optimization(
        {**_sample_request(dataset), "axes": SAMPLE_AXES, "filters": {"min_trades": 30}},
        artifacts.catalog(),
        artifacts.candle_store(),
        max_combinations=settings.ALGOTRADE_MAX_COMBINATIONS,
    )
    return Run.objects.submit(resolved, user)[0]


def _sample_dataset() -> Dataset | None:
    """Return the longest sample dataset."""
    samples = (dataset for dataset in artifacts.candle_store().datasets() if dataset.synthetic)
    return max(samples, key=lambda dataset: dataset.n_bars, default=None)


def _sample_request(dataset: Dataset) -> dict[str, Any]:
    return {
        "strategy_name": SAMPLE_STRATEGY,
        "asset": dataset.asset,
        "exchange": dataset.exchange,
        "timeframe": dataset.timeframe,
        "commission": 0.0005,
    }


def _name_of_person() -> str:
    """Return the login name of whoever starts the product, as the system knows it."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "trader"


def person(name: str | None) -> User:
    """Return the active user `name`, or without a name the installation's first user.

    Raises:
        CommandError: there is no active user of that name.
    """
    migrate()  # a command may be the first thing that is ever run here
    if name is None:
        return first_user()
    user = User.objects.filter(username=name, is_active=True).first()
    if user is None:
        known = ", ".join(User.objects.filter(is_active=True).values_list("username", flat=True)[:20]) or "none yet"
        raise CommandError(f"There is no active user {name!r}. There are: {known}.", returncode=2)
    return user
