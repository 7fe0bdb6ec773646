"""Long runs under faults: `python3 manage.py test -m chaos`. A plain run leaves them out."""

from pathlib import Path

import pytest

HERE = Path(__file__).parent


def pytest_collection_modifyitems(config, items):
    """Skip what takes long unless it was asked for by its marker."""
    if "chaos" in config.getoption("-m"):
        return
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.skip(reason="Long: ask for it with -m chaos."))
