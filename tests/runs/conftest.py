"""What every test of the app starts from."""

from contextlib import nullcontext

import pytest
from django.contrib.auth import get_user_model
from django.core.cache import caches

from algotrade.market.store import CandleStore
from runs import artifacts
from tests.runs.clients import Browser
from tests.runs.pages import FakeCatalog, make_store


@pytest.fixture(autouse=True)
def fresh_counts():
    """Let no test be throttled by what another one did."""
    for cache in caches.all(initialized_only=True):
        cache.clear()


@pytest.fixture
def client():
    """Return a browser that nobody has logged in with."""
    return Browser()


@pytest.fixture
def user(db):
    """Return a user who is not staff."""
    return get_user_model().objects.create_user(username="anna")


@pytest.fixture
def site(tmp_path, monkeypatch, settings, client, user):
    """Return a logged-in client of an installation with one dataset and three strategies."""
    settings.ALGOTRADE_HOME = tmp_path
    store, catalog = make_store(tmp_path / "candles"), FakeCatalog()
    monkeypatch.setattr(artifacts, "candle_store", lambda: store)
    monkeypatch.setattr(artifacts, "catalog", lambda: catalog)
    client.force_login(user)
    client.defaults["HTTP_HOST"] = "127.0.0.1"
    return client


@pytest.fixture
def any_candles(monkeypatch):
    """Let runs be submitted of candles that there are not."""
    monkeypatch.setattr(CandleStore, "pinned", lambda _store, _versions: nullcontext())


@pytest.fixture(autouse=True)
def quick_passwords(settings):
    """Hash passwords fast: a good hash takes a third of a second, for each login."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
