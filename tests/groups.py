"""Groups of tests: what one process runs as a whole, one group after the other, while others run the rest.

A group shares what is dear to start: a product, a browser, children. Whatever is not named here is a group by its
file. The groups that take long begin first, so that the many quick files fill up what is left of the other cores.
"""

import re
from pathlib import Path

from xdist.scheduler import LoadScopeScheduling

MOST_WORKERS = 4
"""Products and browsers of more than this many groups at once would disturb each other's clocks."""

GROUPS = {
    "browser": ["tests/browser/"],
    "embedded": [
        "tests/integration/test_api.py",
        "tests/integration/test_faults.py",
        "tests/integration/test_optimizations.py",
        "tests/integration/test_readme.py",
        "tests/integration/test_strategies.py",
        "tests/integration/test_uploads.py",
        "tests/integration/test_restarts.py",
        "tests/integration/test_optimization_kills.py",
    ],
    "commands": ["tests/integration/test_backtest_command.py", "tests/integration/test_optimize_command.py"],
}
"""What shares a product or a home, by folder or files. A file that ORDER names is for itself."""
ORDER = (
    "browser",
    "services",
    "tests/house/test_bootstrap.py",
    "embedded",
    "tests/contract/test_contract.py",
    "tests/core/test_child.py",
    "tests/integration/test_downloads.py",
    "tests/tools/test_bench.py",
    "commands",
    "tests/tools/test_screens.py",
    "tests/contract/test_old_home.py",
)
"""The groups that take longest, in the order in which they begin; others follow as they were found.

Products are shared by the tests of a folder, and end when a group of another one begins: therefore they alternate.
"""
LAST = ("tests/house/test_tools.py", "tests/integration/test_postgresql.py")
"""What judges the work that is done beside the tests."""


def is_one_file(arguments):
    """Tell whether a run is asked for tests of one file only."""
    paths = {argument.partition("::")[0] for argument in arguments}
    return len(paths) == 1 and Path(paths.pop()).suffix == ".py"


def group_of(nodeid):
    """Return the name of the group of a test: of what it shares, or its file."""
    path, _, name = nodeid.partition("::")
    if path in ORDER + LAST:
        return path
    group = next((group for group, parts in GROUPS.items() if path.startswith(tuple(parts))), path)
    return "services" if group == "embedded" and re.search(r"\[(.*-)?services\b", name) else group


def place_of(item):
    """Return what tests are sorted by: the place of their group, and in it that of their file."""
    group, path = group_of(item.nodeid), item.nodeid.partition("::")[0]
    place = ORDER.index(group) if group in ORDER else len(ORDER) + (group in LAST)
    files = GROUPS["embedded"]
    return place, files.index(path) if path in files else 0


class GroupScheduling(LoadScopeScheduling):
    """Hands out whole groups, in the order in which they were sorted.

    This is what `--dist loadgroup` promises; xdist 3.8 writes the name of the group into an attribute that pytest 9
    does not read any more.
    """

    def _split_scope(self, nodeid):
        return group_of(nodeid)
