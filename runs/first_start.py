"""What an installation needs before its first page: tables, a user, candles to look at, a run to look at."""

import getpass
from pathlib import Path

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import User
from django.core.management import call_command

from algotrade.market.sample import install_samples
from algotrade.resolve import resolve_backtest
from runs import artifacts
from runs.models import Run

SAMPLE_STRATEGY = "sma_cross"


def migrate() -> None:
    """Bring the tables up to date."""
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
    if Run.objects.exists():
        return None
    dataset = max((d for d in artifacts.candle_store().datasets() if d.synthetic), key=lambda d: d.n_bars, default=None)
    if dataset is None:
        return None
    request = {
        "strategy_name": SAMPLE_STRATEGY,
        "asset": dataset.asset,
        "exchange": dataset.exchange,
        "timeframe": dataset.timeframe,
        "commission": 0.0005,
        "parameters": {"fast": 50, "slow": 200},
    }
    run, _ = Run.objects.submit(resolve_backtest(request, artifacts.catalog(), artifacts.candle_store()), user)
    return run


def _name_of_person() -> str:
    """Return the login name of whoever starts the product, as the system knows it."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "trader"
