"""The address that people are given: the running server's, under a name that it answers to."""

import subprocess
import sys
from io import StringIO

import pytest
from django.core.management import call_command

from runs.server import address
from tests.builders import make_user
from tests.environment import ROOT

HOLDER = """
import os, sys
os.environ["DJANGO_SETTINGS_MODULE"] = "algotrade.settings"
import django
django.setup()
from runs.server import address
with address.published("127.0.0.1", 8210):
    print("told", flush=True)
    sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def home(settings, tmp_path):
    """Return a home folder on which nothing runs."""
    settings.ALGOTRADE_HOME, settings.ALGOTRADE_HOSTS, settings.ALGOTRADE_TLS = tmp_path, [], False
    return tmp_path


def printed_url():
    out, errors = StringIO(), StringIO()
    call_command("login_url", stdout=out, stderr=errors)
    return out.getvalue().strip(), errors.getvalue()


@pytest.mark.parametrize(
    ("host", "hosts", "tls", "expected"),
    [
        ("127.0.0.1", [], False, "http://127.0.0.1:8210"),
        ("localhost", [], False, "http://localhost:8210"),
        ("0.0.0.0", [], False, "http://127.0.0.1:8210"),
        ("::", [], False, "http://[::1]:8210"),
        ("[::1]", [], False, "http://[::1]:8210"),
        ("0.0.0.0", ["trading.example.com", "other.example.com"], False, "http://trading.example.com:8210"),
        ("127.0.0.1", ["trading.example.com"], True, "https://trading.example.com"),
        ("127.0.0.1", [".example.com"], False, "http://example.com:8210"),
        ("127.0.0.1", ["*"], False, "http://127.0.0.1:8210"),
        ("127.0.0.1", ["*", "trading.example.com"], False, "http://trading.example.com:8210"),
    ],
)
def test_address_is_one_that_the_server_answers_to(settings, host, hosts, tls, expected):
    settings.ALGOTRADE_HOSTS, settings.ALGOTRADE_TLS = hosts, tls
    assert address.base_url(host, 8210) == expected


@pytest.mark.django_db
def test_login_url_is_of_the_port_that_the_server_listens_on():
    make_user()
    with address.published("127.0.0.1", 8210):
        url, errors = printed_url()
    assert url.startswith("http://127.0.0.1:8210/login/")
    assert errors == ""


@pytest.mark.django_db
def test_login_url_says_when_no_server_runs(home):
    make_user()
    with address.published("127.0.0.1", 8210):
        pass
    url, errors = printed_url()
    assert url.startswith("http://127.0.0.1:8000/login/")
    assert f"No web server runs on {home}" in errors


def test_second_server_leaves_the_address_of_the_first(home):
    with address.published("127.0.0.1", 8210), address.published("127.0.0.1", 8211):
        assert address.running_url() == "http://127.0.0.1:8210"
    assert address.running_url() is None


def test_address_of_a_killed_server_is_no_longer_told(home):
    environment = {"ALGOTRADE_HOME": str(home), "PYTHONPATH": str(ROOT)}
    server = subprocess.Popen(
        [sys.executable, "-c", HOLDER], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert server.stdout.readline() == "told\n"
    assert address.running_url() == "http://127.0.0.1:8210"
    server.kill()
    server.communicate()
    assert address.running_url() is None
