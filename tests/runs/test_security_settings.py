"""Settings that keep people safe, as a fresh process sees them."""

import json
import os
import stat
import subprocess
import sys

import pytest
from django.conf import settings
from django.core import checks
from django.test import override_settings

from runs.server.serve import is_loopback, why_not_to_listen
from tests.builders import make_user
from tests.environment import ROOT

NEEDS_TLS = {"security.W004", "security.W008", "security.W012", "security.W016"}
"""HSTS, redirect to https, Secure cookies: a browser on plain loopback http could not log in with them."""


def read_settings(home, expression, **environment):
    """Return what an expression of the settings is in a fresh process."""
    code = f"import json; from algotrade import settings; print(json.dumps({expression}))"
    keep = {name: os.environ[name] for name in ("PATH", "HOME", "LD_LIBRARY_PATH") if name in os.environ}
    command = [sys.executable, "-W", "ignore", "-c", code]
    done = subprocess.run(
        command, cwd=ROOT, env={**keep, "ALGOTRADE_HOME": str(home), **environment}, capture_output=True, check=True
    )
    return json.loads(done.stdout)


def problems():
    return {message.id for message in checks.run_checks(include_deployment_checks=True)}


def test_deployment_check_finds_only_what_takes_tls():
    assert problems() <= NEEDS_TLS


def test_deployment_check_finds_nothing_under_tls():
    secure = {
        "SECURE_HSTS_SECONDS": 31_536_000,
        "SECURE_HSTS_INCLUDE_SUBDOMAINS": True,
        "SECURE_HSTS_PRELOAD": True,
        "SECURE_SSL_REDIRECT": True,
        "SESSION_COOKIE_SECURE": True,
        "CSRF_COOKIE_SECURE": True,
    }
    with override_settings(**secure):
        assert problems() == set()


def test_tls_switch_sets_everything_that_takes_tls(tmp_path):
    names = ("SECURE_SSL_REDIRECT", "SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE", "SECURE_HSTS_SECONDS")
    expression = f"[getattr(settings, name, None) for name in {names}]"
    assert read_settings(tmp_path, expression) == [None, None, None, None]
    assert read_settings(tmp_path, expression, ALGOTRADE_TLS="1") == [True, True, True, 31_536_000]


def test_secret_is_made_once_and_for_this_user_alone(tmp_path):
    home = tmp_path / "home"
    first, second = (read_settings(home, "settings.SECRET_KEY") for _ in range(2))
    assert first == second
    assert len(first) >= 50
    assert stat.S_IMODE((home / "secret").stat().st_mode) == 0o600
    assert stat.S_IMODE(home.stat().st_mode) == 0o700


def test_debug_is_off_and_hosts_are_loopback_by_default(tmp_path):
    debug, hosts = read_settings(tmp_path, "[settings.DEBUG, settings.ALLOWED_HOSTS]")
    assert (debug, hosts) == (False, ["127.0.0.1", "localhost", "[::1]"])


def test_cookies_are_kept_from_scripts_and_other_sites():
    assert settings.SESSION_COOKIE_HTTPONLY
    assert (settings.SESSION_COOKIE_SAMESITE, settings.CSRF_COOKIE_SAMESITE) == ("Lax", "Lax")
    assert settings.SESSION_COOKIE_NAME != "sessionid"


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "localhost", "::1", "[::1]"])
def test_loopback_may_always_be_listened_on(host):
    assert is_loopback(host)
    assert why_not_to_listen(host) is None


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "trading.example.com", ""])
def test_other_addresses_take_named_hosts(host, settings):
    settings.ALGOTRADE_HOSTS = []
    assert "ALGOTRADE_HOSTS" in why_not_to_listen(host)


@pytest.mark.django_db
def test_other_addresses_take_a_password(settings):
    settings.ALGOTRADE_HOSTS = ["trading.example.com"]
    make_user()
    assert "password" in why_not_to_listen("0.0.0.0")
    make_user(password="correct horse battery")
    assert why_not_to_listen("0.0.0.0") is None


def test_addresses_of_exchanges_are_read_from_the_environment(tmp_path):
    given = "bitstamp=http://127.0.0.1:81/, kraken=https://mirror.example"
    read = read_settings(tmp_path, "settings.ALGOTRADE_EXCHANGE_URLS", ALGOTRADE_EXCHANGE_URLS=given)
    assert read == {"bitstamp": "http://127.0.0.1:81", "kraken": "https://mirror.example"}
    assert read_settings(tmp_path, "settings.ALGOTRADE_EXCHANGE_URLS") == {}


@pytest.mark.parametrize("given", ["bitstamp", "=http://x", "a=ftp://x", "a=http://x/path", "a=file:///etc"])
def test_address_of_an_exchange_that_is_none_stops_the_start(tmp_path, given):
    with pytest.raises(subprocess.CalledProcessError) as info:
        read_settings(tmp_path, "1", ALGOTRADE_EXCHANGE_URLS=given)
    assert b"ALGOTRADE_EXCHANGE_URLS must be like" in info.value.stderr
