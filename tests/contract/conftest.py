"""Whether the golden files are compared or written anew, and the answers of each database."""

import json
from contextlib import nullcontext

import pytest

from tests.contract import golden, patterns, scenario
from tests.integration.conftest import fresh_services


def pytest_addoption(parser):
    """Add the option that writes golden files; `tests/contract/__init__.py` tells when that is legitimate."""
    parser.addoption("--record-contract", action="store_true", help="write tests/contract/golden anew")


@pytest.fixture(scope="session")
def is_recording(pytestconfig):
    """Tell whether golden files are written anew."""
    return pytestconfig.getoption("record_contract", default=False)


@pytest.fixture(scope="session", params=["embedded", pytest.param("services", marks=pytest.mark.contract)])
def answers(request, tmp_path_factory):
    """Return what a product on SQLite answers, then one on PostgreSQL and Redis."""
    where = fresh_services() if request.param == "services" else nullcontext({})
    with where as addresses:
        parts = scenario.record(tmp_path_factory.mktemp("home"), **addresses)
    return json.loads(json.dumps(parts))


@pytest.fixture(scope="session")
def names():
    """Return the options of commands, and the documented settings."""
    return {"options": patterns.options(), "settings": patterns.settings()}


@pytest.fixture(scope="session")
def compare(is_recording):
    """Return a function that compares a part with what was recorded.

    Where golden files are written, the first answer is; what another database answers is compared with it.
    """
    written = set()

    def judge(part, now):
        if is_recording and part not in written:
            golden.write(part, now)
            written.add(part)
        found = golden.told(golden.differences(golden.read(part), now))
        assert not found, f"The contract is not kept ({part}), before -> after:\n{found}"

    return judge
