"""Peers in environments of their own: made once, kept in the user's cache, so that they never touch the product's."""

import json
import os
import subprocess
import sys
import tempfile
import venv
from pathlib import Path
from typing import Any

import numpy as np

from algotrade.errors import AlgotradeError
from algotrade.market.bars import COLUMNS, Bars

PEERS = {
    "backtesting.py": ("backtesting==0.6.6", "backtesting_py.py"),
    "vectorbt": ("vectorbt==1.2.0", "vectorbt.py"),
    "backtrader": ("backtrader==1.9.78.123 pandas==2.2.3", "backtrader.py"),
}
"""Requirements, by blanks, and script of each peer."""
INSTALL_SECONDS = 600
RUN_SECONDS = 300


class PeerMissing(AlgotradeError):
    """A peer cannot be installed or run here; the message says why."""


def run_peer(name: str, bars: Bars, grid: list[tuple[int, int]]) -> dict[str, Any]:
    """Run trials in a peer's environment, and return what its script printed.

    Raises:
        PeerMissing: it cannot be installed, or its script failed.
    """
    requirements, script = PEERS[name]
    python = _environment(name, requirements)
    with tempfile.TemporaryDirectory() as folder:
        candles, asked = Path(folder) / "candles.npz", Path(folder) / "grid.json"
        np.savez(
            candles, time=bars.time.view("datetime64[ns]"), **{column: getattr(bars, column) for column in COLUMNS}
        )
        asked.write_text(json.dumps(grid))
        done = _call(
            [str(python), str(Path(__file__).parent / "peers" / script), str(candles), str(asked)], RUN_SECONDS
        )
    found: dict[str, Any] = json.loads(done.splitlines()[-1])
    return found


def _environment(name: str, requirements: str) -> Path:
    """Return the Python of a peer's environment; it is complete once its stamp is there."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = cache / "algotrade-bench" / f"{name}-{sys.version_info.major}.{sys.version_info.minor}"
    python, stamp = folder / "bin" / "python", folder / "installed"
    if not (stamp.exists() and stamp.read_text() == requirements):
        venv.create(folder, with_pip=True, clear=True)
        _call([str(python), "-m", "pip", "install", "--quiet", *requirements.split()], INSTALL_SECONDS)
        stamp.write_text(requirements)
    return python


def _call(command: list[str], seconds: float) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds, stdin=subprocess.DEVNULL)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise PeerMissing(f"{error}") from error
    if done.returncode:
        raise PeerMissing((done.stderr.strip() or done.stdout.strip()).splitlines()[-1][:200])
    return done.stdout
