"""An old home folder: how `home-0007.tar.gz` was made, by the product as it was with migration 0007 as its newest.

It is not made anew when the product changes: that the product of today starts on it is what is tested. Another one is
made beside it when there are further migrations, by `python3 -m tests.contract.old_home FILE`.
"""

import shutil
import sqlite3
import sys
import tarfile
import tempfile
from contextlib import closing
from pathlib import Path

from tests.contract import strategies
from tests.contract.parts.datasets import csv
from tests.contract.recorder import Recorder
from tests.contract.scenario import FIRST_USER
from tests.downloads import asked
from tests.exchange import LocalExchange
from tests.stack import Product

ARCHIVE = Path(__file__).resolve().parent / "home-0007.tar.gz"
SECRET = "the secret of a home folder that was made for a test and is used nowhere else"
GATES = Path(tempfile.gettempdir()) / "algotrade-contract-gates"
"""Where a strategy of the old home waits; not there any more, so that it would wait for ever."""
NOT_KEPT = ("cache", "up.log", "up.lock")
PEARS = {"asset": "PEAR", "exchange": "FARM", "timeframe": "1h"}
WAITS = {"strategy_name": "patient", **PEARS, "parameters": {"gate": 1}}
BACKTESTS = {
    "talkative": {"strategy_name": "talkative", **PEARS, "commission": 0.001, "parameters": {"mood": "both"}},
    "cross": {"strategy_name": "sma_cross", **PEARS, "parameters": {"fast": 3, "slow": 9}, "slippage_ticks": 1},
    "stumbling": {"strategy_name": "stumbling", **PEARS},
}
AXES = {"length": {"values": [1, 2, 5, 7, 12]}, "bad": {"fixed": 5}, "worse": {"fixed": 7}}
OPTIMIZATIONS = {
    "wide": {"strategy_name": "patient", **PEARS, "axes": AXES, "filters": {"min_trades": 3}},
    "hopeless": {"strategy_name": "patient", **PEARS, "axes": {"length": {"values": [4, 6]}, "bad": {"fixed": 2}}},
}
LATER = {"strategy_name": "patient", **PEARS, "axes": {"length": {"values": [8, 9]}}, "objective": "net_profit"}


def make(archive):
    """Make a home folder, and pack it."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        home.mkdir()
        (home / "secret").write_text(SECRET)
        GATES.mkdir(exist_ok=True)
        try:
            with LocalExchange() as exchange:
                product = Product(home, workers=1)
                product.environment["LOGNAME"] = FIRST_USER
                exchange.stand_in(product.environment)
                with product:
                    _fill(product)
        finally:
            shutil.rmtree(GATES)
        _pack(home, archive)


def _fill(product):
    strategies.write_all(product, GATES)
    recorder = Recorder(product)
    recorder.add_guest()
    owner = recorder.callers["owner"]
    for hours in (range(200), range(240)):
        owner.ask_file("/api/datasets/", "pears.csv", csv(hours), **PEARS)
    owner.ask_json("POST", "/api/datasets/PEAR-FARM-1h/resample", {"timeframe": "4h"})
    for name, body in BACKTESTS.items():
        _finished(recorder, "backtest", name, body)
    for name, body in OPTIMIZATIONS.items():
        _finished(recorder, "optimization", name, body)
    _finished(recorder, "download", "coins", asked(50))
    _finished(recorder, "download", "no such market", asked(20, asset="DOGE/USD"))
    _cancelled(recorder)
    words = {"title": "Loud pears", "notes": "Both sides.\nKeep.", "tags": ["keep", "pears"]}
    owner.ask_json("PATCH", f"/api/backtests/{recorder.ids['talkative']}", words)
    owner.ask_json("PATCH", f"/api/optimizations/{recorder.ids['wide']}", {"tags": ["keep"]})


def _cancelled(recorder):
    """Leave a run that was cancelled on its way, and one of each kind that had not begun."""
    _submit(recorder, "backtest", "gated", WAITS)
    recorder.waiting_at(1, "backtest", "gated", "running_backtest", GATES)
    waiting = {"backtest": {**WAITS, "initial_cash": 5_000}, "optimization": LATER, "download": asked(70)}
    for kind, body in waiting.items():
        _submit(recorder, kind, f"waiting {kind}", body)
        recorder.callers["owner"].ask_json("POST", f"/api/{kind}s/{recorder.ids[f'waiting {kind}']}/cancel")
    recorder.callers["owner"].ask_json("POST", f"/api/backtests/{recorder.ids['gated']}/cancel")
    _submit(recorder, "backtest", "another's", {**BACKTESTS["talkative"], "initial_cash": 7_000}, "guest")
    recorder.idle()


def _submit(recorder, kind, name, body, caller="owner"):
    answer = recorder.callers[caller].ask_json("POST", f"/api/{kind}s/", body)
    if answer.status != 202:
        raise RuntimeError(f"{name}: {answer.data.decode()}")
    recorder.call(name, answer.json()["id"])


def _finished(recorder, kind, name, body):
    _submit(recorder, kind, name, body)
    recorder.finished(kind, name)


def _pack(home, archive):
    """Pack a home folder of a stopped product, without what a start makes anew."""
    with closing(sqlite3.connect(home / "algotrade.sqlite3")) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute("VACUUM")
    with tarfile.open(archive, "w:gz") as packed:
        for path in sorted(home.iterdir()):
            if path.name not in NOT_KEPT:
                packed.add(path, path.name, filter=_of_nobody)


def _of_nobody(member):
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    return member


def unpack(home):
    """Make a home folder of the archive."""
    home.mkdir(mode=0o700)
    with tarfile.open(ARCHIVE) as packed:
        packed.extractall(home, filter="data")


if __name__ == "__main__":
    make(Path(sys.argv[1]))
