"""What every test starts from: an isolated home (tests/environment.py) and Django set up on it."""

from pathlib import Path

import django
import pytest
from hypothesis import settings

from tests import environment

django.setup()

# The cores are shared: how long an example takes says nothing. In CI a failure must come back when it is run again.
settings.register_profile("algotrade", deadline=None, derandomize=environment.IS_CI, print_blob=True)
settings.load_profile("algotrade")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Return the folder of real candles; a user's clone has none."""
    if not environment.SHARED_DATA.is_dir():
        pytest.skip(f"No real candles at {environment.SHARED_DATA}.")
    return environment.SHARED_DATA
