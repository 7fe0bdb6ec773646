"""A running product: embedded, or on PostgreSQL and Redis."""

import shutil
import subprocess
import sys
import uuid
from contextlib import contextmanager
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest

from tests import environment, gated
from tests.environment import ROOT
from tests.stack import Product

CANDLES = {"asset": "ACME", "exchange": "SAMPLE", "timeframe": "1h"}
"""The sample dataset of 9,135 hours."""


@contextmanager
def fresh_services():
    """Give addresses of a fresh PostgreSQL database and of Redis; the database goes with the block."""
    if not environment.DATABASE_URL or not environment.REDIS_URL:
        environment.lacks("DATABASE_URL and REDIS_URL name no PostgreSQL and Redis to test with.")
    name = f"algotrade_test_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(environment.DATABASE_URL, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    try:
        yield {
            "database": urlunsplit(urlsplit(environment.DATABASE_URL)._replace(path=f"/{name}")),
            "redis": environment.REDIS_URL,
        }
    finally:
        with psycopg.connect(environment.DATABASE_URL, autocommit=True) as connection:
            connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


@pytest.fixture(scope="session")
def services():
    """Return addresses of a fresh PostgreSQL database and of Redis; the database goes with the session."""
    with fresh_services() as addresses:
        yield addresses


@pytest.fixture(scope="package")
def product(tmp_path_factory):
    """Return an embedded product that the tests of this folder share."""
    with Product(tmp_path_factory.mktemp("home"), sample=True) as running:
        running.write_strategy("gated", gated.BARS)
        yield running


@pytest.fixture(scope="package")
def product_on_services(services, tmp_path_factory):
    """Return a product on PostgreSQL and Redis that the tests of this folder share."""
    with Product(tmp_path_factory.mktemp("home"), sample=True, **services) as running:
        running.write_strategy("gated", gated.BARS)
        yield running


@pytest.fixture(params=["product", "product_on_services"], ids=["embedded", "services"])
def everywhere(request):
    """Return a product on each back end in turn, for what rows, locks and kills decide."""
    return request.getfixturevalue(request.param)


@pytest.fixture(scope="session")
def prepared_home(tmp_path_factory):
    """Return a home with sample candles and all tables, to be copied."""
    product = Product(tmp_path_factory.mktemp("prepared") / "home", sample=True)
    product.home.mkdir()
    product.prepare()
    product.manage("migrate")
    return product.home


@pytest.fixture
def start_command(prepared_home, tmp_path):
    """Return a function that starts a command of manage.py in a home with sample candles; nothing else runs there.

    It has the home as `home`, and `write_strategy`, and `gates`.
    """
    product = Product(tmp_path / "home", sample=True)
    shutil.copytree(prepared_home, product.home, symlinks=True)
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

    start.home, start.write_strategy, start.gates = product.home, product.write_strategy, product.gates
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
