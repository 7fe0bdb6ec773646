"""A running product: embedded, or on PostgreSQL and Redis."""

import subprocess
import sys
import uuid
from contextlib import contextmanager, nullcontext
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest

from tests import environment
from tests.environment import ROOT
from tests.integration import strategies
from tests.stack import Product

CANDLES = {"asset": "ACME", "exchange": "SAMPLE", "timeframe": "1h"}
"""The sample dataset of 9,135 hours."""


def pytest_collection_modifyitems(config, items):
    """Leave out what takes long unless it was asked for by its marker."""
    if "chaos" in config.getoption("-m"):
        return
    for item in items:
        if item.get_closest_marker("chaos"):
            item.add_marker(pytest.mark.skip(reason="Takes many minutes: ask for it with -m chaos."))


@contextmanager
def fresh_services():
    """Give addresses of a fresh PostgreSQL database and of Redis; the database goes with the block."""
    if not environment.DATABASE_URL or not environment.REDIS_URL:
        environment.lacks("DATABASE_URL and REDIS_URL name no PostgreSQL and Redis to test with.")
    name = f"algotrade_test_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(environment.DATABASE_URL, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    yield {
        "database": urlunsplit(urlsplit(environment.DATABASE_URL)._replace(path=f"/{name}")),
        "redis": environment.REDIS_URL,
    }
    with psycopg.connect(environment.DATABASE_URL, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


@pytest.fixture(scope="session")
def services():
    """Return addresses of a fresh PostgreSQL database and of Redis; the database goes with the session."""
    with fresh_services() as addresses:
        yield addresses


@pytest.fixture(scope="package", params=["embedded", "services"])
def product(request, tmp_path_factory):
    """Return a product that all tests of this folder share."""
    addresses = request.getfixturevalue("services") if request.param == "services" else {}
    with Product(tmp_path_factory.mktemp("home"), sample=True, **addresses) as running:
        running.write_strategy("slow", strategies.SLOW)
        yield running


@pytest.fixture
def lone_product(tmp_path):
    """Return an embedded product that a test may kill."""
    with Product(tmp_path / "home", sample=True) as running:
        running.write_strategy("slow", strategies.SLOW)
        yield running


@pytest.fixture(params=["embedded", "services"])
def victim(request, tmp_path):
    """Return a product that a test may kill, on rows that no other product knows."""
    where = fresh_services() if request.param == "services" else nullcontext({})
    with where as addresses, Product(tmp_path / "home", sample=True, **addresses) as product:
        yield product


@pytest.fixture
def start_command(tmp_path):
    """Return a function that starts a command of manage.py in a home with sample candles; nothing else runs there.

    It has the home as `home`, and `write_strategy`.
    """
    product = Product(tmp_path / "home", sample=True)
    product.home.mkdir()
    product.prepare()
    started = []

    def start(*arguments, **pipes):
        process = subprocess.Popen(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=product.environment,
            text=True,
            **{"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | pipes,
        )
        started.append(process)
        return process

    start.home, start.write_strategy = product.home, product.write_strategy
    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture
def body():
    """Return a function that makes the body of a submission on the sample candles."""

    def make(strategy, parameters=None, **fields):
        return {"strategy_name": strategy, **CANDLES, "parameters": parameters or {}, **fields}

    return make
