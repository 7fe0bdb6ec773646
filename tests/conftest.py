"""What every test starts from: an isolated home (tests/environment.py), Django set up on it, and its place in the work.

The suite runs on every core: `groups.py` says what stays together, and what begins first.
"""

import importlib
import os
import sys
from pathlib import Path

import django
import pytest
from hypothesis import settings

from tests import background, environment, gated, groups

django.setup()

# The cores are shared: how long an example takes says nothing. In CI a failure must come back when it is run again.
settings.register_profile("algotrade", deadline=None, derandomize=environment.IS_CI, print_blob=True)
settings.load_profile("algotrade")


LONG = ("chaos", "contract", "tools")
"""Markers of tests that a plain run leaves out."""


def pytest_xdist_auto_num_workers(config):
    """Return how many processes run the tests: none beside this one for a single file, else one a core, up to four."""
    if groups.is_one_file(config.args):
        return 0
    return min(len(os.sched_getaffinity(0)), groups.MOST_WORKERS)


def pytest_xdist_setupnodes():
    """Give the processes of a parallel run the environment that this one was given: each makes its own home."""
    os.environ.clear()
    os.environ.update(environment.for_workers())


def pytest_collection():
    """Compile the metrics, which nearly all modules import, in one process of a parallel run; the others load them."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        with environment.one_at_a_time("metrics"):
            importlib.import_module("algotrade.metrics.stats_nb")


def pytest_xdist_make_scheduler(config, log):
    """Return who hands out the groups."""
    return groups.GroupScheduling(config, log)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config, items):
    """Put the groups that take long first; leave out what runs only when its marker is asked for."""
    items.sort(key=groups.place_of)
    for marker in LONG:
        if marker not in config.getoption("-m"):
            for item in items:
                if item.get_closest_marker(marker):
                    item.add_marker(pytest.mark.skip(reason=f"Takes minutes: ask for it with -m {marker}."))


def pytest_collection_finish(session):
    """Start what is done beside the tests, in one of several processes; from now on commands run as users run them."""
    if session.config.option.collectonly:
        return
    if os.environ.get("PYTEST_XDIST_WORKER", "gw0") == "gw0":
        for item in session.items:
            background.start_for(item)
    sys.executable = environment.as_users_have_it()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol():
    """Let on what a test and its fixtures have left waiting, however they ended."""
    with gated.opened_afterwards():
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call():
    """Let on what a test itself has left waiting, before its fixtures wait for that to end."""
    with gated.opened_afterwards():
        return (yield)


def pytest_unconfigure():
    """End what nobody waits for any more."""
    background.end_all()


@pytest.fixture
def done_beside(request):
    """Return status and output of the command that the test's marker `beside` names, once it has ended."""
    return background.result_of(request.node)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Return the folder of real candles; a user's clone has none."""
    if not environment.SHARED_DATA.is_dir():
        pytest.skip(f"No real candles at {environment.SHARED_DATA}.")
    return environment.SHARED_DATA
